import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Patient } from 'fhir/r4.js';
import { z } from 'zod';
import { clientWith as clientOf } from '../test/support/client-with.js';
import { EhrServer } from '../test/support/ehr-server.js';
import type { EhrAnswer } from '../test/support/ehr-server.js';
import { httpClient } from '../test/support/launch-parts.js';
import type { ReadyClient } from './ready-client.js';
import type { LaunchRecord } from './session/launch-record.js';
import { SmartError } from './smart-error.js';

const PATIENT: Patient = { resourceType: 'Patient', id: 'patient-1' };
const http = httpClient();
let ehr: EhrServer;
let evil: EhrServer;
let iss: string;

beforeAll(async () => {
  [ehr, evil] = [await EhrServer.start(), await EhrServer.start()];
  iss = `${ehr.url}/fhir`;
});
afterAll(async () => {
  await http.close();
  await ehr.close();
  await evil.close();
});
beforeEach(() => {
  for (const server of [ehr, evil]) {
    server.reset();
    server.respondWith(() => ({ json: PATIENT }));
  }
});

const clientWith = (...given: [Partial<LaunchRecord>?, (LaunchRecord | SmartError)?]) =>
  clientOf(iss, http, ...given);
const tokens = () => ehr.requests.map(({ headers }) => headers.authorization);

describe('a request', () => {
  it('A8-1 sends the token of the launch in the Authorization header only', async () => {
    const { fhir } = clientWith();
    expect(await fhir.request('Patient/patient-1', { headers: { 'x-app': '1' } })).toEqual(PATIENT);
    expect(ehr.requests[0]).toMatchObject({ method: 'GET', target: '/fhir/Patient/patient-1' });
    expect(ehr.requests[0]!.headers).toMatchObject({ authorization: 'Bearer access-1', 'x-app': '1' });
  });

  it.each([
    ['another host', () => `${evil.url}/Patient/1`],
    ['another host, as a URL object', () => new URL(`${evil.url}/Patient/1`)],
    ['a path that begins like the base', () => `${iss}-evil/Patient/1`],
    ['a path above the base', () => 'Patient/../../admin'],
    ['no scheme', () => `//${new URL(evil.url).host}/Patient/1`],
  ])('A8-2 goes nowhere but to the FHIR base: %s', async (_what, target) => {
    const { fhir, asked } = clientWith();
    expect(await fhir.request(target())).toMatchObject({ error: 'invalid_request', status: 400 });
    expect([ehr.requests, evil.requests, asked]).toEqual([[], [], []]);
  });

  it('A8-8 has the token of its own launch among 50 at once', async () => {
    const clients = [clientWith(), clientWith({ accessToken: 'access-other' })];
    await Promise.all(Array.from({ length: 50 }, (_, at) => clients[at % 2]!.fhir.request(`Patient/${at}`)));
    const wrong = ehr.requests.filter(({ path, headers }) => {
      const isOther = Number(path.split('/').at(-1)) % 2 === 1;
      return headers.authorization !== (isOther ? 'Bearer access-other' : 'Bearer access-1');
    });
    expect(ehr.requests).toHaveLength(50);
    expect(wrong).toEqual([]);
  });

  it('is validated by a schema, and typed by it', async () => {
    const { fhir } = clientWith();
    const schema = z.object({ id: z.string() });
    expect(await fhir.request('Patient/patient-1', { schema })).toEqual({ id: 'patient-1' });
    const refused = await fhir.request('Patient/patient-1', { schema: z.object({ birthDate: z.string() }) });
    expect(refused).toMatchObject({
      error: 'schema_mismatch',
      message: expect.stringContaining('birthDate'),
    });
  });

  it('A8-7 that is forbidden is an error with the OperationOutcome, and nothing is refreshed', async () => {
    const { fhir, asked } = clientWith();
    const json = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'forbidden' }] };
    ehr.respondWith(() => ({ status: 403, json }));
    const refused = await fhir.request('Observation?code=x');
    expect(refused).toMatchObject({ error: 'fhir_request_failed', status: 403, operationOutcome: json });
    expect(asked).toEqual([]);
    expect(ehr.requests).toHaveLength(1);
  });
});

