import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type * as r4 from 'fhir/r4.js';
import { z } from 'zod';
import { clientWith } from '../test/support/client-with.js';
import { EhrServer } from '../test/support/ehr-server.js';
import type { EhrAnswer, EhrRequest } from '../test/support/ehr-server.js';
import { httpClient } from '../test/support/launch-parts.js';
import type { FhirCalls } from './fhir-calls.js';
import type { ReadyClient } from './ready-client.js';
import { SmartError, unwrap } from './smart-error.js';

const http = httpClient();
let ehr: EhrServer;
let fhir: ReadyClient;
let batched: FhirCalls;
let asked: string[];
/** what the CapabilityStatement lists */
let interaction: unknown;
/** answers one entry of a batch */
let onEntry: (path: string) => unknown;
let onBatch: (answers: unknown[]) => EhrAnswer;

const patient = (id: string): r4.Patient => ({ resourceType: 'Patient', id });
const idOf = (path: string) => path.split('/').at(-1)!;
const good = (path: string) => ({
  response: { status: '200 OK', etag: 'W/"1"' },
  resource: patient(idOf(path)),
});

beforeAll(async () => void (ehr = await EhrServer.start()));
afterAll(async () => {
  await http.close();
  await ehr.close();
});
beforeEach(() => {
  ehr.reset();
  interaction = [{ code: 'transaction' }, { code: 'batch' }];
  onEntry = good;
  onBatch = (entry) => ({ json: { resourceType: 'Bundle', type: 'batch-response', entry } });
  ehr.respondWith((request): EhrAnswer => {
    if (request.path === '/fhir/metadata') {
      const rest = [{ mode: 'server', interaction }];
      return { json: { resourceType: 'CapabilityStatement', fhirVersion: '4.0.1', rest } };
    }
    return request.method === 'POST'
      ? onBatch(urlsOf(request).map(onEntry))
      : { json: patient(idOf(request.path)) };
  });
  ({ fhir, asked } = clientWith(`${ehr.url}/fhir`, http));
  batched = fhir.batched();
});

const urlsOf = ({ body }: EhrRequest) =>
  (JSON.parse(body) as r4.Bundle).entry!.map(({ request }) => request!.url);
const batches = () => ehr.requests.filter(({ method }) => method === 'POST');
const plain = () => ehr.requests.filter(({ method, path }) => method === 'GET' && path !== '/fhir/metadata');
const read = (...ids: string[]) => Promise.all(ids.map((id) => batched.request(`Patient/${id}`)));

describe('reads of one turn', () => {
  it('are one batch, and each has its own answer', async () => {
    expect(await read('1', '2', '3')).toEqual([patient('1'), patient('2'), patient('3')]);
    expect(ehr.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /fhir/metadata',
      'POST /fhir',
    ]);
    const [batch] = batches();
    expect(JSON.parse(batch!.body)).toEqual({
      resourceType: 'Bundle',
      type: 'batch',
      entry: ['1', '2', '3'].map((id) => ({ request: { method: 'GET', url: `Patient/${id}` } })),
    });
    expect(batch!.headers).toMatchObject({
      authorization: 'Bearer access-1',
      'content-type': 'application/fhir+json',
    });
  });

  it('belong together after awaits that are over at once, and not with those of a later turn', async () => {
    const later = Promise.resolve().then(() => read('2'));
    await Promise.all([read('1'), later]);
    expect(batches().map(urlsOf)).toEqual([['Patient/1', 'Patient/2']]);
    await read('3', '4');
    expect(batches().map(urlsOf)).toEqual([
      ['Patient/1', 'Patient/2'],
      ['Patient/3', 'Patient/4'],
    ]);
  });

  it('may be of versions and of URLs under the base', async () => {
    onEntry = (path) => {
      const [, id, , versionId] = path.split('/');
      return {
        response: { status: '200' },
        resource: { ...patient(id!), ...(versionId && { meta: { versionId } }) },
      };
    };
    await Promise.all([
      batched.request(`${ehr.url}/fhir/Patient/1`),
      batched.request(new URL(`${ehr.url}/fhir/Patient/2`)),
      batched.request('/Patient/3'),
      batched.request('Patient/4/_history/5'),
    ]);
    expect(batches().map(urlsOf)).toEqual([['Patient/1', 'Patient/2', 'Patient/3', 'Patient/4/_history/5']]);
    expect(plain()).toEqual([]);
  });

  it('of the same resource are one entry, and answers that nobody shares', async () => {
    const [one, again] = (await read('1', '1', '2')) as r4.Patient[];
    expect(batches().map(urlsOf)).toEqual([['Patient/1', 'Patient/2']]);
    expect(again).toEqual(one);
    expect(again).not.toBe(one);
  });

  it('are several batches where they are many, the last one alone', async () => {
    batched = fhir.batched({ maxEntries: 3 });
    const ids = ['1', '2', '3', '4', '5', '6', '7'];
    expect(await read(...ids)).toEqual(ids.map(patient));
    expect(batches().map((batch) => urlsOf(batch).length)).toEqual([3, 3]);
    expect(plain().map(({ path }) => path)).toEqual(['/fhir/Patient/7']);
  });

  it('are 50 to a batch where nobody says otherwise', async () => {
    await read(...Array.from({ length: 102 }, (_, at) => String(at)));
    expect(batches().map((batch) => urlsOf(batch).length)).toEqual([50, 50, 2]);
  });

  it('are validated by a schema each', async () => {
    const schema = z.object({ id: z.literal('1') });
    const answers = await Promise.all(['1', '2'].map((id) => batched.request(`Patient/${id}`, { schema })));
    expect(answers).toMatchObject([{ id: '1' }, { error: 'schema_mismatch' }]);
    expect(batches()).toHaveLength(1);
  });

  it('are those of references, too', async () => {
    const source: r4.Patient = {
      ...patient('0'),
      link: ['1', '2', '3'].map((id) => ({ type: 'seealso', other: { reference: `Patient/${id}` } })),
    };
    const { references } = unwrap(await batched.resolveReferences(source, ['link.other']));
    expect([...references.keys()]).toEqual(['Patient/1', 'Patient/2', 'Patient/3']);
    expect(batches()).toHaveLength(1);
  });
});

