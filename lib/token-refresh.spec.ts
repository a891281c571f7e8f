import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { fakeClock } from '../test/support/clock.js';
import { EhrServer } from '../test/support/ehr-server.js';
import type { EhrAnswer } from '../test/support/ehr-server.js';
import { CONTEXT, launchRecord, runtimeAt } from '../test/support/launch-parts.js';
import { MapStorage } from '../test/support/map-storage.js';
import { registrationOf } from '../test/support/registration.js';
import type { ServerSettings } from '../test/support/registration.js';
import type { ClientAuthenticationConfiguration } from './ehr/known-fhir-server.js';
import { KeyedMutex } from './session/keyed-mutex.js';
import type { LaunchRecord } from './session/launch-record.js';
import type { SmartStorage } from './session/smart-storage.js';
import { SmartError } from './smart-error.js';
import type { SmartRuntime } from './smart-runtime.js';

const RENEWED = { access_token: 'access-2', token_type: 'Bearer', expires_in: 300 };

let ehr: EhrServer;
let iss: string;
let map: MapStorage;
let runtime: SmartRuntime;
let clock: ReturnType<typeof fakeClock>;
const open: SmartRuntime[] = [];

beforeAll(async () => {
  ehr = await EhrServer.start();
  iss = `${ehr.url}/fhir`;
});
afterAll(() => ehr.close());
beforeEach(async () => {
  clock = fakeClock();
  ehr.reset();
  map = new MapStorage();
  runtime = instance(map);
  await runtime.launches.write('s', launchRecord(iss));
});
afterEach(async () => {
  clock.restore();
  for (const each of open.splice(0)) await each.close();
});

function instance(storage: SmartStorage): SmartRuntime {
  const made = runtimeAt(iss, storage);
  open.push(made);
  return made;
}

const posts = () => ehr.to('/token');

async function refresh(
  from: SmartRuntime = runtime,
  settings: ServerSettings = {},
  authentication?: ClientAuthenticationConfiguration,
): Promise<LaunchRecord | SmartError> {
  const seen = launchRecord(iss);
  return from.refresh.refresh('s', seen, registrationOf({ iss, ...settings }, authentication));
}

describe('the refresh request', () => {
  it('A9-1 A9-2 sends the refresh token and nothing more', async () => {
    ehr.respondWith(() => ({ json: RENEWED }));
    await refresh();
    expect(posts()).toHaveLength(1);
    expect(posts()[0]!.method).toBe('POST');
    expect(Object.fromEntries(posts()[0]!.form)).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'refresh-1',
      client_id: 'growth-chart',
    });
  });

  it('A9-1 authenticates as the code exchange does', async () => {
    ehr.respondWith(() => ({ json: RENEWED }));
    const clientSecret = 'secret-1';
    await refresh(
      runtime,
      {},
      { type: 'confidential-symmetric', method: 'client_secret_basic', clientSecret },
    );
    const [request] = posts();
    expect(request!.headers.authorization).toBe(`Basic ${btoa('growth-chart:secret-1')}`);
    expect([...request!.form.keys()].sort()).toEqual(['grant_type', 'refresh_token']);
  });

  it('A9-2 asks for fewer scopes, which are then all there are, whether or not the EHR repeats them', async () => {
    ehr.respondWith(() => ({ json: RENEWED }));
    const fewer = await runtime.refresh.refresh('s', launchRecord(iss), registrationOf({ iss }), 'launch');
    expect(posts().map(({ form }) => form.get('scope'))).toEqual(['launch']);
    expect(fewer).toMatchObject({ accessToken: 'access-2', scope: 'launch' });
  });

  it.each([
    ['patient/Patient.cruds', ['patient/Patient.cud']],
    ['launch user/Patient.rs', ['user/Patient.rs']],
    ['patient/*.rs', ['patient/*.rs']],
  ])('A9-2 is not sent with %s, which was not granted', async (scope, missing) => {
    const before = launchRecord(iss);
    const refused = await runtime.refresh.refresh('s', before, registrationOf({ iss }), scope);
    expect(refused).toMatchObject({ error: 'insufficient_scope', status: 403, missing });
    expect(posts()).toEqual([]);
    expect(await runtime.launches.read('s')).toEqual(before);
  });

  it('E-ATH-3 repeats redirect_uri where the EHR wants it', async () => {
    ehr.respondWith(() => ({ json: RENEWED }));
    await refresh(runtime, { refreshWithRedirectUri: true });
    expect(posts()[0]!.form.get('redirect_uri')).toBe('https://app.example.com/fhir/callback');
  });

  it('E-EPIC-3 is not sent without a refresh token', async () => {
    await runtime.launches.write('s', launchRecord(iss, { refreshToken: undefined }));
    expect(await refresh()).toMatchObject({ error: 'session_expired' });
    expect(posts()).toEqual([]);
  });
});

