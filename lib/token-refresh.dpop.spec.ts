import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint } from 'jose';
import type { JWK } from 'jose';
import { dpopKey, proofOf } from '../test/support/dpop.js';
import { EhrServer } from '../test/support/ehr-server.js';
import { launchRecord, runtimeAt } from '../test/support/launch-parts.js';
import { MapStorage } from '../test/support/map-storage.js';
import { registrationOf } from '../test/support/registration.js';
import type { SmartRuntime } from './smart-runtime.js';

const RENEWED = { access_token: 'access-2', token_type: 'DPoP', expires_in: 300, refresh_token: 'refresh-2' };

let ehr: EhrServer;
let iss: string;
let key: JWK;
let map: MapStorage;
let runtime: SmartRuntime;

beforeAll(async () => {
  ehr = await EhrServer.start();
  iss = `${ehr.url}/fhir`;
});
afterAll(() => ehr.close());
beforeEach(async () => {
  ehr.reset();
  key = await dpopKey();
  map = new MapStorage();
  runtime = runtimeAt(iss, map);
  await runtime.launches.write('s', launchRecord(iss, { dpopKey: key }));
});
afterEach(() => runtime.close());

// Whether the switch is still on says nothing of the tokens there are.
const refresh = () =>
  runtime.refresh.refresh('s', launchRecord(iss, { dpopKey: key }), registrationOf({ iss }));

describe('the refresh of a token that is bound to a key', () => {
  it('C-22 A9-1 proves the key of the launch, which stays', async () => {
    ehr.respondWith(() => ({ json: RENEWED }));
    expect(await refresh()).toMatchObject({ accessToken: 'access-2', dpopKey: key });
    const { header, claims } = await proofOf(ehr.to('/token')[0]!);
    expect(await calculateJwkThumbprint(header.jwk!)).toBe(await calculateJwkThumbprint(key));
    expect(claims).toMatchObject({ htm: 'POST', htu: `${ehr.url}/token` });
    expect(claims).not.toHaveProperty('ath');
    expect(await runtime.launches.read('s')).toMatchObject({ refreshToken: 'refresh-2', dpopKey: key });
  });

  it('C-22 A9-4 is sent once more with the nonce the server asks for, in one flight', async () => {
    ehr.respondWith(async (request) =>
      (await proofOf(request)).claims.nonce === 'nonce-1'
        ? { json: RENEWED }
        : { status: 400, json: { error: 'use_dpop_nonce' }, headers: { 'dpop-nonce': 'nonce-1' } },
    );
    const [one, other] = await Promise.all([refresh(), refresh()]);
    expect([one, other]).toEqual([expect.objectContaining({ accessToken: 'access-2' }), one]);
    expect(ehr.to('/token')).toHaveLength(2);
  });

  it('C-22 takes no Bearer token in its place, and keeps the refresh token that came with it', async () => {
    ehr.respondWith(() => ({ json: { ...RENEWED, token_type: 'Bearer' } }));
    expect(await refresh()).toMatchObject({ error: 'invalid_token_response' });
    expect(await runtime.launches.read('s')).toMatchObject({
      accessToken: 'access-1',
      refreshToken: 'refresh-2',
    });
  });

  it('C-22 C-20 keeps the key where nobody can read it', async () => {
    const dump = map.dump();
    expect(dump.length).toBeGreaterThan(100);
    for (const text of [key.d!, key.x!, '"kty"', 'dpopKey']) expect(dump).not.toContain(text);
  });
});