describe('what is no batch', () => {
  it('a single read, which asks nothing of the server first', async () => {
    expect(await read('1')).toEqual([patient('1')]);
    expect(ehr.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /fhir/Patient/1']);
  });

  it.each<[string, unknown]>([
    ['transactions only', [{ code: 'transaction' }]],
    ['nothing', undefined],
    ['no list', { code: 'batch' }],
  ])('reads of a server that lists %s', async (_what, listed) => {
    interaction = listed;
    expect(await read('1', '2')).toEqual([patient('1'), patient('2')]);
    expect(batches()).toEqual([]);
    expect(plain()).toHaveLength(2);
  });

  it('reads of a server whose CapabilityStatement cannot be read', async () => {
    ehr.respondWith(({ path }) =>
      path === '/fhir/metadata' ? { status: 403 } : { json: patient(idOf(path)) },
    );
    expect(await read('1', '2')).toEqual([patient('1'), patient('2')]);
    expect(batches()).toEqual([]);
  });

  it('a read with headers of its own, a query, a search, or a write', async () => {
    onBatch = () => ({ json: patient('5') });
    ehr.respondWith(({ path }) => ({ json: path === '/fhir/Patient' ? patient('5') : patient(idOf(path)) }));
    await Promise.all([
      batched.request('Patient/1', { headers: { 'if-none-match': 'W/"1"' } }),
      batched.request('Patient/2?_elements=name'),
      batched.request('Patient?name=x'),
      batched.request('Patient/3/_history'),
      batched.request('Patient/4', { timeout: 1000 } as object),
      batched.create(patient('5')),
      batched.delete('Patient/6'),
    ]);
    expect(ehr.requests).toHaveLength(7);
    expect(ehr.requests.filter(({ path }) => path === '/fhir')).toEqual([]);
  });

  it('the client itself, which was only asked for a view', async () => {
    await Promise.all(['1', '2'].map((id) => fhir.request(`Patient/${id}`)));
    expect(batches()).toEqual([]);
  });

  it('A8-2 a read of another server, which is refused', async () => {
    const [foreign, own, other] = await Promise.all([
      batched.request('https://other.example.org/fhir/Patient/1'),
      ...['2', '3'].map((id) => batched.request(`Patient/${id}`)),
    ]);
    expect(foreign).toMatchObject({ error: 'invalid_request' });
    expect([own, other]).toEqual([patient('2'), patient('3')]);
    expect(batches().map(urlsOf)).toEqual([['Patient/2', 'Patient/3']]);
  });

  it.each([0, 1, -1, 2.5, 1001, Number.NaN])('%d entries to a batch are refused', (maxEntries) => {
    expect(() => fhir.batched({ maxEntries })).toThrow(SmartError);
  });
});

describe('the answer to an entry', () => {
  const outcome = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'not-found' }] };

  it.each<[string, unknown, number]>([
    ['in the response', { response: { status: '404 Not Found', outcome } }, 404],
    ['as the resource', { response: { status: '403' }, resource: outcome }, 403],
    ['of a server in trouble', { response: { status: '503', outcome } }, 502],
    ['that is a redirect', { response: { status: '302', outcome } }, 502],
  ])('A8-7 with a refusal %s is the error of that read alone', async (_what, refusal, status) => {
    onEntry = (path) => (path === 'Patient/2' ? refusal : good(path));
    const [one, two, three] = await read('1', '2', '3');
    expect([one, three]).toEqual([patient('1'), patient('3')]);
    expect(two).toMatchObject({ error: 'fhir_request_failed', status, operationOutcome: outcome });
    expect((two as SmartError).message).toMatch(/^GET Patient\/\{id\} was answered with \d+ \(not-found\)$/);
  });

  it.each<[string, unknown]>([
    ['of another patient', { response: { status: '200' }, resource: patient('9') }],
    ['of another type', { response: { status: '200' }, resource: { resourceType: 'Practitioner', id: '2' } }],
    ['without a resource', { response: { status: '200' } }],
    ['without a status', { resource: patient('2') }],
    ['with a status that is none', { response: { status: 'OK' }, resource: patient('2') }],
    ['with a status of too many digits', { response: { status: '2000' }, resource: patient('2') }],
    ['that is nothing', null],
  ])('%s is an error of that read alone', async (_what, entry) => {
    onEntry = (path) => (path === 'Patient/2' ? entry : good(path));
    const [one, two] = await read('1', '2');
    expect(one).toEqual(patient('1'));
    expect(two).toMatchObject({ error: 'invalid_fhir_response' });
  });

  it('in another order is an error, never another patient', async () => {
    onBatch = (entries) => ({
      json: { resourceType: 'Bundle', type: 'batch-response', entry: entries.reverse() },
    });
    const [one, two, three] = await read('1', '2', '3');
    expect([one, three]).toMatchObject([
      { error: 'invalid_fhir_response' },
      { error: 'invalid_fhir_response' },
    ]);
    expect(two).toEqual(patient('2'));
  });

  it.each<[string, (entries: unknown[]) => EhrAnswer, object]>([
    [
      'one too few',
      ([, ...entry]) => ({ json: { resourceType: 'Bundle', type: 'batch-response', entry } }),
      { error: 'invalid_fhir_response' },
    ],
    [
      'one too many',
      (entry) => ({ json: { resourceType: 'Bundle', type: 'batch-response', entry: [...entry, entry[0]] } }),
      { error: 'invalid_fhir_response' },
    ],
    ['no Bundle', () => ({ json: patient('1') }), { error: 'invalid_fhir_response' }],
    ['nothing', () => ({ status: 200 }), { error: 'invalid_fhir_response' }],
    ['a refusal', () => ({ status: 403 }), { error: 'fhir_request_failed', status: 403 }],
    ['silence', () => 'reset', { error: 'ehr_unavailable' }],
  ])('where the whole has %s is an error for all', async (_what, answer, error) => {
    onBatch = answer;
    expect(await read('1', '2')).toMatchObject([error, error]);
  });

  it('A8-5 is there after a refresh where the token was refused', async () => {
    onBatch = (entry) =>
      ehr.requests.at(-1)!.headers.authorization === 'Bearer access-1'
        ? { status: 401 }
        : { json: { resourceType: 'Bundle', type: 'batch-response', entry } };
    expect(await read('1', '2')).toEqual([patient('1'), patient('2')]);
    expect(asked).toEqual(['renew access-1']);
  });
});

