import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CONTEXT, launchRecord, runtimeAt } from '../test/support/launch-parts.js';
import { MapStorage } from '../test/support/map-storage.js';
import { OpenIdProvider, idToken, signingKey } from '../test/support/openid-provider.js';
import type { SigningKey } from '../test/support/openid-provider.js';
import { registrationOf } from '../test/support/registration.js';
import type { ServerSettings } from '../test/support/registration.js';
import type { LaunchRecord } from './session/launch-record.js';
import type { SmartEvent } from './smart-event.js';
import type { SmartRuntime } from './smart-runtime.js';

const RENEWED = { access_token: 'access-2', token_type: 'Bearer', expires_in: 300 };

let provider: OpenIdProvider;
let key: SigningKey;
let iss: string;
let map: MapStorage;
let runtime: SmartRuntime;
let logged: string[];
let events: SmartEvent[];

beforeAll(async () => {
  provider = await OpenIdProvider.start();
  key = await signingKey('RS256', { kid: 'rsa-1' });
  iss = `${provider.server.url}/fhir`;
});
afterAll(() => provider.close());
beforeEach(() => {
  provider.reset([key]);
  map = new MapStorage();
  logged = [];
  events = [];
  const log = (line: string) => void logged.push(line);
  runtime = runtimeAt(iss, map, {
    logger: { warn: log, error: log },
    onEvent: (event) => void events.push(event),
  });
});
afterEach(() => runtime.close());

/** what the token endpoint answers; the JWKS stays what it is */
function answerWith(json: object): void {
  provider.server.respondWith(({ path }) => ({ json: path === '/jwks' ? { keys: provider.keys } : json }));
}

const refresh = (settings: ServerSettings = {}) =>
  runtime.refresh.refresh('s', launchRecord(iss), registrationOf({ iss, ...settings }));

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
    answerWith({ ...RENEWED, ...changed });
    const refused = await refresh();
    expect(refused).toMatchObject({ error: 'patient_changed', status: 401 });
    expect(map.entries.size).toBe(0);
    expect(logged).toEqual([expect.stringContaining(`another ${what}`)]);
    expect(events).toEqual([
      { type: 'failure', during: 'refresh', code: 'patient_changed', server: expect.any(String) },
    ]);
    expect(inspect({ refused, events }, { depth: 9 }) + logged.join()).not.toMatch(
      /canary|patient-1|access-|refresh-/,
    );
  });

  it('B-24 ends the session: an id_token of another user', async () => {
    await stored({ identity: identity() });
    const id_token = await idToken(key, provider.claims({ sub: 'user-2', nonce: undefined }));
    answerWith({ ...RENEWED, id_token });
    expect(await refresh()).toMatchObject({ error: 'patient_changed' });
    expect(map.entries.size).toBe(0);
  });

  it('B-24 ends the session: an id_token of the same sub at another issuer that the EHR may go by', async () => {
    const alias = 'https://old.example.org';
    await stored({ identity: identity() });
    const id_token = await idToken(key, provider.claims({ iss: alias, nonce: undefined }));
    answerWith({ ...RENEWED, id_token });
    expect(await refresh({ issuerAliases: [alias] })).toMatchObject({ error: 'patient_changed' });
    expect(map.entries.size).toBe(0);
  });

  it.each<[string, Record<string, unknown>, number]>([
    ['of the same user', {}, 0],
    ['of the same user and login', { iat: 1_000, nonce: 'nonce-1' }, 0],
    ['without audience, as the SMART launcher sends it', { sub: 'user-2', aud: undefined }, 1],
    ['that expired', { sub: 'user-2', exp: 1_000 }, 1],
    ['of another issuer', { sub: 'user-2', iss: 'https://evil.example' }, 1],
  ])('B-24 an id_token %s changes nothing', async (_what, changed, warnings) => {
    await stored({ identity: identity() });
    const id_token = await idToken(key, provider.claims({ nonce: undefined, ...changed }));
    answerWith({ ...RENEWED, id_token });
    expect(await refresh()).toMatchObject({ accessToken: 'access-2', identity: identity() });
    expect(logged).toHaveLength(warnings);
    expect(logged.join()).not.toMatch(/user-|evil/);
  });

  it('B-24 A9-3 never stores the access token of another user, even where the session cannot be ended', async () => {
    await stored({ identity: identity() });
    const id_token = await idToken(key, provider.claims({ sub: 'user-2', nonce: undefined }));
    const seen: (string | undefined)[] = [];
    provider.server.respondWith(async ({ path }) => {
      if (path !== '/jwks') return { json: { ...RENEWED, refresh_token: 'refresh-2', id_token } };
      seen.push((await runtime.launches.read('s'))?.accessToken);
      return { json: { keys: provider.keys } };
    });
    map.delete = () => Promise.reject(new Error('the store is down'));

    expect(await refresh()).toMatchObject({ error: 'store_unavailable' });

    expect(seen).toEqual(['access-1']);
    // what was rotated is not lost, and is of no use to the user at the screen: the next refresh ends the session
    expect(await runtime.launches.read('s')).toMatchObject({
      accessToken: 'access-1',
      refreshToken: 'refresh-2',
    });
  });

  it('B-24 an id_token that was forged replaces nobody', async () => {
    await stored({ identity: identity() });
    const attacker = await signingKey('RS256', { kid: 'rsa-1' });
    const id_token = await idToken(attacker, provider.claims({ sub: 'admin' }));
    answerWith({ ...RENEWED, id_token });
    expect(await refresh()).toMatchObject({ identity: identity() });
  });
});