describe('a refreshed launch', () => {
  it('A9-3 has the new refresh token, for good', async () => {
    ehr.respondWith(() => ({ json: { ...RENEWED, refresh_token: 'refresh-2' } }));
    const expected = { accessToken: 'access-2', refreshToken: 'refresh-2', expiresAt: Date.now() + 300_000 };
    expect(await refresh()).toMatchObject(expected);
    expect(await instance(map).launches.read('s')).toMatchObject(expected);
  });

  it('A9-3 keeps the old refresh token where there is no new one', async () => {
    ehr.respondWith(() => ({ json: RENEWED }));
    expect(await refresh()).toMatchObject({ accessToken: 'access-2', refreshToken: 'refresh-1' });
  });

  it('A9-5 keeps context, scope and identity that the answer leaves out', async () => {
    const context = {
      ...CONTEXT,
      encounter: 'e1',
      intent: 'order',
      needPatientBanner: false,
      extra: { a: 1 },
    };
    const identity = { iss, sub: 'user-1', fhirUser: 'Practitioner/1', claims: { sub: 'user-1' } };
    const before = launchRecord(iss, { context, identity });
    await runtime.launches.write('s', before);
    ehr.respondWith(() => ({ json: RENEWED }));
    expect(await refresh()).toMatchObject({ context, identity, scope: before.scope });
  });

  it('A9-5 takes the scope and the patient that the answer repeats', async () => {
    ehr.respondWith(() => ({ json: { ...RENEWED, scope: 'patient/Patient.r', patient: 'patient-1' } }));
    expect(await refresh()).toMatchObject({ scope: 'patient/Patient.r', context: CONTEXT });
  });

  it('A9-7 refreshes again though the scope came back without offline_access', async () => {
    await runtime.launches.write('s', launchRecord(iss, { scope: 'patient/Patient.rs' }));
    ehr.respondWith(() => ({ json: { ...RENEWED, scope: 'patient/Patient.rs' } }));
    expect(await refresh()).toMatchObject({ accessToken: 'access-2' });
  });
});

describe('one flight', () => {
  const rotating = () => {
    let token = 1;
    ehr.respondWith(async ({ form }) => {
      if (form.get('refresh_token') !== `refresh-${token}`) {
        return { status: 400, json: { error: 'invalid_grant' } };
      }
      token++;
      return { json: { ...RENEWED, access_token: `access-${token}`, refresh_token: `refresh-${token}` } };
    });
  };

  it('A9-4 serves ten requests at once with one POST', async () => {
    rotating();
    const all = await Promise.all(Array.from({ length: 10 }, () => refresh()));
    expect(all.map((each) => each instanceof SmartError || each.accessToken)).toEqual(
      Array(10).fill('access-2'),
    );
    expect(posts()).toHaveLength(1);
  });

  it('A9-4 A9-8 asks an EHR that is down once for ten requests at once', async () => {
    ehr.respondWith(() => ({ status: 503 }));
    const all = await Promise.all(Array.from({ length: 10 }, () => refresh()));
    expect(all).toMatchObject(Array(10).fill({ error: 'token_request_failed' }));
    expect(posts()).toHaveLength(1);
  });

  it('A9-4 serves two instances that share a store with one POST', async () => {
    const mutex = new KeyedMutex();
    const shared = Object.assign(map, {
      lock: <T>(name: string, _ttlMs: number, run: () => Promise<T>) => mutex.run(name, run),
    });
    const both = [instance(shared), instance(shared)];
    rotating();
    const all = await Promise.all(Array.from({ length: 10 }, (_, index) => refresh(both[index % 2])));
    expect(all.map((each) => each instanceof SmartError || each.accessToken)).toEqual(
      Array(10).fill('access-2'),
    );
    expect(posts()).toHaveLength(1);
  });

  it('A9-4 sends nothing for a caller who saw an older token', async () => {
    rotating();
    await refresh();
    expect(await refresh()).toMatchObject({ accessToken: 'access-2' });
    expect(posts()).toHaveLength(1);
  });

  it('A9-4 sends nothing twice when the store fails after the answer, and saves the answer later', async () => {
    ehr.respondWith(() => {
      map.isDown = true;
      return { json: { ...RENEWED, refresh_token: 'refresh-2' } };
    });
    expect(await refresh()).toMatchObject({ accessToken: 'access-2' });
    expect(await refresh()).toMatchObject({ accessToken: 'access-2', refreshToken: 'refresh-2' });
    expect(posts()).toHaveLength(1);
    map.isDown = false;
    await map.stored();
    expect(await instance(map).launches.read('s')).toMatchObject({ refreshToken: 'refresh-2' });
  });

  it('A9-3 A9-4 keeps what an EHR answers after its users were told that it takes too long', async () => {
    const slow = runtimeAt(iss, map, { httpTimeoutMs: 1_000, storeTimeoutMs: 50 });
    open.push(slow);
    let answer = () => {};
    const held = new Promise<void>((resolve) => (answer = resolve));
    ehr.respondWith(async () => {
      await held;
      return { json: { ...RENEWED, refresh_token: 'refresh-2' } };
    });
    expect(await refresh(slow)).toMatchObject({ error: 'ehr_timeout', status: 504 });
    expect(slow.refresh.backOffMs('s')).toBeGreaterThan(0);
    const stored = map.stored();
    answer();
    await stored;
    expect(await instance(map).launches.read('s')).toMatchObject({ refreshToken: 'refresh-2' });
    await slow.launches.settled();
    expect(slow.refresh.backOffMs('s')).toBe(0);
    expect(posts()).toHaveLength(1);
  });

  it('does not bring back a session that ended meanwhile', async () => {
    ehr.respondWith(() => ({ json: RENEWED }));
    const logout = runtime.launches.exclusive('s', () => runtime.launches.remove('s'));
    const [refreshed] = await Promise.all([refresh(), logout]);
    expect(refreshed).toMatchObject({ error: 'session_expired' });
    expect(posts()).toEqual([]);
    expect(map.entries.size).toBe(0);
  });

  it('C-7 sends nothing, and answers nothing, for a later launch under the same session id', async () => {
    ehr.respondWith(() => ({ json: RENEWED }));
    const later = launchRecord(iss, { launchId: 'launch-2', context: { ...CONTEXT, patient: 'patient-2' } });
    await runtime.launches.write('s', later);
    expect(await refresh()).toMatchObject({ error: 'session_expired' });
    expect(posts()).toEqual([]);
    expect(await runtime.launches.read('s')).toEqual(later);
  });

  it('A9-6 C-7 is not what a later launch under the same session id gets, which began meanwhile', async () => {
    let [started, answer] = [() => {}, () => {}];
    const asked = new Promise<void>((resolve) => (started = resolve));
    const held = new Promise<void>((resolve) => (answer = resolve));
    ehr.respondWith(async () => {
      started();
      await held;
      return { json: RENEWED };
    });
    const first = refresh();
    await asked;
    const later = launchRecord(iss, {
      launchId: 'launch-2',
      accessToken: 'access-b',
      refreshToken: 'refresh-b',
    });
    const second = runtime.refresh.refresh('s', later, registrationOf({ iss }));
    answer();
    expect(await first).toMatchObject({ launchId: 'launch-1', accessToken: 'access-2' });
    expect(await second).toMatchObject({ error: 'session_expired' });
    expect(posts()).toHaveLength(1);
  });

  it('is an outage and not the end where the store is down before it', async () => {
    map.isDown = true;
    expect(await refresh()).toMatchObject({ error: 'store_unavailable', status: 503 });
    expect(posts()).toEqual([]);
  });
});

