import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { fakeClock } from '../test/support/clock.js';
import { EhrServer } from '../test/support/ehr-server.js';
import { launchRecord, runtimeAt } from '../test/support/launch-parts.js';
import { MapStorage } from '../test/support/map-storage.js';
import { registrationOf } from '../test/support/registration.js';
import { freshLaunch } from './fresh-launch.js';
import type { LaunchRecord } from './session/launch-record.js';
import type { SmartClientOptions } from './smart-client-options.js';
import type { SmartError } from './smart-error.js';
import type { SmartRuntime } from './smart-runtime.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

let ehr: EhrServer;
let iss: string;
let map: MapStorage;
let runtime: SmartRuntime;
let clock: ReturnType<typeof fakeClock>;

beforeAll(async () => {
  ehr = await EhrServer.start();
  iss = `${ehr.url}/fhir`;
});
afterAll(() => ehr.close());
beforeEach(() => {
  clock = fakeClock();
  ehr.reset();
  ehr.respondWith(() => ({ json: { access_token: 'access-2', token_type: 'Bearer', expires_in: 300 } }));
  map = new MapStorage();
  runtime = runtimeAt(iss, map);
});
afterEach(async () => {
  clock.restore();
  await runtime.close();
});

/** The launch as a request finds it, and the calls to the store that keeping it fresh took. */
async function fresh(record: LaunchRecord): Promise<LaunchRecord | SmartError> {
  map.calls.length = 0;
  return freshLaunch(runtime, 's', record, registrationOf({ iss }));
}

async function stored(changed: Partial<LaunchRecord> = {}): Promise<LaunchRecord> {
  const record = launchRecord(iss, changed);
  await runtime.launches.write('s', record);
  return record;
}

async function withOptions(options: SmartClientOptions): Promise<void> {
  await runtime.close();
  runtime = runtimeAt(iss, map, options);
}

const expiringIn = (seconds: number) => ({ expiresAt: Date.now() + seconds * SECOND });

describe('an access token', () => {
  it('is used as it is while it is good, without a call to EHR or store', async () => {
    const record = await stored();
    expect(await fresh(record)).toBe(record);
    expect(map.calls).toEqual([]);
    expect(ehr.requests).toEqual([]);
  });

  it.each([
    [61, 'access-1'],
    [60, 'access-2'],
    [50, 'access-2'],
    [0, 'access-2'],
    [-600, 'access-2'],
  ])('A9-9 is refreshed a minute before it expires: in %d s', async (seconds, accessToken) => {
    expect(await fresh(await stored(expiringIn(seconds)))).toMatchObject({ accessToken });
    expect(ehr.requests).toHaveLength(accessToken === 'access-1' ? 0 : 1);
  });

  it('A9-9 is refreshed earlier where that is set', async () => {
    await withOptions({ refreshSkewMs: 5 * MINUTE });
    expect(await fresh(await stored(expiringIn(290)))).toMatchObject({ accessToken: 'access-2' });
  });

  it('A9-9 that lives shorter than a minute is not refreshed by every request', async () => {
    const issued = { issuedAt: Date.now(), expiresAt: Date.now() + 40 * SECOND };
    const record = await stored(issued);
    clock.advance(19 * SECOND);
    expect(await fresh(record)).toBe(record);
    clock.advance(SECOND);
    expect(await fresh(record)).toMatchObject({ accessToken: 'access-2' });
  });

  it.each([
    ['A9-11 without a refresh token', {}, { refreshToken: undefined }, 0],
    ['without autoRefresh', { autoRefresh: false }, {}, 1],
  ])('%s: used until it expires, and not refreshed', async (_when, options, changed, left) => {
    await withOptions(options);
    const record = await stored({ ...expiringIn(1), ...changed });
    expect(await fresh(record)).toBe(record);
    clock.advance(SECOND);
    expect(await fresh(record)).toMatchObject({ error: 'session_expired', status: 401 });
    expect(ehr.requests).toEqual([]);
    expect(map.entries.size).toBe(left);
  });
});

