import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Patient } from 'fhir/r4.js';
import { outcomeText } from '../../lib/fhir/operation-outcome.js';
import type { ReadyClient } from '../../lib/ready-client.js';
import { SmartError, unwrap } from '../../lib/smart-error.js';
import { clientWith as clientOf } from '../support/client-with.js';
import { EhrServer } from '../support/ehr-server.js';
import type { EhrAnswer } from '../support/ehr-server.js';
import { CONTEXT, httpClient } from '../support/launch-parts.js';

// The cases of fhirclient's own tests, as this package answers them; docs/from-fhirclient.md lists them.

const PATIENT: Patient = { resourceType: 'Patient', id: 'patient-1' };
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
  answer({ json: PATIENT });
  ({ fhir } = clientWith());
});

const clientWith = (...given: [Parameters<typeof clientOf>[2]?, Parameters<typeof clientOf>[3]?]) =>
  clientOf(`${ehr.url}/fhir`, http, ...given);
const answer = (given: EhrAnswer) => ehr.respondWith(() => given);

describe('Client.request', () => {
  it.each(['', undefined, null, {}])('rejects without url: %j', async (url) => {
    expect(await fhir.request(url as string)).toMatchObject({ error: 'invalid_request' });
    expect(ehr.requests).toEqual([]);
  });

  it('401 without a refresh token ends in session_expired', async () => {
    answer({ status: 401 });
    const { fhir: client, asked } = clientWith(
      { refreshToken: undefined },
      new SmartError('session_expired', 'launch again'),
    );
    expect(await client.request('Patient/patient-1')).toMatchObject({
      error: 'session_expired',
      status: 401,
    });
    expect([ehr.requests.length, asked]).toEqual([1, ['renew access-1']]);
  });

  it('401 after a refresh ends in session_expired', async () => {
    answer({ status: 401 });
    const { fhir: client, asked } = clientWith();
    expect(await client.request('Patient/patient-1')).toMatchObject({ error: 'session_expired' });
    expect([ehr.requests.length, asked]).toEqual([2, ['renew access-1', 'end']]);
  });

  it('401 with a good refresh token is repaired, and later requests use the new token', async () => {
    ehr.respondWith(({ headers }) =>
      headers.authorization === 'Bearer access-1' ? { status: 401 } : { json: PATIENT },
    );
    expect(await fhir.request('Patient/patient-1')).toEqual(PATIENT);
    expect(await fhir.request('Patient/patient-1')).toEqual(PATIENT);
    expect(ehr.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer access-1',
      'Bearer access-2',
      'Bearer access-2',
    ]);
  });

  it('403 is the error, and nothing is refreshed', async () => {
    answer({ status: 403 });
    const { fhir: client, asked } = clientWith();
    expect(await client.request('Patient/patient-1')).toMatchObject({ status: 403 });
    expect(asked).toEqual([]);
  });

  it.each<[string, () => string | URL]>([
    ['a string', () => 'Patient/patient-1'],
    ['a leading slash', () => '/Patient/patient-1'],
    ['a URL object', () => new URL(`${ehr.url}/fhir/Patient/patient-1`)],
  ])('reads a single resource by %s', async (_form, target) => {
    expect(await fhir.request(target())).toEqual(PATIENT);
    expect(ehr.requests).toMatchObject([{ target: '/fhir/Patient/patient-1' }]);
  });

  it('text is text, and bytes are bytes', async () => {
    answer({ text: 'This is a text', headers: { 'content-type': 'text/plain' } });
    expect(await fhir.request('Binary/1', { as: 'text' })).toBe('This is a text');
    answer({ text: Buffer.from([0, 255]), headers: { 'content-type': 'application/octet-stream' } });
    expect(await fhir.request('Binary/1', { as: 'binary' })).toEqual({
      data: Buffer.from([0, 255]),
      contentType: 'application/octet-stream',
    });
  });

  it.each(['', 'null'])('a read that is answered with %j is an error', async (text) => {
    answer({ text, headers: { 'content-type': 'application/json' } });
    expect(await fhir.request('Patient/patient-1')).toMatchObject({ error: 'invalid_fhir_response' });
  });

  it('includeResponse gives body and response', async () => {
    const response = unwrap(await fhir.request('Patient/patient-1', { includeResponse: true }));
    expect(response).toMatchObject({ body: PATIENT, status: 200 });
  });

  it('aborts', async () => {
    const abort = new AbortController();
    ehr.respondWith(() => {
      abort.abort();
      return 'silence';
    });
    expect(await fhir.request('Patient/patient-1', { signal: abort.signal })).toMatchObject({
      error: 'aborted',
    });
  });
});

describe('patient, encounter and user', () => {
  it('read rejects without context', async () => {
    const { fhir: client } = clientWith({ context: { ...CONTEXT, patient: null } });
    for (const part of [client.patient, client.encounter, client.user]) {
      expect(part.id).toBeNull();
      expect(await part.request()).toMatchObject({ error: 'missing_context' });
    }
  });

  it('read aborts, and includes the response', async () => {
    const signal = AbortSignal.abort();
    expect(await fhir.patient.request({ signal })).toMatchObject({ error: 'aborted' });
    expect(await fhir.patient.request({ includeResponse: true })).toMatchObject({
      body: PATIENT,
      status: 200,
    });
  });
});

