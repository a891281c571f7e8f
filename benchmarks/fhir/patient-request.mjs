import { Agent, request } from 'undici';
import { unwrap } from '../../dist/index.js';
import { fhirclientAt, launched } from '../support/clients.mjs';
import { interleaved, ratio, startEhr } from '../support/measure.mjs';

const CONCURRENCY = 10;

/** One patient: the client's call against undici and JSON.parse, per call. */
export async function run() {
  const ehr = await startEhr();
  const fhir = await launched(ehr.iss);
  const peer = fhirclientAt(ehr.iss);
  const dispatcher = new Agent({ keepAliveTimeout: 60_000 });
  const headers = { accept: 'application/fhir+json', authorization: `Bearer ${'a'.repeat(40)}` };
  const raw = async () => {
    const { body } = await request(`${ehr.iss}/Patient/p1`, { dispatcher, headers });
    return JSON.parse(await body.text());
  };
  const results = await interleaved(
    {
      'undici.request + JSON.parse': times(raw),
      // identical reads at once are one request otherwise
      'fhir.patient.request()': times(async () => unwrap(await fhir.patient.request({ cache: false }))),
      'fhirclient: client.patient.read()': times(() => peer.patient.read()),
    },
    { rounds: 15, count: 3_000 },
  );
  ehr.close();
  await dispatcher.close();
  const of = (name) => ratio(results.raw, name, 'undici.request + JSON.parse');
  return {
    ...results,
    unit: 'CPU µs per call',
    rows: Object.entries(results.medians).map(([name, { cpuUs }]) => [
      name,
      cpuUs.toFixed(0),
      of(name).toFixed(2),
    ]),
    head: ['one Patient', 'CPU µs', 'against undici'],
    limits: [['fhir.patient.request() against undici', of('fhir.patient.request()'), '<=', 1.15]],
  };
}

function times(call) {
  return async (count) => {
    for (let done = 0; done < count; done += CONCURRENCY) {
      await Promise.all(Array.from({ length: CONCURRENCY }, call));
    }
  };
}