describe('a refresh that is refused', () => {
  it('A9-8 invalid_grant ends the session, once and for all', async () => {
    ehr.respondWith(() => ({ status: 400, json: { error: 'invalid_grant' } }));
    expect(await refresh()).toMatchObject({
      error: 'session_expired',
      status: 401,
      oauthError: 'invalid_grant',
    });
    expect(map.entries.size).toBe(0);
    expect(await refresh()).toMatchObject({ error: 'session_expired' });
    expect(posts()).toHaveLength(1);
  });

  it.each<[string, EhrAnswer, string]>([
    ['503', { status: 503, text: 'down' }, 'token_request_failed'],
    ['429', { status: 429 }, 'token_request_failed'],
    ['invalid_client', { status: 401, json: { error: 'invalid_client' } }, 'token_request_failed'],
    ['a broken connection', 'reset', 'ehr_unavailable'],
    ['an answer without a token', { json: { ...RENEWED, access_token: undefined } }, 'token_request_failed'],
    ['a patient that is no id', { json: { ...RENEWED, patient: '../x' } }, 'invalid_token_response'],
    ['token_type mac', { json: { ...RENEWED, token_type: 'mac' } }, 'invalid_token_response'],
  ])('A9-8 keeps the tokens, and backs off for a while: %s', async (_what, answer, error) => {
    ehr.respondWith(() => answer);
    expect(await refresh()).toMatchObject({ error, status: 502 });
    expect(posts()).toHaveLength(1);
    expect(await runtime.launches.read('s')).toEqual(launchRecord(iss));
    expect(runtime.refresh.backOffMs('s')).toBeGreaterThan(0);
    expect(runtime.refresh.backOffMs('other')).toBe(0);
    clock.advance(5_000);
    expect(runtime.refresh.backOffMs('s')).toBe(0);
  });

  it.each([
    ['token_type mac', { token_type: 'mac' }],
    ['a patient that is no id', { patient: '../x' }],
  ])('A9-3 keeps the new refresh token of an answer that cannot be used: %s', async (_what, changed) => {
    ehr.respondWith(() => ({ json: { ...RENEWED, refresh_token: 'refresh-2', ...changed } }));
    expect(await refresh()).toMatchObject({ error: 'invalid_token_response' });
    const kept = { accessToken: 'access-1', refreshToken: 'refresh-2' };
    expect(await instance(map).launches.read('s')).toMatchObject(kept);
  });

  it('A9-8 backs off no more once a refresh worked', async () => {
    ehr.respondWith(() => ({ status: 503 }));
    await refresh();
    ehr.respondWith(() => ({ json: RENEWED }));
    await refresh();
    expect(runtime.refresh.backOffMs('s')).toBe(0);
  });
});
