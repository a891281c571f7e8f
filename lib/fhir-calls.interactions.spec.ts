import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Parameters, Patient } from 'fhir/r4.js';
import { BackendEhr } from '../test/support/backend-ehr.js';
import { clientWith } from '../test/support/client-with.js';
import type { EhrAnswer } from '../test/support/ehr-server.js';
import { httpClient } from '../test/support/launch-parts.js';
import { BackendFhirClient } from './backend-fhir-client.js';
import type { FhirCalls } from './fhir-calls.js';
import type { FhirHeaders } from './fhir/request-options.js';
import { SmartError } from './smart-error.js';

const PATIENT: Patient = { resourceType: 'Patient', id: 'p1', meta: { versionId: '3' } };
const OTHER: Patient = { ...PATIENT, id: 'p2' };
const OUTCOME = {
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'information', code: 'informational' }],
};
const FHIRPATH_PATCH: Parameters = { resourceType: 'Parameters', parameter: [{ name: 'operation' }] };
const http = httpClient();
let ehr: BackendEhr;

beforeAll(async () => void (ehr = await BackendEhr.start()));
afterAll(async () => {
  await http.close();
  await ehr.close();
});
beforeEach(() => {
  ehr.reset();
  ehr.onFhir = () => ({ json: PATIENT });
});

