import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Bundle, Patient } from 'fhir/r4.js';
import { Keyv } from 'keyv';
import { fakeClock } from '../test/support/clock.js';
import { EhrServer } from '../test/support/ehr-server.js';
import type { EhrAnswer } from '../test/support/ehr-server.js';
import { httpClient, launchRecord } from '../test/support/launch-parts.js';
import { LaunchReads } from './launch-reads.js';
import type { FhirCacheOptions } from './launch-reads.js';
import { ReadyClient } from './ready-client.js';
import type { LaunchRecord } from './session/launch-record.js';
import { SealedBox } from './session/sealed-box.js';
import type { SmartStorage } from './session/smart-storage.js';

const PATIENT: Patient = { resourceType: 'Patient', id: 'canary-patient' };
const PATH = 'Patient/canary-patient';
const SECRET = 'a secret of more than thirty-two characters';
const http = httpClient();
let ehr: EhrServer;
let clock: ReturnType<typeof fakeClock>;

beforeAll(async () => void (ehr = await EhrServer.start()));
afterAll(async () => {
  await http.close();
  await ehr.close();
});
beforeEach(() => {
  ehr.reset();
  ehr.respondWith(() => ({ json: PATIENT }));
  clock = fakeClock();
});
afterEach(() => clock.restore());

/** Keeps text in a Map, and can be down. */
class Store implements SmartStorage {
  readonly entries = new Map<string, string>();
  isDown = false;

  async get(key: string): Promise<string | undefined> {
    if (this.isDown) throw new Error('down');
    return this.entries.get(key);
  }

  async set(key: string, value: string): Promise<void> {
    if (this.isDown) throw new Error('down');
    this.entries.set(key, value);
  }
}

function cacheOf(option?: boolean | FhirCacheOptions, secret = SECRET): LaunchReads {
  return new LaunchReads(option, new SealedBox([secret]), 2_000);
}

/** A client of one launch, as `ready()` makes one for every request of a browser. */
function clientOf(reads: LaunchReads, id = 'session-1', changed: Partial<LaunchRecord> = {}): ReadyClient {
  const record = launchRecord(`${ehr.url}/fhir`, changed);
  return new ReadyClient(
    {
      record,
      issuerName: 'Test EHR',
      isKnownServer: true,
      reads: reads.ofLaunch(id, record),
      renew: async () => record,
      isAlive: async () => true,
      style: async () => null,
      end: async () => undefined,
    },
    http,
    1_000_000,
  );
}

