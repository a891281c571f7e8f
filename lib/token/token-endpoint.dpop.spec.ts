import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { JWK } from 'jose';
import { dpopKey, proofOf } from '../../test/support/dpop.js';
import { EhrServer } from '../../test/support/ehr-server.js';
import type { EhrAnswer } from '../../test/support/ehr-server.js';
import { httpClient } from '../../test/support/launch-parts.js';
import { registrationOf } from '../../test/support/registration.js';
import type { ServerSettings } from '../../test/support/registration.js';
import { tokenRequest } from './token-endpoint.js';

const BOUND = { access_token: 'access-1', token_type: 'DPoP', expires_in: 300 };
const CODE = { code: 'code-1', redirect_uri: 'https://app.example.com/cb', code_verifier: 'verifier-1' };
const http = httpClient();
let ehr: EhrServer;
let key: JWK;

beforeAll(async () => {
  ehr = await EhrServer.start();
});
afterAll(async () => {
  await http.close();
  await ehr.close();
});
beforeEach(async () => {
  ehr.reset();
  ehr.respondWith(() => ({ json: BOUND }));
  key = await dpopKey();
});

const exchange = (options: { dpopKey?: JWK } = { dpopKey: key }, settings: ServerSettings = {}) => {
  const endpoints = { token_endpoint: `${ehr.url}/token?tenant=1` };
  return tokenRequest(http, registrationOf(settings), endpoints, 'authorization_code', CODE, options);
};

/** Refuses proofs without this nonce, and names it. */
const wants = (nonce: string, granted: EhrAnswer = { json: BOUND }) =>
  ehr.respondWith(async (request) =>
    (await proofOf(request)).claims.nonce === nonce
      ? granted
      : { status: 400, json: { error: 'use_dpop_nonce' }, headers: { 'dpop-nonce': nonce } },
  );

describe('a token request with a key', () => {
  it('C-22 carries a proof of the key: typ, jwk, jti, htm, htu without query, iat', async () => {
    expect(await exchange()).toEqual(BOUND);
    const { header, claims } = await proofOf(ehr.requests[0]!);
    const { kty, crv, x, y } = key;
    expect(header).toEqual({ alg: 'ES256', typ: 'dpop+jwt', jwk: { kty, crv, x, y } });
    expect(claims).toEqual({
      jti: expect.stringMatching(/^[\w-]{20,}$/),
      htm: 'POST',
      htu: `${ehr.url}/token`,
      iat: expect.any(Number),
    });
    expect(Math.abs(claims.iat! - Date.now() / 1000)).toBeLessThan(5);
    expect(ehr.requests[0]!.target).toBe('/token?tenant=1');
  });

  it('C-22 has a new proof each time', async () => {
    await exchange();
    await exchange();
    const [one, other] = await Promise.all(ehr.requests.map(proofOf));
    expect(one!.claims.jti).not.toBe(other!.claims.jti);
  });

  it('C-22 is sent once more with the nonce the server asks for, and from then on with it at once', async () => {
    wants('nonce-1');
    expect(await exchange()).toEqual(BOUND);
    expect(await exchange()).toEqual(BOUND);
    const proofs = await Promise.all(ehr.requests.map(proofOf));
    expect(proofs.map(({ claims }) => claims.nonce)).toEqual([undefined, 'nonce-1', 'nonce-1']);
  });

  it('C-22 is not sent a third time', async () => {
    ehr.respondWith(() => ({
      status: 400,
      json: { error: 'use_dpop_nonce' },
      headers: { 'dpop-nonce': `nonce-${ehr.requests.length}` },
    }));
    expect(await exchange()).toMatchObject({ error: 'token_request_failed', oauthError: 'use_dpop_nonce' });
    expect(ehr.requests).toHaveLength(2);
  });

  it('C-22 takes no nonce that could not be one', async () => {
    wants('x'.repeat(2000));
    expect(await exchange()).toMatchObject({ oauthError: 'use_dpop_nonce' });
    expect((await proofOf(ehr.requests.at(-1)!)).claims.nonce).toBeUndefined();
  });

  it.each<[string, unknown, ServerSettings]>([
    ['Bearer', 'Bearer', {}],
    ['none', undefined, {}],
    ['none, with assumeBearer', undefined, { assumeBearer: true }],
  ])('C-22 refuses a token that is bound to nothing, token_type %s', async (_what, token_type, settings) => {
    ehr.respondWith(() => ({ json: { ...BOUND, token_type } }));
    const refused = await exchange({ dpopKey: key }, settings);
    expect(refused).toMatchObject({
      error: 'invalid_token_response',
      message: expect.stringContaining('token_type must be DPoP'),
    });
    expect(inspect(refused, { depth: 9 })).not.toContain('access-1');
  });

  it('C-22 says what was wrong with the answer after the nonce, not before', async () => {
    wants('nonce-2', { json: { ...BOUND, token_type: 'Bearer' } });
    expect(await exchange()).toMatchObject({ error: 'invalid_token_response' });
    wants('nonce-3', { json: { ...BOUND, token_type: 'mac' } });
    expect(await exchange()).toMatchObject({ error: 'invalid_token_response' });
  });

  it('C-22 takes token_type in any case', async () => {
    ehr.respondWith(() => ({ json: { ...BOUND, token_type: 'dpop' } }));
    expect(await exchange()).toMatchObject({ access_token: 'access-1' });
  });
});

describe('a token request without a key', () => {
  it('C-22 has no proof, takes no bound token and repeats nothing', async () => {
    expect(await exchange({})).toMatchObject({
      error: 'invalid_token_response',
      message: expect.stringContaining('token_type must be Bearer'),
    });
    expect(ehr.requests[0]!.headers).not.toHaveProperty('dpop');
    ehr.respondWith(() => ({
      status: 400,
      json: { error: 'use_dpop_nonce' },
      headers: { 'dpop-nonce': 'n' },
    }));
    expect(await exchange({})).toMatchObject({ oauthError: 'use_dpop_nonce' });
    expect(ehr.requests).toHaveLength(2);
  });
});
