import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EhrServer } from '../../test/support/ehr-server.js';
import type { EhrAnswer } from '../../test/support/ehr-server.js';
import { httpClient } from '../../test/support/launch-parts.js';
import type { SmartError } from '../smart-error.js';
import { fhirExchange } from './fhir-http.js';
import type { FhirHttpAnswer, FhirHttpRequest } from './fhir-http.js';

const MAX_BYTES = 100_000;
const http = httpClient();
let ehr: EhrServer;

beforeAll(async () => {
  ehr = await EhrServer.start();
});
afterAll(async () => {
  await http.close();
  await ehr.close();
});
beforeEach(() => {
  ehr.reset();
  ehr.respondWith(() => ({ json: { resourceType: 'Patient', id: '1' } }));
});

function send(
  request: Partial<FhirHttpRequest> & { path?: string } = {},
  client = http,
): Promise<FhirHttpAnswer | SmartError> {
  const { path = 'Patient/canary', ...others } = request;
  const url = new URL(`${ehr.url}/fhir/${path}`);
  return fhirExchange(client, `${ehr.url}/fhir`, 'token-1', { method: 'GET', url, ...others }, MAX_BYTES);
}

function answered(answer: EhrAnswer): Promise<FhirHttpAnswer | SmartError> {
  ehr.respondWith(() => answer);
  return send();
}

describe('a FHIR request', () => {
  it('A8-1 carries the access token in the Authorization header and nowhere else', async () => {
    await send({ path: 'Patient?name=x' });
    const [request] = ehr.requests;
    expect(request).toMatchObject({ method: 'GET', target: '/fhir/Patient?name=x', body: '' });
    expect(request!.headers).toMatchObject({
      authorization: 'Bearer token-1',
      accept: 'application/fhir+json',
    });
    expect(request!.headers).not.toHaveProperty('cookie');
    expect(request!.headers).not.toHaveProperty('content-type');
  });

  it('sends a body as FHIR JSON', async () => {
    await send({ method: 'POST', body: { resourceType: 'Patient', name: [{ family: 'Ö' }] } });
    expect(ehr.requests[0]).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/fhir+json' },
      body: '{"resourceType":"Patient","name":[{"family":"Ö"}]}',
    });
  });

  it.each(['authorization', 'Authorization', 'AUTHORIZATION'])(
    'A8-2 lets no header of the caller replace the token: %s',
    async (name) => {
      await send({ headers: { [name]: 'Bearer other', 'If-Match': 'W/"1"', Accept: 'application/json' } });
      expect(ehr.requests[0]!.headers).toMatchObject({
        authorization: 'Bearer token-1',
        'if-match': 'W/"1"',
        accept: 'application/json',
      });
    },
  );

  it('A8-2 lets no header of the caller say where it goes or how long it is', async () => {
    const headers = {
      Host: 'evil.example',
      'Content-Length': '1',
      'Transfer-Encoding': 'chunked',
      connection: 'x',
    };
    const body = { resourceType: 'Patient' };
    expect(await send({ method: 'POST', body, headers })).toMatchObject({ status: 200 });
    expect(ehr.requests[0]).toMatchObject({
      headers: { host: new URL(ehr.url).host },
      body: JSON.stringify(body),
    });
  });

  it.each([
    ['a header with a line break', { headers: { prefer: 'a\r\nx-evil: 1' } }],
    ['a header name that is none', { headers: { 'a b': 'c' } }],
    ['a body that is no JSON', { method: 'POST' as const, body: { at: 1n } }],
  ])('is an error of the caller and not sent: %s', async (_what, request) => {
    expect(await send(request)).toMatchObject({ error: 'invalid_request', status: 400 });
    expect(ehr.requests).toEqual([]);
  });
});

describe('a FHIR answer', () => {
  it('is parsed, whatever its content type, a byte order mark too', async () => {
    const headers = { 'content-type': 'text/plain', etag: 'W/"7"' };
    const answer = await answered({ headers, text: '\uFEFF {"resourceType":"Patient"}\n' });
    expect(answer).toMatchObject({ status: 200, body: { resourceType: 'Patient' } });
    expect((answer as FhirHttpAnswer).header('etag')).toBe('W/"7"');
  });

  it.each([200, 201, 204])('may be empty: %d', async (status) => {
    expect(await answered({ status })).toMatchObject({ status, body: undefined });
  });

  it.each(['<html>', 'null x', '{"resourceType":'])('is refused when it is no JSON: %s', async (text) => {
    expect(await answered({ text })).toMatchObject({ error: 'invalid_fhir_response', status: 502 });
  });

  it('C-17 is refused when it is too large', async () => {
    const text = Buffer.alloc(MAX_BYTES + 1, 32);
    expect(await answered({ text })).toMatchObject({ error: 'invalid_fhir_response', status: 502 });
  });
});