describe('create, update, delete and patch', () => {
  const CALLS: [string, string, string, string | undefined, (options: object) => Promise<unknown>][] = [
    ['create', 'POST', '/fhir/Patient', 'application/fhir+json', (o) => fhir.create(PATIENT, o)],
    ['update', 'PUT', '/fhir/Patient/patient-1', 'application/fhir+json', (o) => fhir.update(PATIENT, o)],
    ['delete', 'DELETE', '/fhir/Patient/patient-1', undefined, (o) => fhir.delete('Patient/patient-1', o)],
    [
      'patch',
      'PATCH',
      '/fhir/Patient/patient-1',
      'application/json-patch+json',
      (o) => fhir.patch('Patient/patient-1', [{ op: 'remove', path: '/active' }], o),
    ],
  ];

  it.each(CALLS)(
    '%s: method, URL, bearer, content type',
    async (_name, method, target, contentType, call) => {
      await call({});
      expect(ehr.requests).toMatchObject([{ method, target, headers: { authorization: 'Bearer access-1' } }]);
      expect(ehr.requests[0]!.headers['content-type']).toBe(contentType);
    },
  );

  it.each(CALLS)('%s: headers of one’s own, signal, includeResponse', async (_name, _m, _t, _c, call) => {
    await call({ headers: new Headers({ 'x-custom': 'value', prefer: 'return=minimal' }) });
    expect(ehr.requests[0]!.headers).toMatchObject({ 'x-custom': 'value', prefer: 'return=minimal' });
    expect(await call({ signal: AbortSignal.abort() })).toMatchObject({ error: 'aborted' });
    expect(await call({ includeResponse: true })).toMatchObject({
      status: 200,
      headers: expect.any(Headers),
    });
  });

  it.each(CALLS)('%s: an expired token is refreshed', async (_name, _m, _t, _c, call) => {
    ehr.respondWith(({ headers }) =>
      headers.authorization === 'Bearer access-1' ? { status: 401 } : { json: PATIENT },
    );
    expect(await call({})).not.toBeInstanceOf(SmartError);
    expect(ehr.requests).toHaveLength(2);
  });

  it('create answered with 201 and Location knows the id', async () => {
    answer({ status: 201, headers: { location: 'Patient/new-1/_history/1' } });
    expect(await fhir.create({ resourceType: 'Patient', active: true })).toEqual({
      resourceType: 'Patient',
      active: true,
      id: 'new-1',
    });
    expect(ehr.requests).toHaveLength(1);
  });

  it('update without id is refused', async () => {
    expect(await fhir.update({ resourceType: 'Patient' })).toMatchObject({ error: 'invalid_request' });
    expect(ehr.requests).toEqual([]);
  });

  it.each<[string, EhrAnswer]>([
    ['empty', { status: 200 }],
    ['null', { text: 'null' }],
  ])('update answered with an %s body is what was sent', async (_what, given) => {
    answer(given);
    expect(await fhir.update(PATIENT)).toEqual(PATIENT);
  });

  it('update answered with text is an error', async () => {
    answer({ text: 'text', headers: { 'content-type': 'text/plain' } });
    expect(await fhir.update(PATIENT)).toMatchObject({ error: 'invalid_fhir_response' });
  });
});

describe('HttpError', () => {
  it.each<[string, EhrAnswer]>([
    ['text', { status: 400, text: 'my-error', headers: { 'content-type': 'text/plain' } }],
    ['json', { status: 400, json: { x: 'my-error' } }],
    ['error', { status: 400, json: { error: 'my-error' } }],
    ['error and description', { status: 400, json: { error: 'my-error', error_description: 'my-error' } }],
    ['another type', { status: 400, text: 'my-error', headers: { 'content-type': 'application/xyz' } }],
  ])('of %s has status, method and path, and nothing of the body', async (_what, given) => {
    answer(given);
    const error = await fhir.request('Patient/patient-1');
    expect(error).toMatchObject({ error: 'fhir_request_failed', status: 400 });
    expect((error as SmartError).message).toBe('GET Patient/{id} was answered with 400');
    expect(JSON.stringify(error)).not.toContain('my-error');
  });

  it('has the OperationOutcome, parsed, and its text for who asks', async () => {
    const json = {
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code: 'not-found', diagnostics: 'Patient/patient-1 is not known' }],
    };
    answer({ status: 404, json });
    const error = (await fhir.request('Patient/patient-1')) as SmartError;
    expect(error.operationOutcome).toEqual(json);
    expect(error.message).toBe('GET Patient/{id} was answered with 404 (not-found)');
    expect(outcomeText(error)).toBe('Patient/patient-1 is not known');
    expect(error.toJSON()).toEqual({ statusCode: 404, error: 'fhir_request_failed', message: error.message });
  });
});