describe.each<[string, () => FhirCalls]>([
  ['a launch', () => clientWith(ehr.fhirBaseUrl, http).fhir],
  ['a backend service', () => ehr.client()],
])('the client of %s', (_whose, make) => {
  let fhir: FhirCalls;
  beforeEach(() => void (fhir = make()));
  afterEach(async () => {
    if (fhir instanceof BackendFhirClient) await fhir.close();
  });
  const answer = (given: EhrAnswer) => void (ehr.onFhir = () => given);
  const targets = () => ehr.fhirRequests.map(({ method, target }) => `${method} ${target}`);

  describe('takes no other resource for the one it asked for', () => {
    const calls: [string, () => Promise<unknown>][] = [
      ['request', () => fhir.request('Patient/p1')],
      ['request with an absolute URL', () => fhir.request(`${ehr.fhirBaseUrl}/Patient/p1?_summary=true`)],
      ['request with an encoded id', () => fhir.request('Patient/p%31')],
      ['request of text', () => fhir.request('Patient/p1', { as: 'text' })],
      ['request of a version', () => fhir.request('Patient/p1/_history/3')],
      ['request with PUT', () => fhir.request({ url: 'Patient/p1', method: 'PUT', body: PATIENT })],
      ['read', () => fhir.read('Patient', 'p1')],
      ['vread', () => fhir.vread('Patient', 'p1', '3')],
      ['update', () => fhir.update(PATIENT)],
      ['patch', () => fhir.patch('Patient/p1', [])],
    ];

    it.each(calls)('%s', async (_name, call) => {
      expect(await call()).not.toBeInstanceOf(SmartError);
      const others = [
        { json: OTHER },
        { json: { ...PATIENT, resourceType: 'Person' } },
        { json: { resourceType: 'Patient' } },
      ];
      for (const other of others) {
        answer(other);
        const refused = await call();
        expect(refused).toMatchObject({ error: 'invalid_fhir_response', status: 502 });
        expect((refused as SmartError).message).not.toContain('p2');
      }
    });

    it('a write whose answer has no body, but another Location', async () => {
      answer({ status: 201, headers: { location: `${ehr.fhirBaseUrl}/Patient/p2/_history/1` } });
      expect(await fhir.update(PATIENT)).toMatchObject({ error: 'invalid_fhir_response' });
      expect(await fhir.create(PATIENT)).toMatchObject({ id: 'p2' });
    });

    it('another version than the one it named', async () => {
      expect(await fhir.vread('Patient', 'p1', '2')).toMatchObject({ error: 'invalid_fhir_response' });
      answer({ json: { resourceType: 'Patient', id: 'p1' } });
      expect(await fhir.vread('Patient', 'p1', '2')).toMatchObject({ id: 'p1' });
    });

    it('but takes what operations, searches and writes answer', async () => {
      answer({ json: OUTCOME });
      expect(await fhir.request('Patient/p1/$anything')).toEqual(OUTCOME);
      expect(await fhir.request('Patient?name=x')).toEqual(OUTCOME);
      expect(await fhir.request({ url: 'Patient/p1', method: 'PUT', body: PATIENT })).toEqual(OUTCOME);
      expect(await fhir.request({ url: 'Patient/p1', method: 'DELETE' })).toEqual(OUTCOME);
      expect(await fhir.request('Patient/p1')).toMatchObject({ error: 'invalid_fhir_response' });
    });
  });

  it('reads a resource and a version of it', async () => {
    expect(await fhir.read('Patient', 'p1')).toEqual(PATIENT);
    expect(await fhir.vread('Patient', 'p1', '3')).toEqual(PATIENT);
    expect(targets()).toEqual(['GET /fhir/Patient/p1', 'GET /fhir/Patient/p1/_history/3']);
  });

  it.each(['', '..', '../x', 'a?b', 'a#b', 'a/b', 'x'.repeat(65)])(
    'A8-6 refuses the id %j in every call',
    async (id) => {
      const calls = [
        fhir.read('Patient', id),
        fhir.vread('Patient', 'p1', id),
        fhir.vread('Patient', id, '1'),
        fhir.history('Patient', id).toArray(),
        fhir.operation('$everything', { on: `Patient/${id}` }),
      ];
      for (const call of calls) {
        expect(await call.catch((error: unknown) => error)).toMatchObject({ error: 'invalid_request' });
      }
      expect(ehr.server.requests).toEqual([]);
    },
  );

  describe('a history', () => {
    const page = (...resources: unknown[]) => ({
      json: { resourceType: 'Bundle', type: 'history', entry: resources.map((resource) => ({ resource })) },
    });

    it('is of the server, of a type or of a resource', async () => {
      answer(page(PATIENT));
      expect(await fhir.history().toArray()).toEqual([PATIENT]);
      expect(await fhir.history('Patient').toArray()).toEqual([PATIENT]);
      const since = '2026-01-31T12:00:00+01:00';
      expect(await fhir.history('Patient', 'p1', { since, count: 20 }).first()).toEqual(PATIENT);
      expect(targets()).toEqual([
        'GET /fhir/_history',
        'GET /fhir/Patient/_history',
        'GET /fhir/Patient/p1/_history?_since=2026-01-31T12%3A00%3A00%2B01%3A00&_count=20',
      ]);
    });

    it('of one resource holds no other', async () => {
      answer(page(PATIENT, OTHER));
      await expect(fhir.history('Patient', 'p1').toArray()).rejects.toMatchObject({
        error: 'invalid_fhir_response',
      });
      expect(await fhir.history('Patient').toArray()).toHaveLength(2);
    });
  });

  describe('a condition', () => {
    it.each<[string, string]>([
      ['3', 'W/"3"'],
      ['W/"3"', 'W/"3"'],
      ['"3"', '"3"'],
      ['*', '*'],
    ])('of a change is the version %s, as If-Match: %s', async (ifMatch, header) => {
      await fhir.update(PATIENT, { ifMatch });
      await fhir.patch('Patient/p1', [], { ifMatch });
      await fhir.delete('Patient/p1', { ifMatch });
      expect(ehr.fhirRequests.map(({ headers }) => headers['if-match'])).toEqual([header, header, header]);
    });

    it('that does not hold is a conflict', async () => {
      answer({ status: 412, json: OUTCOME });
      expect(await fhir.update(PATIENT, { ifMatch: '2' })).toMatchObject({ error: 'conflict', status: 409 });
      answer({ status: 409 });
      expect(await fhir.delete('Patient/p1', { ifMatch: '2' })).toMatchObject({ error: 'conflict' });
      expect(await fhir.delete('Patient/p1')).toMatchObject({ error: 'fhir_request_failed', status: 409 });
    });

    it('of a create is a search that must find nothing', async () => {
      const search = new URLSearchParams({ identifier: 'urn:x|å 1' });
      expect(await fhir.create({ resourceType: 'Patient' }, { ifNoneExist: search })).toEqual(PATIENT);
      expect(await fhir.create({ resourceType: 'Patient' }, { ifNoneExist: 'identifier=x' })).toEqual(
        PATIENT,
      );
      expect(ehr.fhirRequests.map(({ headers }) => headers['if-none-exist'])).toEqual([
        'identifier=urn%3Ax%7C%C3%A5+1',
        'identifier=x',
      ]);
      const empty = await fhir.create({ resourceType: 'Patient' }, { ifNoneExist: new URLSearchParams() });
      expect(empty).toMatchObject({ error: 'invalid_request' });
      expect(ehr.fhirRequests).toHaveLength(2);
    });
  });

  it('patches by FHIRPath Patch, too', async () => {
    expect(await fhir.patch('Patient/p1', FHIRPATH_PATCH)).toEqual(PATIENT);
    expect(ehr.fhirRequests).toMatchObject([
      { headers: { 'content-type': 'application/fhir+json' }, body: JSON.stringify(FHIRPATH_PATCH) },
    ]);
    for (const none of [PATIENT, {}, null, 'x']) {
      expect(await fhir.patch('Patient/p1', none as never)).toMatchObject({ error: 'invalid_request' });
    }
    expect(ehr.fhirRequests).toHaveLength(1);
  });

  describe('an operation', () => {
    const bundle = { resourceType: 'Bundle', type: 'searchset', entry: [] };

    it('is called with values by GET, with Parameters by POST', async () => {
      answer({ json: bundle });
      const parameters = { _count: 5, type: ['Observation', 'Condition'], all: true, none: undefined };
      expect(await fhir.operation('$everything', { on: 'Patient/p1', parameters })).toEqual(bundle);
      await fhir.operation('$match', { on: 'Patient', parameters: FHIRPATH_PATCH });
      await fhir.operation('$reindex');
      await fhir.operation('$reindex', { method: 'POST' });
      expect(targets()).toEqual([
        'GET /fhir/Patient/p1/$everything?_count=5&type=Observation&type=Condition&all=true',
        'POST /fhir/Patient/$match',
        'GET /fhir/$reindex',
        'POST /fhir/$reindex',
      ]);
      expect(ehr.fhirRequests[1]!.body).toBe(JSON.stringify(FHIRPATH_PATCH));
    });

    it('that answers nothing has no parameters', async () => {
      answer({ status: 204 });
      expect(await fhir.operation('$reindex', { method: 'POST' })).toEqual({ resourceType: 'Parameters' });
    });

    it('of FHIR answers what FHIR says', async () => {
      expect(await fhir.operation('$everything', { on: 'Patient/p1' })).toMatchObject({
        error: 'invalid_fhir_response',
      });
      expect(await fhir.operation('$summary', { on: 'Patient/p1' })).toEqual(PATIENT);
    });

    it.each<[string, object]>([
      ['everything', {}],
      ['$', {}],
      ['$every thing', {}],
      ['$a/../b', {}],
      ['$everything', { on: '' }],
      ['$everything', { on: 'Patient/1/Observation' }],
      ['$match', { method: 'GET', parameters: FHIRPATH_PATCH }],
      ['$match', { method: 'POST', parameters: { count: 1 } }],
    ])('A8-6 is refused before it is sent: %s %j', async (name, options) => {
      expect(await fhir.operation(name, options)).toMatchObject({ error: 'invalid_request' });
      expect(ehr.server.requests).toEqual([]);
    });
  });

  it('asks for the capabilities, and takes nothing else for them', async () => {
    expect(await fhir.capabilities()).toMatchObject({ error: 'invalid_fhir_response' });
    const statement = {
      resourceType: 'CapabilityStatement',
      fhirVersion: '4.0.1',
      rest: [{ mode: 'server' }],
    };
    answer({ json: statement });
    expect(await fhir.capabilities()).toEqual(statement);
    expect(targets()).toEqual(['GET /fhir/metadata', 'GET /fhir/metadata']);
  });

  describe('a request as an object', () => {
    it('is sent as it says', async () => {
      const request = { url: 'Patient/p1', method: 'PUT', body: PATIENT, headers: { 'x-app': '1' } } as const;
      expect(await fhir.request(request)).toEqual(PATIENT);
      expect(await fhir.request({ url: new URL(`${ehr.fhirBaseUrl}/Patient/p1`) })).toEqual(PATIENT);
      expect(ehr.fhirRequests).toMatchObject([
        { method: 'PUT', body: JSON.stringify(PATIENT), headers: { 'x-app': '1' } },
        { method: 'GET', body: '' },
      ]);
    });

    it('may be answered without a body, unless it reads', async () => {
      answer({ status: 204 });
      expect(await fhir.request({ url: 'Patient/p1', method: 'DELETE' })).toBeUndefined();
      expect(await fhir.request({ url: 'Patient/p1' })).toMatchObject({ error: 'invalid_fhir_response' });
    });

    it('that is a search by POST sends a form', async () => {
      const body = new URLSearchParams({ name: 'Møller' });
      await fhir.request({ url: 'Patient/_search', method: 'POST', body });
      expect(ehr.fhirRequests).toMatchObject([
        { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'name=M%C3%B8ller' },
      ]);
    });

    it.each<[string, unknown]>([
      ['no url', {}],
      ['null', null],
      ['a number', 1],
      ['a method that is none', { url: 'Patient/p1', method: 'TRACE' }],
      ['a GET with a body', { url: 'Patient/p1', body: {} }],
      ['headers that are none', { url: 'Patient/p1', headers: 'x: y' }],
      ['another host', { url: 'https://evil.example/Patient/p1' }],
    ])('A8-2 is refused before it is sent: %s', async (_what, request) => {
      expect(await fhir.request(request as { url: string })).toMatchObject({ error: 'invalid_request' });
      expect(ehr.server.requests).toEqual([]);
    });
  });

  it.each<[string, () => FhirHeaders]>([
    ['an object', () => ({ Prefer: 'handling=strict', 'X-App': '1' })],
    ['Headers', () => new Headers({ prefer: 'handling=strict', 'x-app': '1' })],
    ['pairs', () => [['Prefer', 'handling=strict'] as [string, string], ['X-APP', '1'] as [string, string]]],
  ])('sends headers given as %s, and no other token for its own', async (_form, headers) => {
    await fhir.request('Patient/p1', { headers: headers() });
    const other = new Headers(headers() as Record<string, string>);
    other.set('authorization', 'Bearer other');
    await fhir.update(PATIENT, { headers: other });
    for (const { headers: sent } of ehr.fhirRequests) {
      expect(sent).toMatchObject({
        prefer: 'handling=strict',
        'x-app': '1',
        authorization: 'Bearer access-1',
      });
    }
  });
});

describe('the capabilities', () => {
  it('are asked for once per server and client of the process, and nobody can change them for others', async () => {
    const statement = { resourceType: 'CapabilityStatement', rest: [{ mode: 'server' }] };
    ehr.onFhir = () => ({ json: statement });
    const fhir = ehr.client();
    const first = await fhir.capabilities();
    expect(await fhir.capabilities()).toBe(first);
    expect(ehr.fhirRequests).toHaveLength(1);
    if (first instanceof SmartError) throw first;
    expect(() => (first.rest![0]!.mode = 'client')).toThrow(TypeError);
    await fhir.close();
  });
});