describe('a refusal of the FHIR server', () => {
  const outcome = {
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'error', code: 'forbidden', diagnostics: 'canary-diagnostics' }],
  };

  it.each([
    [400, 400],
    [401, 401],
    [403, 403],
    [404, 404],
    [410, 410],
    [422, 422],
    [500, 502],
    [503, 502],
  ])('A8-7 is a typed error with the OperationOutcome: %d is %d to the browser', async (status, mapped) => {
    const refused = await answered({ status, json: outcome });
    expect(refused).toMatchObject({
      error: 'fhir_request_failed',
      status: mapped,
      operationOutcome: outcome,
    });
    expect((refused as SmartError).message).toBe(`GET Patient/{id} was answered with ${status} (forbidden)`);
  });

  it.each<[number, Record<string, string>]>([
    [412, {}],
    [409, { 'if-match': 'W/"1"' }],
  ])('of a change that comes too late is a conflict: %d', async (status, headers) => {
    ehr.respondWith(() => ({ status, json: outcome }));
    const refused = await send({ method: 'PUT', body: {}, headers });
    expect(refused).toMatchObject({ error: 'conflict', status: 409, operationOutcome: outcome });
    expect((refused as SmartError).message).toBe(`PUT Patient/{id} was answered with ${status} (forbidden)`);
  });

  it.each<[string, unknown, string]>([
    ['a code of FHIR', { coding: [{ code: 'MSG_NO_MATCH' }] }, '(forbidden, MSG_NO_MATCH)'],
    ['a code of the EHR', { coding: [{ code: '59100' }] }, '(forbidden, 59100)'],
    ['what may be an id', { coding: [{ code: '19700101' }] }, '(forbidden)'],
    ['words', { coding: [{ code: 'Anna Berg' }], text: 'Anna Berg' }, '(forbidden)'],
    ['a coding that is none', { coding: [null] }, '(forbidden)'],
  ])('C-19 has codes in its message, and nothing else of the details: %s', async (_what, details, codes) => {
    const json = { resourceType: 'OperationOutcome', issue: [{ ...outcome.issue[0], details }] };
    const refused = await answered({ status: 422, json });
    expect((refused as SmartError).message).toBe(`GET Patient/{id} was answered with 422 ${codes}`);
  });

  it.each<[string, EhrAnswer]>([
    ['nothing', { status: 403 }],
    ['HTML', { status: 403, text: '<h1>no</h1>' }],
    ['another resource', { status: 403, json: { resourceType: 'Patient' } }],
    ['null', { status: 403, text: 'null' }],
    ['an outcome without issues', { status: 403, json: { resourceType: 'OperationOutcome' } }],
    ['an issue code with text', { status: 403, json: { ...outcome, issue: [{ code: 'canary id 7' }] } }],
    ['issues that are none', { status: 403, json: { ...outcome, issue: [null] } }],
  ])('A8-7 needs no OperationOutcome: %s', async (_what, answer) => {
    const refused = await answered(answer);
    expect(refused).toMatchObject({ error: 'fhir_request_failed', status: 403 });
    expect((refused as SmartError).message).toBe('GET Patient/{id} was answered with 403');
  });

  it('C-19 shows a logger neither the patient nor the token', async () => {
    const refused = await answered({ status: 404, json: outcome });
    expect(inspect(refused, { depth: 9 }) + JSON.stringify(refused)).not.toMatch(/canary|token-1/);
  });

  it.each([
    ['120', 120_000],
    ['0', undefined],
    ['-1', undefined],
    ['soon', undefined],
  ])('E-ECW-1 says when another try makes sense: Retry-After %s', async (value, retryAfterMs) => {
    const refused = await answered({ status: 429, headers: { 'retry-after': value } });
    expect(refused).toMatchObject({ error: 'fhir_request_failed', status: 429 });
    expect((refused as SmartError).retryAfterMs).toBe(retryAfterMs);
  });

  it.each([301, 302, 303, 307, 308])('A8-4 is a redirect, which is not followed: %d', async (status) => {
    const target = await EhrServer.start(() => ({ json: {} }));
    try {
      const refused = await answered({ status, headers: { location: `${target.url}/Patient/1` } });
      expect(refused).toMatchObject({ error: 'fhir_request_failed', status: 502 });
      expect(target.requests).toEqual([]);
      expect(ehr.requests).toHaveLength(1);
    } finally {
      await target.close();
    }
  });
});

describe('a FHIR server that does not answer', () => {
  it('is an error, and the request is not repeated', async () => {
    ehr.respondWith(() => 'reset');
    expect(await send({ method: 'POST', body: {} })).toMatchObject({ error: 'ehr_unavailable', status: 502 });
    expect(ehr.requests).toHaveLength(1);
  });

  it('C-17 is given up at the deadline', async () => {
    const hasty = httpClient(50);
    ehr.respondWith(() => 'silence');
    expect(await send({}, hasty)).toMatchObject({ error: 'ehr_timeout', status: 504 });
    await hasty.close();
  });

  it('is not waited for by a caller who went away', async () => {
    const caller = new AbortController();
    ehr.respondWith(() => {
      caller.abort();
      return 'silence';
    });
    expect(await send({ signal: caller.signal })).toMatchObject({ error: 'aborted', status: 499 });
    expect(await send({ signal: caller.signal })).toMatchObject({ error: 'aborted' });
    expect(ehr.requests).toHaveLength(1);
  });
});
