import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Patient } from 'fhir/r4.js';
import { clientWith } from '../../test/support/client-with.js';
import { EhrServer } from '../../test/support/ehr-server.js';
import { httpClient } from '../../test/support/launch-parts.js';
import type { ReadyClient } from '../ready-client.js';
import { unwrap } from '../smart-error.js';

const PATIENT: Patient = { resourceType: 'Patient', id: 'p1' };
const http = httpClient();
let ehr: EhrServer;
let fhir: ReadyClient;

beforeAll(async () => void (ehr = await EhrServer.start()));
afterAll(async () => {
  await http.close();
  await ehr.close();
});
beforeEach(() => {
  ehr.reset();
  ehr.respondWith(() => ({ json: PATIENT }));
  ({ fhir } = clientWith(`${ehr.url}/fhir`, http));
});

describe('the same read, under way already', () => {
  it('is one request, and each caller has an answer of its own', async () => {
    const answers = await Promise.all([
      fhir.request('Patient/p1'),
      fhir.read('Patient', 'p1'),
      fhir.request(`${ehr.url}/fhir/Patient/p1`, { headers: {} }),
    ]);
    expect(ehr.requests).toHaveLength(1);
    expect(answers).toEqual([PATIENT, PATIENT, PATIENT]);
    const [first, second] = answers.map((answer) => unwrap(answer));
    Object.assign(first!, { active: true });
    expect(second).toEqual(PATIENT);
    await fhir.request('Patient/p1');
    expect(ehr.requests).toHaveLength(2);
  });

  it('that fails fails for all, and is asked for again later', async () => {
    ehr.respondWith(() => ({ status: 500 }));
    const both = await Promise.all([fhir.request('Patient/p1'), fhir.request('Patient/p1')]);
    expect(both).toMatchObject([{ status: 502 }, { status: 502 }]);
    expect(ehr.requests).toHaveLength(1);
    ehr.respondWith(() => ({ json: PATIENT }));
    expect(await fhir.request('Patient/p1')).toEqual(PATIENT);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['another path', () => fhir.request('Patient/p1?_summary=true')],
    ['other headers', () => fhir.request('Patient/p1', { headers: { prefer: 'x' } })],
    ['another form', () => fhir.request('Patient/p1', { as: 'text' })],
    ['another time', () => fhir.request('Patient/p1', { timeout: 5_000 })],
    ['a signal of its own', () => fhir.request('Patient/p1', { signal: new AbortController().signal })],
    ['the wish for a fresh one', () => fhir.request('Patient/p1', { cache: false })],
  ])('is none with %s', async (_what, other) => {
    await Promise.all([fhir.request('Patient/p1'), other()]);
    expect(ehr.requests).toHaveLength(2);
  });

  it('A8-8 of another launch is none', async () => {
    const { fhir: stranger } = clientWith(`${ehr.url}/fhir`, http, { accessToken: 'access-other' });
    await Promise.all([fhir.request('Patient/p1'), stranger.request('Patient/p1')]);
    expect(new Set(ehr.requests.map(({ headers }) => headers.authorization)).size).toBe(2);
  });

  it('is none for writes', async () => {
    await Promise.all([
      fhir.create(PATIENT),
      fhir.create(PATIENT),
      fhir.update(PATIENT),
      fhir.update(PATIENT),
    ]);
    expect(ehr.requests).toHaveLength(4);
  });

  it('is none from before a write: who wrote reads what was written', async () => {
    let answerOld = () => undefined as void;
    const old = new Promise<void>((resolve) => (answerOld = resolve));
    ehr.respondWith(async ({ method }) => {
      if (method === 'PUT') return { json: { ...PATIENT, active: true } };
      if (ehr.requests.length > 1) return { json: { ...PATIENT, active: true } };
      await old;
      return { json: { ...PATIENT, active: false } };
    });
    const before = fhir.request('Patient/p1');
    await fhir.update({ ...PATIENT, active: true });
    expect(await fhir.request('Patient/p1')).toMatchObject({ active: true });
    answerOld();
    expect(await before).toMatchObject({ active: false });
  });
});
