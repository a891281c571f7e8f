import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Bundle, Patient } from 'fhir/r4.js';
import { BackendEhr } from '../test/support/backend-ehr.js';
import { clientWith } from '../test/support/client-with.js';
import { httpClient } from '../test/support/launch-parts.js';
import { BackendFhirClient } from './backend-fhir-client.js';
import type { FhirCalls } from './fhir-calls.js';

const PATIENT: Patient = { resourceType: 'Patient', id: 'patient-1', active: true };
const STEPS = [{ op: 'replace', path: '/active', value: true }] as const;
const ENTRIES: Bundle['entry'] = [{ request: { method: 'GET', url: 'Patient/1' } }];
const ANSWER: Bundle = { resourceType: 'Bundle', type: 'batch-response', entry: [] };
const http = httpClient();
let ehr: BackendEhr;

beforeAll(async () => void (ehr = await BackendEhr.start()));
afterAll(async () => {
  await http.close();
  await ehr.close();
});
beforeEach(() => ehr.reset());

describe.each<[string, () => FhirCalls]>([
  ['a launch', () => clientWith(ehr.fhirBaseUrl, http).fhir],
  ['a backend service', () => ehr.client()],
])('the client of %s', (_whose, make) => {
  let fhir: FhirCalls;
  beforeEach(() => void (fhir = make()));
  afterEach(async () => {
    if (fhir instanceof BackendFhirClient) await fhir.close();
  });
  const sent = () =>
    ehr.server.requests.filter(
      ({ path }) => path === '/fhir' || ehr.fhirRequests.some((r) => r.path === path),
    );

  it('patches, and answers what was stored', async () => {
    ehr.onFhir = () => ({ json: PATIENT });
    const patched = await fhir.patch('Patient/patient-1', STEPS, { headers: { 'if-match': 'W/"1"' } });
    expect(patched).toEqual(PATIENT);
    const headers = {
      'content-type': 'application/json-patch+json',
      prefer: 'return=representation',
      'if-match': 'W/"1"',
      authorization: 'Bearer access-1',
    };
    expect(sent()).toMatchObject([
      { method: 'PATCH', target: '/fhir/Patient/patient-1', headers, body: JSON.stringify(STEPS) },
    ]);
  });

  it('patches, and says what it was where the server says nothing', async () => {
    ehr.onFhir = () => ({ status: 204 });
    expect(await fhir.patch('Patient/patient-1', STEPS)).toEqual({
      resourceType: 'Patient',
      id: 'patient-1',
    });
  });

  it('deletes', async () => {
    ehr.onFhir = () => ({ status: 204 });
    expect(await fhir.delete('Patient/patient-1')).toEqual({ deleted: true });
    expect(sent()).toMatchObject([{ method: 'DELETE', target: '/fhir/Patient/patient-1', body: '' }]);
    ehr.onFhir = () => ({ status: 409 });
    expect(await fhir.delete('Patient/patient-1')).toMatchObject({
      error: 'fhir_request_failed',
      status: 409,
    });
  });

  it('A8-6 says that the id is missing where there is a type alone', async () => {
    for (const refused of [await fhir.patch('Observation', []), await fhir.delete('Observation/')]) {
      expect(refused).toMatchObject({
        error: 'invalid_request',
        message: expect.stringContaining('The id is missing'),
      });
    }
    expect(sent()).toEqual([]);
  });

  it.each(['Patient', 'Patient/', 'Patient/..', 'Patient/a?b', 'Patient/1/_history/2', '/Patient/1', ''])(
    'A8-6 neither patches nor deletes what is no reference: %j',
    async (reference) => {
      expect(await fhir.patch(reference, STEPS)).toMatchObject({ error: 'invalid_request' });
      expect(await fhir.delete(reference)).toMatchObject({ error: 'invalid_request' });
      expect(ehr.server.requests).toEqual([]);
    },
  );

  it.each(['batch', 'transaction'] as const)('posts a %s to the FHIR base', async (type) => {
    ehr.onFhir = () => ({ json: ANSWER });
    const bundle: Bundle = { resourceType: 'Bundle', type, entry: ENTRIES };
    expect(await fhir[type](ENTRIES)).toEqual(ANSWER);
    expect(await fhir[type](bundle)).toEqual(ANSWER);
    const request = { method: 'POST', target: '/fhir', body: JSON.stringify(bundle) };
    expect(sent()).toMatchObject([request, request]);
  });

  it.each<[string, unknown]>([
    ['a batch', { resourceType: 'Bundle', type: 'batch', entry: [] }],
    ['a Patient', PATIENT],
    ['nothing', undefined],
  ])('does not take %s for a transaction', async (_what, content) => {
    expect(await fhir.transaction(content as Bundle)).toMatchObject({ error: 'invalid_request' });
    expect(ehr.server.requests).toEqual([]);
  });

  it('does not take anything for the answer to a batch', async () => {
    ehr.onFhir = () => ({ json: PATIENT });
    expect(await fhir.batch(ENTRIES)).toMatchObject({ error: 'invalid_fhir_response' });
  });
});