describe.each([
  ['GET', (fhir: ReadyClient) => fhir.request('Patient/patient-1')],
  ['POST', (fhir: ReadyClient) => fhir.create(PATIENT)],
  ['PUT', (fhir: ReadyClient) => fhir.update(PATIENT)],
])('a token that the EHR refuses: %s', (method, call) => {
  const refuse = (...refused: string[]) =>
    ehr.respondWith(({ headers }) =>
      refused.some((token) => headers.authorization === `Bearer ${token}`)
        ? { status: 401 }
        : { json: PATIENT },
    );

  it('A8-5 is refreshed once, and the request sent once more', async () => {
    const { fhir, asked } = clientWith();
    refuse('access-1');
    expect(await call(fhir)).toEqual(PATIENT);
    expect(await call(fhir)).toEqual(PATIENT);
    expect(asked).toEqual(['renew access-1']);
    expect(tokens()).toEqual(['Bearer access-1', 'Bearer access-2', 'Bearer access-2']);
    expect(ehr.requests.every((request) => request.method === method)).toBe(true);
    expect(new Set(ehr.requests.map(({ body }) => body)).size).toBe(1);
  });

  it('A8-5 twice ends the session', async () => {
    const { fhir, asked } = clientWith();
    refuse('access-1', 'access-2');
    expect(await call(fhir)).toMatchObject({ error: 'session_expired', status: 401 });
    expect(asked).toEqual(['renew access-1', 'end']);
    expect(ehr.requests).toHaveLength(2);
  });

  it('A8-5 and cannot be refreshed is the error of the refresh', async () => {
    const error = new SmartError('ehr_unavailable', 'down');
    const { fhir, asked } = clientWith({}, error);
    refuse('access-1');
    expect(await call(fhir)).toBe(error);
    expect(asked).toEqual(['renew access-1']);
    expect(ehr.requests).toHaveLength(1);
  });

  it('E-ORA-7 is refused with an OperationOutcome too', async () => {
    const { fhir, asked } = clientWith();
    const issue = [{ severity: 'error', code: 'login', diagnostics: 'Bearer error="invalid_token"' }];
    ehr.respondWith(({ headers }): EhrAnswer =>
      headers.authorization === 'Bearer access-1'
        ? { status: 401, json: { resourceType: 'OperationOutcome', issue } }
        : { json: PATIENT },
    );
    expect(await call(fhir)).toEqual(PATIENT);
    expect(asked).toEqual(['renew access-1']);
  });
});

describe('a token that the EHR refuses in several answers', () => {
  it('A8-5 is refreshed for the token that was refused, not for the newer one that is good', async () => {
    const { fhir, asked } = clientWith();
    const patientAsked = (path: string) => ({ json: { ...PATIENT, id: path.split('/').at(-1) } });
    let answerSlow = () => undefined as void;
    const slow = new Promise<void>((resolve) => (answerSlow = resolve));
    ehr.respondWith(async ({ path, headers }) => {
      if (headers.authorization !== 'Bearer access-1') return patientAsked(path);
      if (path.endsWith('slow')) await slow;
      return { status: 401 };
    });
    const late = fhir.request('Patient/slow');
    expect(await fhir.request('Patient/quick')).toMatchObject({ id: 'quick' });
    answerSlow();
    expect(await late).toMatchObject({ id: 'slow' });
    // the second one finds, in the store, what the first one brought
    expect(asked).toEqual(['renew access-1', 'renew access-1']);
  });
});

describe('a write', () => {
  it('asks for what was stored, and answers it', async () => {
    const { fhir } = clientWith();
    const draft: Patient = { resourceType: 'Patient', active: true };
    expect(await fhir.create(draft, { headers: { 'if-none-exist': 'identifier=x' } })).toEqual(PATIENT);
    expect(await fhir.update({ ...PATIENT, active: true }, { headers: { 'if-match': 'W/"1"' } })).toEqual(
      PATIENT,
    );
    expect(ehr.requests).toMatchObject([
      {
        method: 'POST',
        target: '/fhir/Patient',
        headers: { prefer: 'return=representation', 'if-none-exist': 'identifier=x' },
        body: JSON.stringify(draft),
      },
      { method: 'PUT', target: '/fhir/Patient/patient-1', headers: { 'if-match': 'W/"1"' } },
    ]);
  });

  it.each<[string, EhrAnswer, string | undefined]>([
    [
      'an absolute Location',
      { status: 201, headers: { location: 'https://x/fhir/Patient/new-1/_history/1' } },
      'new-1',
    ],
    ['a relative Location', { status: 201, headers: { location: 'Patient/new-1' } }, 'new-1'],
    ['a Location that is none', { status: 201, headers: { location: 'https://x/?id=1' } }, undefined],
    ['nothing', { status: 201 }, undefined],
    [
      'an OperationOutcome',
      {
        status: 201,
        headers: { location: 'Patient/new-1' },
        json: { resourceType: 'OperationOutcome', issue: [] },
      },
      'new-1',
    ],
  ])('knows its id where the server answers with %s', async (_what, answer, id) => {
    ehr.respondWith(() => answer);
    const created = await clientWith().fhir.create<Patient>({ resourceType: 'Patient', active: true });
    expect(created).toEqual({ resourceType: 'Patient', active: true, ...(id !== undefined && { id }) });
  });

  it.each<[string, unknown]>([
    ['an id that climbs', { resourceType: 'Patient', id: '../Binary/1' }],
    ['an id with a query', { resourceType: 'Patient', id: 'a?b' }],
    ['an id with a fragment', { resourceType: 'Patient', id: 'a#b' }],
    ['two dots for an id', { resourceType: 'Patient', id: '..' }],
    ['no id', { resourceType: 'Patient' }],
    ['a type that is none', { resourceType: '../Patient', id: '1' }],
    ['no type', { id: '1' }],
    ['null', null],
  ])('A8-6 is refused and not sent with %s', async (_what, resource) => {
    const { fhir } = clientWith();
    expect(await fhir.update(resource as Patient)).toMatchObject({
      error: 'invalid_request',
      message: expect.not.stringContaining('FHIR base'),
    });
    const { resourceType } = (resource ?? {}) as Partial<Patient>;
    if (resourceType !== 'Patient') {
      expect(await fhir.create(resource as Patient)).toMatchObject({ error: 'invalid_request' });
    }
    expect(ehr.requests).toEqual([]);
  });
});
