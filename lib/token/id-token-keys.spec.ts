import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { JWK } from 'jose';
import { fakeClock } from '../../test/support/clock.js';
import type { EhrAnswer } from '../../test/support/ehr-server.js';
import { httpClient } from '../../test/support/launch-parts.js';
import {
  OpenIdProvider,
  forged,
  idToken,
  shortRsaKey,
  signingKey,
} from '../../test/support/openid-provider.js';
import type { LoginSituation, SigningKey } from '../../test/support/openid-provider.js';
import type { SmartError } from '../smart-error.js';
import { IdTokenVerifier } from './id-token.js';
import type { IdTokenClaims } from './id-token.js';
import { JwksCache } from './jwks.js';

// id-token.spec.ts has the claims and the signature; here is where the keys come from.

const http = httpClient();

let ehr: OpenIdProvider;
let evil: OpenIdProvider;
let rs256: SigningKey;
let es256: SigningKey;
let attacker: SigningKey;
let verifier: IdTokenVerifier;
let clock: ReturnType<typeof fakeClock>;

beforeAll(async () => {
  [ehr, evil] = [await OpenIdProvider.start(), await OpenIdProvider.start()];
  rs256 = await signingKey('RS256', { kid: 'rsa-1' });
  es256 = await signingKey('ES256', { kid: 'ec-1' });
  attacker = await signingKey('RS256', { kid: 'rsa-1' });
});
afterAll(async () => {
  await http.close();
  await ehr.close();
  await evil.close();
});
beforeEach(() => {
  clock = fakeClock();
  ehr.reset([rs256, es256]);
  evil.reset([attacker]);
  verifier = new IdTokenVerifier(http, new JwksCache(http, 600_000), true);
});
afterEach(() => clock.restore());

const claims = (changed?: Record<string, unknown>) => ehr.claims(changed);
const verify = (token: string | Promise<string>, situation?: LoginSituation) =>
  ehr.verify(verifier, token, situation);

function accepted(result: IdTokenClaims | SmartError) {
  expect(result).toMatchObject({ sub: 'user-1', aud: 'growth-chart' });
}

function refused(result: IdTokenClaims | SmartError) {
  expect(result).toMatchObject({ error: 'invalid_id_token', status: 502 });
}

describe('the key of an id_token', () => {
  it.each<[string, Partial<JWK>]>([
    ['use is enc', { use: 'enc' }],
    ['key_ops has no verify', { use: undefined, key_ops: ['encrypt'] }],
    ['alg is another', { alg: 'RS384' }],
  ])('B-26 is for signatures: %s', async (_what, members) => {
    ehr.keys = [{ ...rs256.publicJwk, ...members }];
    refused(await verify(idToken(rs256, claims())));
  });

  it('B-26 is no RSA key of less than 2048 bits', async () => {
    const { publicJwk, sign } = shortRsaKey('short');
    ehr.keys = [publicJwk];
    refused(await verify(forged({ alg: 'RS256', kid: 'short' }, claims(), sign)));
  });

  it('B-26 is on the curve of the algorithm', async () => {
    ehr.keys = [{ ...es256.publicJwk, alg: 'ES384' }];
    const [, payload, signature] = (await idToken(es256, claims())).split('.');
    const header = Buffer.from('{"alg":"ES384","kid":"ec-1"}').toString('base64url');
    refused(await verify(`${header}.${payload}.${signature}`));
  });

  it.each<[string, () => Record<string, unknown>]>([
    ['jwk', () => ({ jwk: attacker.publicJwk })],
    ['jku', () => ({ jku: evil.jwksUri })],
    ['x5u', () => ({ x5u: evil.jwksUri })],
  ])('B-26 never comes from the token: %s', async (_name, header) => {
    refused(await verify(idToken(attacker, claims(), header())));
    refused(await verify(idToken(attacker, claims(), { ...header(), kid: 'evil' })));
    expect(evil.server.requests).toEqual([]);
  });

  it('B-27 never comes from the issuer that the token names', async () => {
    const token = idToken(attacker, claims({ iss: evil.issuer }));
    refused(await verify(token));
    refused(await verify(token, { server: { jwks_uri: undefined } }));
    refused(await verify(token, { settings: { issuerAliases: [evil.issuer] } }));
    refused(await verify(token, { server: { issuer: undefined } }));
    expect(evil.server.requests).toEqual([]);
  });

  it('B-15 need not be named where there is one', async () => {
    ehr.reset([rs256]);
    accepted(await verify(idToken(rs256, claims(), { kid: undefined })));
  });

  it('B-16 need not be named where there are several', async () => {
    const second = await signingKey('RS256', {});
    ehr.reset([await signingKey('RS256', {}), es256, second]);
    accepted(await verify(idToken(second, claims())));
    refused(await verify(idToken(attacker, claims(), { kid: undefined })));
  });
});

