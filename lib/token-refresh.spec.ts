import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { fakeClock } from '../test/support/clock.js';
import type { EhrAnswer, EhrRequest } from '../test/support/ehr-server.js';
import { CONTEXT, launchRecord, runtimeAt } from '../test/support/launch-parts.js';
import { MapStorage } from '../test/support/map-storage.js';
import { OpenIdProvider, idToken, signingKey } from '../test/support/openid-provider.js';
import type { SigningKey } from '../test/support/openid-provider.js';
import { registrationOf } from '../test/support/registration.js';
import type { ServerSettings } from '../test/support/registration.js';
import type { ClientAuthenticationConfiguration } from './ehr/known-fhir-server.js';
import { KeyedMutex } from './session/keyed-mutex.js';
import type { LaunchRecord } from './session/launch-record.js';
import type { SmartStorage } from './session/smart-storage.js';
import { SmartError } from './smart-error.js';
import type { SmartRuntime } from './smart-runtime.js';

const RENEWED = { access_token: 'access-2', token_type: 'Bearer', expires_in: 300 };

let provider: OpenIdProvider;
let key: SigningKey;
let iss: string;
let map: MapStorage;
let runtime: SmartRuntime;
let clock: ReturnType<typeof fakeClock>;
let logged: string[];
const open: SmartRuntime[] = [];

beforeAll(async () => {
  provider = await OpenIdProvider.start();
  key = await signingKey('RS256', { kid: 'rsa-1' });
  iss = `${provider.server.url}/fhir`;
});
afterAll(() => provider.close());
beforeEach(async () => {
  clock = fakeClock();
  provider.reset([key]);
  map = new MapStorage();
  logged = [];
  runtime = instance(map);
  await runtime.launches.write('s', launchRecord(iss));
});
afterEach(async () => {
  clock.restore();
  for (const each of open.splice(0)) await each.close();
});

function instance(storage: SmartStorage): SmartRuntime {
  const logger = {
    warn: (line: string) => void logged.push(line),
    error: (line: string) => void logged.push(line),
  };
  const made = runtimeAt(iss, storage, { logger });
  open.push(made);
  return made;
}

/** what the token endpoint answers; the JWKS stays what it is */
function answerWith(answer: (request: EhrRequest) => EhrAnswer | Promise<EhrAnswer>): void {
  provider.server.respondWith((request) =>
    request.path === '/jwks' ? { json: { keys: provider.keys } } : answer(request),
  );
}

const posts = () => provider.server.to('/token');

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
    answerWith(() => ({ json: RENEWED }));
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
    answerWith(() => ({ json: RENEWED }));
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

  it('E-ATH-3 repeats redirect_uri where the EHR wants it', async () => {
    answerWith(() => ({ json: RENEWED }));
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
    answerWith(() => ({ json: { ...RENEWED, refresh_token: 'refresh-2' } }));
    const expected = { accessToken: 'access-2', refreshToken: 'refresh-2', expiresAt: Date.now() + 300_000 };
    expect(await refresh()).toMatchObject(expected);
    expect(await instance(map).launches.read('s')).toMatchObject(expected);
  });

  it('A9-3 keeps the old refresh token where there is no new one', async () => {
    answerWith(() => ({ json: RENEWED }));
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
    answerWith(() => ({ json: RENEWED }));
    expect(await refresh()).toMatchObject({ context, identity, scope: before.scope });
  });

  it('A9-5 takes the scope and the patient that the answer repeats', async () => {
    answerWith(() => ({ json: { ...RENEWED, scope: 'patient/Patient.r', patient: 'patient-1' } }));
    expect(await refresh()).toMatchObject({ scope: 'patient/Patient.r', context: CONTEXT });
  });

  it('A9-7 refreshes again though the scope came back without offline_access', async () => {
    await runtime.launches.write('s', launchRecord(iss, { scope: 'patient/Patient.rs' }));
    answerWith(() => ({ json: { ...RENEWED, scope: 'patient/Patient.rs' } }));
    expect(await refresh()).toMatchObject({ accessToken: 'access-2' });
  });
});