describe('a read that is given up', () => {
  it('is not sent where it was before, and changes nothing for the others', async () => {
    const answers = await Promise.all([
      batched.request('Patient/1', { signal: AbortSignal.abort() }),
      read('2', '3'),
    ]);
    expect(answers).toMatchObject([{ error: 'aborted' }, [patient('2'), patient('3')]]);
    expect(batches().map(urlsOf)).toEqual([['Patient/2', 'Patient/3']]);
  });

  it('before it is sent is no entry', async () => {
    const controller = new AbortController();
    const aborted = batched.request('Patient/1', { signal: controller.signal });
    const others = read('2', '3');
    controller.abort();
    expect([await aborted, await others]).toMatchObject([{ error: 'aborted' }, [patient('2'), patient('3')]]);
    expect(batches().map(urlsOf)).toEqual([['Patient/2', 'Patient/3']]);
  });

  it('leaves one that is alone then', async () => {
    const controller = new AbortController();
    const aborted = batched.request('Patient/1', { signal: controller.signal });
    const other = read('2');
    controller.abort();
    expect([await aborted, await other]).toMatchObject([{ error: 'aborted' }, [patient('2')]]);
    expect(batches()).toEqual([]);
  });

  it('on the way is over at once, and the others come', async () => {
    const controller = new AbortController();
    let release = () => undefined as void;
    const released = new Promise<void>((resolve) => (release = resolve));
    const answerAll = ehr.requests;
    ehr.respondWith(async ({ method, body }): Promise<EhrAnswer> => {
      if (method === 'GET') {
        return {
          json: { resourceType: 'CapabilityStatement', fhirVersion: '4.0.1', rest: [{ interaction }] },
        };
      }
      controller.abort();
      await released;
      const entry = (JSON.parse(body) as r4.Bundle).entry!.map(({ request }) => good(request!.url));
      return { json: { resourceType: 'Bundle', type: 'batch-response', entry } };
    });
    const aborted = batched.request('Patient/1', { signal: controller.signal });
    const other = batched.request('Patient/2');
    expect(await aborted).toMatchObject({ error: 'aborted' });
    release();
    expect(await other).toEqual(patient('2'));
    expect(answerAll.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });
});