describe('an EHR that cannot refresh', () => {
  it('A9-8 does not stop the work while the token is good, and is left alone for a while', async () => {
    ehr.respondWith(() => ({ status: 503 }));
    const record = await stored(expiringIn(50));
    expect(await fresh(record)).toEqual(record);
    expect(await fresh(record)).toEqual(record);
    expect(ehr.requests).toHaveLength(1);
    clock.advance(5 * SECOND);
    expect(await fresh(record)).toEqual(record);
    expect(ehr.requests).toHaveLength(2);
    clock.advance(5 * SECOND);
    ehr.respondWith(() => ({ json: { access_token: 'access-2', token_type: 'Bearer' } }));
    expect(await fresh(record)).toMatchObject({ accessToken: 'access-2' });
  });

  it('A9-8 stops it when the token expired, and the session is kept for later', async () => {
    ehr.respondWith(() => 'reset');
    const record = await stored(expiringIn(-1));
    expect(await fresh(record)).toMatchObject({ error: 'ehr_unavailable', status: 502 });
    expect(await runtime.launches.read('s')).toEqual(record);
    expect(await fresh(record)).toMatchObject({ error: 'ehr_unavailable', retryAfterMs: 5 * SECOND });
    expect(ehr.requests).toHaveLength(1);
  });

  it('A9-8 ends the session when it says that the grant is over', async () => {
    ehr.respondWith(() => ({ status: 400, json: { error: 'invalid_grant' } }));
    expect(await fresh(await stored(expiringIn(50)))).toMatchObject({ error: 'session_expired' });
    expect(map.entries.size).toBe(0);
  });

  it('A9-6 ends the session at once when it answers for another patient', async () => {
    const json = { access_token: 'access-2', token_type: 'Bearer', patient: 'patient-2' };
    ehr.respondWith(() => ({ json }));
    expect(await fresh(await stored(expiringIn(50)))).toMatchObject({ error: 'patient_changed' });
    expect(map.entries.size).toBe(0);
  });
});

describe('a session in use', () => {
  it('is kept from going idle, by a write in six minutes of an hour', async () => {
    const record = await stored();
    clock.advance(6 * MINUTE - 1);
    expect(await fresh(record)).toBe(record);
    expect(map.calls).toEqual([]);
    clock.advance(1);
    const seen = await fresh(record);
    expect(seen).toMatchObject({ seenAt: Date.now() });
    expect(await runtime.launches.read('s')).toEqual(seen);
    expect(await fresh(seen as LaunchRecord)).toBe(seen);
  });

  it('is written by one of many requests at once', async () => {
    const record = await stored();
    clock.advance(6 * MINUTE);
    await Promise.all(
      Array.from({ length: 10 }, () => freshLaunch(runtime, 's', record, registrationOf({ iss }))),
    );
    expect(map.calls.filter((call) => call === 'set')).toHaveLength(2);
  });

  it('keeps a token that another request refreshed meanwhile', async () => {
    const record = await stored();
    clock.advance(6 * MINUTE);
    await runtime.launches.write('s', { ...record, accessToken: 'access-2' });
    expect(await fresh(record)).toMatchObject({ accessToken: 'access-2', seenAt: Date.now() });
    expect(await runtime.launches.read('s')).toMatchObject({ accessToken: 'access-2' });
  });

  it('C-7 is not taken for a later launch under the same session id', async () => {
    const record = await stored();
    clock.advance(6 * MINUTE);
    const later = { ...launchRecord(iss), launchId: 'launch-2', seenAt: Date.now() - 1 };
    await runtime.launches.write('s', later);
    expect(await fresh(record)).toBe(record);
    expect(await runtime.launches.read('s')).toEqual(later);
  });

  it('C-21 does not come back when it was ended meanwhile', async () => {
    const record = await stored();
    clock.advance(6 * MINUTE);
    await runtime.launches.remove('s');
    await fresh(record);
    expect(map.entries.size).toBe(0);
  });

  it('is served though the store cannot be written', async () => {
    const record = await stored();
    clock.advance(6 * MINUTE);
    map.isDown = true;
    expect(await fresh(record)).toBe(record);
    map.isDown = false;
  });
});