describe('one flight', () => {
  const rotating = () => {
    let token = 1;
    answerWith(async ({ form }) => {
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
    answerWith(() => {
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

  it('does not bring back a session that ended meanwhile', async () => {
    answerWith(() => ({ json: RENEWED }));
    const logout = runtime.launches.exclusive('s', () => runtime.launches.remove('s'));
    const [refreshed] = await Promise.all([refresh(), logout]);
    expect(refreshed).toMatchObject({ error: 'session_expired' });
    expect(posts()).toEqual([]);
    expect(map.entries.size).toBe(0);
  });

  it('is an outage and not the end where the store is down before it', async () => {
    map.isDown = true;
    expect(await refresh()).toMatchObject({ error: 'store_unavailable', status: 503 });
    expect(posts()).toEqual([]);
  });
});

describe('a refresh that is refused', () => {
  it('A9-8 invalid_grant ends the session, once and for all', async () => {
    answerWith(() => ({ status: 400, json: { error: 'invalid_grant' } }));
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
    answerWith(() => answer);
    expect(await refresh()).toMatchObject({ error, status: 502 });
    expect(posts()).toHaveLength(1);
    expect(await runtime.launches.read('s')).toEqual(launchRecord(iss));
    expect(runtime.refresh.isBackingOff('s')).toBe(true);
    expect(runtime.refresh.isBackingOff('other')).toBe(false);
    clock.advance(5_000);
    expect(runtime.refresh.isBackingOff('s')).toBe(false);
  });

  it('A9-8 backs off no more once a refresh worked', async () => {
    answerWith(() => ({ status: 503 }));
    await refresh();
    answerWith(() => ({ json: RENEWED }));
    await refresh();
    expect(runtime.refresh.isBackingOff('s')).toBe(false);
  });
});

describe('a refresh that answers for somebody else', () => {
  const identity = () => ({ iss: provider.issuer, sub: 'user-1', fhirUser: null, claims: {} });
  const stored = (changed: Partial<LaunchRecord>) => {
    const { issuer, jwksUri: jwks_uri } = provider;
    const server = { issuer, jwks_uri, token_endpoint: `${issuer}/token` };
    return runtime.launches.write('s', launchRecord(iss, { server, ...changed }));
  };

  it.each<[string, LaunchRecord['context'], object]>([
    ['patient', CONTEXT, { patient: 'canary-2' }],
    ['patient', { ...CONTEXT, patient: null }, { patient: 'canary-2' }],
    ['encounter', { ...CONTEXT, encounter: 'e1' }, { encounter: 'canary-2' }],
  ])('A9-6 ends the session and says so: another %s', async (what, context, changed) => {
    await stored({ context });
    answerWith(() => ({ json: { ...RENEWED, ...changed } }));
    const refused = await refresh();
    expect(refused).toMatchObject({ error: 'patient_changed', status: 401 });
    expect(map.entries.size).toBe(0);
    expect(logged).toEqual([expect.stringContaining(`another ${what}`)]);
    expect(inspect(refused, { depth: 9 }) + logged.join()).not.toMatch(/canary|patient-1|access-|refresh-/);
  });

  it('B-24 ends the session: an id_token of another user', async () => {
    await stored({ identity: identity() });
    const id_token = await idToken(key, provider.claims({ sub: 'user-2', nonce: undefined }));
    answerWith(() => ({ json: { ...RENEWED, id_token } }));
    expect(await refresh()).toMatchObject({ error: 'patient_changed' });
    expect(map.entries.size).toBe(0);
  });

  it.each<[string, Record<string, unknown>, number]>([
    ['of the same user', {}, 0],
    ['of the same user and login', { iat: 1_000, nonce: 'nonce-1' }, 0],
    ['E-LCH-2 without audience', { sub: 'user-2', aud: undefined }, 1],
    ['that expired', { sub: 'user-2', exp: 1_000 }, 1],
    ['of another issuer', { sub: 'user-2', iss: 'https://evil.example' }, 1],
  ])('B-24 an id_token %s changes nothing', async (_what, changed, warnings) => {
    await stored({ identity: identity() });
    const id_token = await idToken(key, provider.claims({ nonce: undefined, ...changed }));
    answerWith(() => ({ json: { ...RENEWED, id_token } }));
    expect(await refresh()).toMatchObject({ accessToken: 'access-2', identity: identity() });
    expect(logged).toHaveLength(warnings);
    expect(logged.join()).not.toMatch(/user-|evil/);
  });

  it('B-24 an id_token that was forged replaces nobody', async () => {
    await stored({ identity: identity() });
    const attacker = await signingKey('RS256', { kid: 'rsa-1' });
    const id_token = await idToken(attacker, provider.claims({ sub: 'admin' }));
    answerWith(() => ({ json: { ...RENEWED, id_token } }));
    expect(await refresh()).toMatchObject({ identity: identity() });
  });
});
