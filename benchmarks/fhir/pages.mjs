import { setTimeout as delay } from 'node:timers/promises';
import { unwrap } from '../../dist/index.js';
import { fhirclientAt, launched } from '../support/clients.mjs';
import { interleaved, ratio, startEhr } from '../support/measure.mjs';

const WORK_MS = 15;

/** 20 pages of 50, a server that takes 30 ms for each, and 15 ms of work on each. */
export async function run() {
  const ehr = await startEhr({ LATENCY_MS: '30', PAGES: '20', PER_PAGE: '50' });
  const fhir = await launched(ehr.iss);
  const peer = fhirclientAt(ehr.iss);
  const results = await interleaved(
    {
      'one page after another': async () => {
        let next = 'Observation';
        while (next !== undefined) {
          const page = unwrap(await fhir.request(next));
          await delay(WORK_MS);
          next = page.link?.find(({ relation }) => relation === 'next')?.url;
        }
      },
      'fhir.search().pages()': async () => {
        for await (const page of fhir.search('Observation').pages()) await delay(WORK_MS, page);
      },
      'fhirclient: onPage': async () => {
        await peer.request('Observation', { pageLimit: 0, onPage: () => delay(WORK_MS) });
      },
    },
    { rounds: 7, count: 1 },
  );
  ehr.close();
  const of = (name) => ratio(results.raw, name, 'one page after another', 'wallMs');
  return {
    ...results,
    unit: 'wall ms for all pages',
    head: ['20 pages of 50', 'wall ms', 'against one after another'],
    rows: Object.entries(results.medians).map(([name, { wallMs }]) => [
      name,
      wallMs.toFixed(0),
      of(name).toFixed(2),
    ]),
    limits: [['fhir.search().pages() against one after another', of('fhir.search().pages()'), '<=', 0.6]],
  };
}