describe('a key that was not there before', () => {
  it('B-17 is looked for once when a token names it, not once for every token', async () => {
    const unknown = () => idToken(attacker, claims(), { kid: 'unknown' });
    for (let attempt = 0; attempt < 10; attempt++) refused(await verify(unknown()));
    expect(ehr.fetches).toBe(2);
    accepted(await verify(idToken(rs256, claims())));
    expect(ehr.fetches).toBe(2);
    clock.advance(30_000);
    refused(await verify(unknown()));
    expect(ehr.fetches).toBe(3);
  });

  it('B-17 is looked for once when a token names none', async () => {
    ehr.reset([rs256]);
    for (let attempt = 0; attempt < 10; attempt++) {
      refused(await verify(idToken(attacker, claims(), { kid: undefined })));
    }
    expect(ehr.fetches).toBe(2);
  });

  it.each([
    ['named by its kid', { kid: 'rsa-2' }],
    ['without a kid', {}],
  ])('B-18 is found after a rotation: %s', async (_what, members) => {
    ehr.reset([await signingKey('RS256', members)]);
    refused(await verify(idToken(attacker, claims(), { kid: 'kid' in members ? 'gone' : undefined })));
    clock.advance(30_000);
    const rotated = await signingKey('RS256', 'kid' in members ? { kid: 'rsa-3' } : {});
    ehr.keys = [rotated.publicJwk];
    accepted(await verify(idToken(rotated, claims())));
    expect(ehr.fetches).toBe(3);
    accepted(await verify(idToken(rotated, claims())));
    expect(ehr.fetches).toBe(3);
  });

  it('B-18 is found by all who log in at the moment of a rotation', async () => {
    accepted(await verify(idToken(rs256, claims())));
    const rotated = await signingKey('RS256', { kid: 'rsa-2' });
    ehr.keys = [rotated.publicJwk];
    const logins = Array.from({ length: 5 }, () => verify(idToken(rotated, claims())));
    for (const login of await Promise.all(logins)) accepted(login);
    expect(ehr.fetches).toBe(2);
  });
});

describe('the JWKS', () => {
  const discovered = { server: { jwks_uri: undefined } };

  it('B-19 is the one of the SMART configuration', async () => {
    ehr.metadata = { jwks_uri: evil.jwksUri };
    accepted(await verify(idToken(rs256, claims())));
    expect(ehr.server.requests.map(({ path }) => path)).toEqual(['/jwks']);
    expect(evil.server.requests).toEqual([]);
  });

  it('B-19 is found in the OpenID configuration otherwise', async () => {
    accepted(await verify(idToken(rs256, claims()), discovered));
    expect(ehr.server.requests.map(({ path }) => path)).toEqual([
      '/.well-known/openid-configuration',
      '/jwks',
    ]);
  });

  it.each<[string, Record<string, unknown>]>([
    ['B-20 another issuer', { issuer: 'https://evil.example' }],
    ['B-20 no issuer', { issuer: undefined }],
    ['B-19 no jwks_uri', { jwks_uri: undefined }],
    ['B-19 a jwks_uri that is no text', { jwks_uri: [] }],
    ['A2-11 a jwks_uri that is not http', { jwks_uri: 'ftp://ehr.example.org/jwks' }],
    ['A2-11 a jwks_uri with a password', { jwks_uri: 'https://a:b@ehr.example.org/jwks' }],
  ])('%s in the OpenID configuration: the JWKS is not read', async (_what, metadata) => {
    ehr.metadata = metadata;
    refused(await verify(idToken(rs256, claims()), discovered));
    expect(ehr.fetches).toBe(0);
  });

  it('B-20 is not read where the issuer differs by a slash', async () => {
    ehr.metadata = { issuer: `${ehr.issuer}/` };
    refused(await verify(idToken(rs256, claims()), discovered));
    expect(ehr.fetches).toBe(0);
  });

  it('A2-11 is read over https only, but for development', async () => {
    verifier = new IdTokenVerifier(http, new JwksCache(http, 600_000), false);
    refused(await verify(idToken(rs256, claims()), discovered));
    expect(ehr.fetches).toBe(0);
  });

  it.each<[string, EhrAnswer, string]>([
    ['B-12 a broken connection', 'reset', 'ehr_unavailable'],
    ['C-17 too many bytes', { text: Buffer.alloc(1024 * 1024 + 1, 32) }, 'ehr_unavailable'],
    ['B-12 a JWKS that answers 503', { status: 503 }, 'invalid_id_token'],
    ['B-12 a JWKS that is HTML', { text: '<html>' }, 'invalid_id_token'],
  ])('%s: the login ends', async (_what, answer, error) => {
    ehr.server.respondWith(() => answer);
    expect(await verify(idToken(rs256, claims()))).toMatchObject({ error });
    expect(await verify(idToken(rs256, claims()), discovered)).toMatchObject({ error });
  });

  it('C-17 that never arrives ends the login at the deadline', async () => {
    const hasty = httpClient(50);
    verifier = new IdTokenVerifier(hasty, new JwksCache(hasty, 600_000), true);
    ehr.server.respondWith(() => 'silence');
    expect(await verify(idToken(rs256, claims()))).toMatchObject({ error: 'ehr_timeout', status: 504 });
    await hasty.close();
  });

  it('C-16 is not looked for where it redirects to', async () => {
    ehr.server.respondWith(() => ({ status: 302, headers: { location: evil.jwksUri } }));
    refused(await verify(idToken(attacker, claims())));
    refused(await verify(idToken(attacker, claims()), discovered));
    expect(evil.server.requests).toEqual([]);
  });
});
