// Sends requests from a process of its own, so that its CPU time is not counted.
import { Agent, request } from 'node:http';

const CONCURRENCY = 16;
const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });

process.on('message', async ({ url, headers, count }) => {
  let left = count;
  let failed = 0;
  const worker = async () => {
    while (left-- > 0) if ((await get(url, headers)) !== 200) failed += 1;
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  process.send({ failed });
});
process.on('disconnect', () => process.exit(0));

function get(url, headers) {
  return new Promise((resolve, reject) => {
    request(url, { agent, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    })
      .on('error', reject)
      .end();
  });
}
