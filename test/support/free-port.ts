import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/** A port that nothing listens on now, for what must know its URL before it listens. */
export async function freePort(host = 'localhost'): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