describe.each<[string, () => FhirCacheOptions]>([
  ['in memory', () => ({})],
  ['in a Keyv', () => ({ store: new Keyv() })],
  ['in a store of the user', () => ({ store: new Store() })],
])('what a launch read, kept %s', (_where, option) => {
  it('is answered again without asking, until its time is over', async () => {
    const reads = cacheOf(option());
    expect(await clientOf(reads).request(PATH)).toEqual(PATIENT);
    clock.advance(29_000);
    expect(await clientOf(reads).request(PATH)).toEqual(PATIENT);
    expect(ehr.requests).toHaveLength(1);
    clock.advance(2_000);
    expect(await clientOf(reads).request(PATH)).toEqual(PATIENT);
    expect(ehr.requests).toHaveLength(2);
  });

  it.each<[string, string, Partial<LaunchRecord>]>([
    ['another session', 'session-2', {}],
    ['another launch of the session', 'session-1', { launchId: 'launch-2' }],
    ['the launch with other scopes', 'session-1', { scope: 'patient/Patient.r' }],
  ])('A8-8 is not there for %s', async (_whose, id, changed) => {
    const reads = cacheOf(option());
    await clientOf(reads).request(PATH);
    ehr.respondWith(() => ({ status: 403 }));
    expect(await clientOf(reads, id, changed).request(PATH)).toMatchObject({ status: 403 });
    expect(await clientOf(reads).request(PATH)).toEqual(PATIENT);
  });

  it.each<[string, (fhir: ReadyClient) => Promise<unknown>]>([
    ['create', (fhir) => fhir.create({ resourceType: 'Observation', status: 'final', code: {} })],
    ['update', (fhir) => fhir.update(PATIENT)],
    ['patch', (fhir) => fhir.patch(PATH, [])],
    ['delete', (fhir) => fhir.delete(PATH)],
    ['batch', (fhir) => fhir.batch([])],
    ['a write that fails, since it may have been done', (fhir) => fhir.update({ ...PATIENT, id: 'x' })],
  ])('is forgotten after %s', async (_what, write) => {
    const reads = cacheOf(option());
    await clientOf(reads).request(PATH);
    ehr.respondWith(({ path }) => (path.endsWith('/x') ? 'reset' : { json: { ...PATIENT, active: true } }));
    await write(clientOf(reads));
    expect(await clientOf(reads).request(PATH)).toMatchObject({ active: true });
  });

  it('is not forgotten after a search by POST', async () => {
    const reads = cacheOf(option());
    await clientOf(reads).request(PATH);
    await clientOf(reads).request({ url: 'Patient/_search', method: 'POST', body: new URLSearchParams() });
    await clientOf(reads).request(PATH);
    expect(ehr.requests).toHaveLength(2);
  });

  it('is not forgotten after reads that are sent as a batch, and is after a batch of the app', async () => {
    const reads = cacheOf(option());
    ehr.respondWith(({ method, path, body }): EhrAnswer => {
      const rest = [{ mode: 'server', interaction: [{ code: 'batch' }] }];
      if (path === '/fhir/metadata') {
        return { json: { resourceType: 'CapabilityStatement', fhirVersion: '4.0.1', rest } };
      }
      if (method === 'GET') return { json: PATIENT };
      const entry = (JSON.parse(body) as Bundle).entry!.map(({ request }) => ({
        response: { status: '200' },
        resource: { resourceType: 'Patient', id: request!.url.split('/')[1] },
      }));
      return { json: { resourceType: 'Bundle', type: 'batch-response', entry } };
    });
    const fhir = clientOf(reads);
    await fhir.request(PATH);
    const batched = fhir.batched();
    await Promise.all([batched.request('Patient/7'), batched.request('Patient/8')]);
    await fhir.request(PATH);
    expect(ehr.to('/fhir')).toHaveLength(1);
    expect(ehr.to(`/fhir/${PATH}`)).toHaveLength(1);
    await batched.batch([{ request: { method: 'GET', url: 'Patient/7' } }]);
    await fhir.request(PATH);
    expect(ehr.to(`/fhir/${PATH}`)).toHaveLength(2);
  });

  it('that was being read during a write is not kept', async () => {
    const reads = cacheOf(option());
    let answerOld = () => undefined as void;
    const old = new Promise<void>((resolve) => (answerOld = resolve));
    ehr.respondWith(async ({ method }) => {
      if (method === 'GET' && ehr.requests.length === 1) await old;
      return { json: PATIENT };
    });
    const before = clientOf(reads).request(PATH);
    while (ehr.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await clientOf(reads).update(PATIENT);
    answerOld();
    await before;
    await clientOf(reads).request(PATH);
    expect(ehr.requests.map(({ method }) => method)).toEqual(['GET', 'PUT', 'GET']);
  });
});

describe('an answer with an ETag', () => {
  const versions = (current: () => string): void =>
    ehr.respondWith(({ headers }): EhrAnswer => {
      const etag = `W/"${current()}"`;
      return headers['if-none-match'] === etag
        ? { status: 304, headers: { etag } }
        : { json: { ...PATIENT, meta: { versionId: current() } }, headers: { etag } };
    });

  it('is asked for by it once it is old', async () => {
    let version = '1';
    versions(() => version);
    const reads = cacheOf({ ttlMs: 1_000 });
    const read = () => clientOf(reads).request(PATH, { includeResponse: true });
    await read();
    clock.advance(1_500);
    expect(await read()).toMatchObject({ status: 200, etag: 'W/"1"', body: { meta: { versionId: '1' } } });
    await read();
    clock.advance(1_500);
    version = '2';
    expect(await read()).toMatchObject({ etag: 'W/"2"', body: { meta: { versionId: '2' } } });
    expect(ehr.requests.map(({ headers }) => headers['if-none-match'])).toEqual([
      undefined,
      'W/"1"',
      'W/"1"',
    ]);
  });

  it('is asked for by it at once where the server says max-age=0, and as a 304 says later', async () => {
    let control = 'max-age=0, must-revalidate';
    ehr.respondWith(({ headers }): EhrAnswer => {
      const given = { etag: '"1"', 'cache-control': control };
      return headers['if-none-match'] ? { status: 304, headers: given } : { json: PATIENT, headers: given };
    });
    const fhir = clientOf(cacheOf(true));
    await fhir.request(PATH);
    control = 'max-age=20';
    expect(await fhir.request(PATH)).toEqual(PATIENT);
    clock.advance(19_000);
    expect(await fhir.request(PATH)).toEqual(PATIENT);
    expect(ehr.requests.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"1"']);
    control = 'no-store';
    clock.advance(2_000);
    await fhir.request(PATH);
    await fhir.request(PATH);
    expect(ehr.requests.map(({ headers }) => headers['if-none-match']).slice(2)).toEqual(['"1"', undefined]);
  });

  it('that is gone meanwhile is not answered again', async () => {
    versions(() => '1');
    const reads = cacheOf({ ttlMs: 1_000 });
    await clientOf(reads).request(PATH);
    clock.advance(1_500);
    ehr.respondWith(() => ({ status: 410 }));
    expect(await clientOf(reads).request(PATH)).toMatchObject({ status: 410 });
    // not even to a request that would take older ones
    expect(await clientOf(reads).request(PATH, { cache: { ttlMs: 60_000 } })).toMatchObject({ status: 410 });
  });

  it('is always asked for with cache: { ttlMs: 0 }', async () => {
    versions(() => '1');
    const fhir = clientOf(cacheOf());
    await fhir.request(PATH, { cache: { ttlMs: 0 } });
    await fhir.request(PATH, { cache: { ttlMs: 0 } });
    expect(ehr.requests.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, 'W/"1"']);
  });

  it('is no 304 that nobody asked for', async () => {
    ehr.respondWith(() => ({ status: 304 }));
    expect(await clientOf(cacheOf(true)).request(PATH)).toMatchObject({ error: 'fhir_request_failed' });
  });
});

describe('the cache', () => {
  it('is for who asks for it, unless it is for all', async () => {
    const asked = clientOf(cacheOf());
    await asked.request(PATH);
    await asked.request(PATH);
    expect(ehr.requests).toHaveLength(2);
    await asked.request(PATH, { cache: true });
    await asked.request(PATH, { cache: { ttlMs: 5_000 } });
    expect(ehr.requests).toHaveLength(3);
    await asked.request(PATH);
    expect(ehr.requests).toHaveLength(4);
  });

  it('is not for who wants a fresh answer, nor with `always: false` for who says nothing', async () => {
    const fhir = clientOf(cacheOf(true));
    await fhir.request(PATH);
    await fhir.request(PATH, { cache: false });
    expect(ehr.requests).toHaveLength(2);
    const other = clientOf(cacheOf({ always: false }));
    await other.request(PATH);
    await other.request(PATH);
    expect(ehr.requests).toHaveLength(4);
  });

  it.each<[string, EhrAnswer]>([
    ['an error', { status: 404 }],
    [
      'what the server forbids to store',
      { json: PATIENT, headers: { 'cache-control': 'private, No-Store' } },
    ],
    ['what the server wants to be asked for', { json: PATIENT, headers: { 'cache-control': 'no-cache' } }],
    [
      'what is too old at once',
      { json: PATIENT, headers: { 'cache-control': 'max-age=0, must-revalidate' } },
    ],
    ['what is too old for a shared cache', { json: PATIENT, headers: { 'cache-control': 's-maxage=0' } }],
    ['what is as old as it may be', { json: PATIENT, headers: { 'cache-control': 'max-age=60', age: '60' } }],
    ['what does not say how old it may be', { json: PATIENT, headers: { 'cache-control': 'max-age=x' } }],
    ['what varies by anything', { json: PATIENT, headers: { vary: 'Accept, *' } }],
    ['what is large', { json: { ...PATIENT, text: 'x'.repeat(300_000) } }],
  ])('does not answer %s', async (_what, answer) => {
    ehr.respondWith(() => answer);
    const fhir = clientOf(cacheOf(true));
    await fhir.request(PATH);
    await fhir.request(PATH);
    expect(ehr.requests).toHaveLength(2);
  });

  it('answers no longer than the server allows, and no longer than the launch wants', async () => {
    ehr.respondWith(() => ({
      json: PATIENT,
      headers: { 'cache-control': 'private, Max-Age="10"', age: '4' },
    }));
    const fhir = clientOf(cacheOf(true));
    await fhir.request(PATH);
    clock.advance(5_000);
    await fhir.request(PATH, { cache: { ttlMs: 60_000 } });
    expect(ehr.requests).toHaveLength(1);
    clock.advance(2_000);
    await fhir.request(PATH, { cache: { ttlMs: 60_000 } });
    expect(ehr.requests).toHaveLength(2);
    ehr.respondWith(() => ({ json: PATIENT, headers: { 'cache-control': 'max-age=3600' } }));
    clock.advance(10_000);
    await fhir.request(PATH);
    clock.advance(31_000);
    await fhir.request(PATH);
    expect(ehr.requests).toHaveLength(4);
  });

  it('knows one request from another by URL and headers', async () => {
    const fhir = clientOf(cacheOf(true));
    await fhir.request(PATH);
    await fhir.request(`${PATH}?_summary=true`);
    await fhir.request(PATH, { headers: { 'accept-language': 'no' } });
    await fhir.request(PATH, { headers: { 'if-none-match': 'W/"1"' } });
    expect(ehr.requests).toHaveLength(4);
  });

  it('C-20 shows neither the patient nor the session to who reads the store, and opens for its secret alone', async () => {
    const store = new Store();
    await clientOf(cacheOf({ store }), 'canary-session').request(PATH);
    expect(store.entries.size).toBe(2);
    expect(JSON.stringify([...store.entries])).not.toMatch(/canary/);
    await clientOf(cacheOf({ store }), 'canary-session').request(PATH);
    expect(ehr.requests).toHaveLength(1);
    await clientOf(cacheOf({ store }, SECRET.toUpperCase()), 'canary-session').request(PATH);
    expect(ehr.requests).toHaveLength(2);
  });

  it('whose store is down is empty, and does not come back with what was written over', async () => {
    const store = new Store();
    const reads = cacheOf({ store });
    await clientOf(reads).request(PATH);
    store.isDown = true;
    expect(await clientOf(reads).request(PATH)).toEqual(PATIENT);
    expect(await clientOf(reads).update(PATIENT)).toEqual(PATIENT);
    store.isDown = false;
    ehr.respondWith(() => ({ json: { ...PATIENT, active: true } }));
    expect(await clientOf(reads).request(PATH)).toMatchObject({ active: true });
  });
});
