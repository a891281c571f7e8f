import { fhirclientAt, launched } from '../support/clients.mjs';
import { startEhr } from '../support/measure.mjs';

const MEBIBYTE = 1024 * 1024;

/** 10,000 observations, 100 on a page: how far the heap grows while they are read. */
export async function run() {
  const ehr = await startEhr({ PAGES: '100', PER_PAGE: '100' });
  const fhir = await launched(ehr.iss);
  const peer = fhirclientAt(ehr.iss);
  await fhir.search('Observation').first();
  const streamed = await peak(async (read) => {
    for await (const observation of fhir.search('Observation')) read(observation);
  });
  const listed = await peak(async (read) => {
    const all = await peer.request('Observation', { pageLimit: 0, flat: true });
    for (const observation of all) read(observation);
  });
  ehr.close();
  return {
    raw: { streamed, listed },
    unit: 'MiB above the heap before, garbage collected at each sample',
    head: ['10,000 observations', 'resources', 'peak heap growth, MiB'],
    rows: [
      ['for await (… of fhir.search())', streamed.count, streamed.peakMiB.toFixed(1)],
      ['fhirclient: pageLimit 0, flat', listed.count, listed.peakMiB.toFixed(1)],
    ],
    limits: [['peak heap growth of fhir.search(), MiB', streamed.peakMiB, '<', 30]],
  };
}

/** Samples what is reachable, twenty times along the way. */
async function peak(work) {
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  let highest = 0;
  let count = 0;
  const sample = () => {
    globalThis.gc();
    highest = Math.max(highest, process.memoryUsage().heapUsed - before);
  };
  await work((resource) => {
    if (resource.resourceType !== 'Observation') throw new Error('not what was asked for');
    count += 1;
    if (count % 500 === 0) sample();
  });
  return { count, peakMiB: highest / MEBIBYTE };
}
