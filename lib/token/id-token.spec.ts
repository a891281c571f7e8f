import { createHash, createHmac, createPublicKey } from 'node:crypto';
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SignJWT } from 'jose';
import { httpClient } from '../../test/support/launch-parts.js';
import { OpenIdProvider, forged, idToken, signedBy, signingKey } from '../../test/support/openid-provider.js';
import type { LoginSituation, SigningKey } from '../../test/support/openid-provider.js';
import type { SmartError } from '../smart-error.js';
import { IdTokenVerifier } from './id-token.js';
import type { IdTokenClaims } from './id-token.js';
import { JwksCache } from './jwks.js';

const ME = 'growth-chart';
const SECRET = 'a-client-secret-of-the-app';
const AUTHENTICATION = {
  type: 'confidential-symmetric',
  method: 'client_secret_basic',
  clientSecret: SECRET,
} as const;
const http = httpClient();

let ehr: OpenIdProvider;
let rs256: SigningKey;
let es256: SigningKey;
let verifier: IdTokenVerifier;

beforeAll(async () => {
  ehr = await OpenIdProvider.start();
  rs256 = await signingKey('RS256', { kid: 'rsa-1' });
  es256 = await signingKey('ES256', { kid: 'ec-1' });
});
afterAll(async () => {
  await http.close();
  await ehr.close();
});
beforeEach(() => {
  ehr.reset([rs256, es256]);
  verifier = new IdTokenVerifier(http, new JwksCache(http, 600_000), true);
});

const now = () => Math.floor(Date.now() / 1000);
const claims = (changed?: Record<string, unknown>) => ehr.claims(changed);
const verify = (token: string | Promise<string>, situation?: LoginSituation) =>
  ehr.verify(verifier, token, { authentication: AUTHENTICATION, ...situation });

function accepted(result: IdTokenClaims | SmartError) {
  expect(result).toMatchObject({ sub: expect.any(String), aud: expect.anything() });
}

function refused(result: IdTokenClaims | SmartError) {
  expect(result).toMatchObject({ error: 'invalid_id_token', status: 502 });
}

describe('the claims of an id_token', () => {
  it('C-17 C-27 nest no deeper than can be stored, and none of them is a prototype', async () => {
    let deep: unknown = [];
    for (let depth = 0; depth < 150; depth += 1) deep = [deep];
    refused(await verify(idToken(rs256, claims({ deep }))));
    const polluting = forged(
      { alg: 'RS256', kid: 'rsa-1' },
      { ...claims(), ['__proto__']: { admin: true } },
      signedBy(rs256),
    );
    const result = await verify(polluting);
    accepted(result);
    expect(Object.keys(result)).not.toContain('__proto__');
  });

  it.each<[string, Record<string, unknown>, LoginSituation?]>([
    ['B-11 as every EHR must send them', {}],
    ['B-3 a sub of 255 characters', { sub: 'x'.repeat(255) }],
    ['B-5 an audience list of this client alone', { aud: [ME] }],
    ['B-5 several audiences and azp', { aud: [ME, 'other'], azp: ME }],
    ['B-7 expired within the clock tolerance', { exp: now() - 10 }],
    ['B-2 an alias of the issuer', { iss: 'https://old.example.org' }, alias('https://old.example.org')],
    ['B-9 no nonce where none was sent', { nonce: undefined }, { checks: { nonce: undefined } }],
    ['T-3 a nonce where none was sent', {}, { checks: { nonce: undefined } }],
  ])('%s: accepted', async (_what, changed, situation = {}) => {
    accepted(await verify(idToken(rs256, claims(changed)), situation));
  });

  it.each<[string, () => Record<string, unknown>, LoginSituation?]>([
    ['B-2 no iss', () => ({ iss: undefined })],
    ['B-2 another iss', () => ({ iss: 'https://evil.example' })],
    ['B-2 a slash more', () => ({ iss: `${ehr.issuer}/` })],
    [
      'B-2 an alias but for a slash',
      () => ({ iss: 'https://old.example.org/' }),
      alias('https://old.example.org'),
    ],
    ['B-3 no sub', () => ({ sub: undefined })],
    ['B-3 an empty sub', () => ({ sub: '' })],
    ['B-3 a sub that is a number', () => ({ sub: 7 })],
    ['B-3 a sub of 256 characters', () => ({ sub: 'x'.repeat(256) })],
    ['B-4 no aud', () => ({ aud: undefined })],
    ['B-4 another client', () => ({ aud: 'other' })],
    ['B-4 a list without this client', () => ({ aud: ['other'] })],
    ['B-5 several audiences without azp', () => ({ aud: [ME, 'other'] })],
    ['B-5 azp is another client', () => ({ aud: [ME, 'other'], azp: 'other' })],
    ['B-5 azp is another client, one audience', () => ({ azp: 'other' })],
    ['B-6 no iat', () => ({ iat: undefined })],
    ['B-6 a week old', () => ({ iat: now() - 7 * 86_400 })],
    ['B-6 eleven minutes old', () => ({ iat: now() - 660 })],
    ['B-6 from the future', () => ({ iat: now() + 300, exp: now() + 600 })],
    ['B-7 no exp', () => ({ exp: undefined })],
    ['B-7 expired five minutes ago', () => ({ iat: now() - 500, exp: now() - 300 })],
    ['B-7 expired, without tolerance', () => ({ exp: now() - 10 }), { checks: { clockToleranceSeconds: 0 } }],
    ['B-7 not valid yet', () => ({ nbf: now() + 300 })],
    ['B-8 another nonce', () => ({ nonce: 'nonce-2' })],
    ['B-8 a nonce that begins like ours', () => ({ nonce: 'nonce-1x' })],
    ['B-8 a nonce that is no text', () => ({ nonce: ['nonce-1'] })],
    ['B-9 no nonce', () => ({ nonce: undefined })],
    ['B-23 the at_hash of another token', () => ({ at_hash: hash('sha256', 'access-2') })],
    ['B-23 an at_hash that is no text', () => ({ at_hash: [hash('sha256', 'access-1')] })],
  ])('%s: refused', async (_what, changed, situation = {}) => {
    refused(await verify(idToken(rs256, claims(changed())), situation));
  });

  it('B-23 may hold the hash of the access token, by the algorithm of the signature', async () => {
    accepted(await verify(idToken(rs256, claims({ at_hash: hash('sha256', 'access-1') }))));
    const es384 = await signingKey('ES384', { kid: 'ec-384' });
    ehr.reset([es384]);
    accepted(await verify(idToken(es384, claims({ at_hash: hash('sha384', 'access-1') }))));
    refused(await verify(idToken(es384, claims({ at_hash: hash('sha256', 'access-1') }))));
  });

  it('C-19 are not repeated by the error', async () => {
    const token = await idToken(rs256, claims({ sub: 'canary', iss: 'https://canary.example' }));
    const text = inspect(await verify(token), { depth: 9, showHidden: true });
    expect(text).not.toMatch(/canary/);
    expect(text).not.toContain(token.split('.')[2]);
  });
});

describe('the signature of an id_token', () => {
  it.each(['RS384', 'RS512', 'PS256', 'ES384', 'ES512'])(
    'B-14 may be %s where the server lists no algorithms',
    async (alg) => {
      const key = await signingKey(alg, { kid: 'key-2' });
      ehr.reset([rs256, key]);
      accepted(await verify(idToken(key, claims())));
    },
  );

  it('B-14 must be of an algorithm the server lists', async () => {
    const server = { id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'] };
    accepted(await verify(idToken(rs256, claims()), { server }));
    refused(await verify(idToken(es256, claims()), { server }));
  });

  it('B-14 must be of an algorithm we know, whatever else the server lists', async () => {
    const key = await signingKey('EdDSA', { kid: 'key-2' });
    ehr.reset([rs256, key]);
    const server = { id_token_signing_alg_values_supported: ['RS256', 'EdDSA'] };
    refused(await verify(idToken(key, claims()), { server }));
    accepted(await verify(idToken(rs256, claims()), { server }));
  });

  it.each([
    ['RS256', () => rs256],
    ['ES256', () => es256],
  ])('B-12 is verified: %s', async (_alg, key) => {
    const [header, , signature] = (await idToken(key(), claims())).split('.');
    const payload = Buffer.from(JSON.stringify(claims({ sub: 'admin' }))).toString('base64url');
    refused(await verify(`${header}.${payload}.${signature}`));
    const last = signature!.at(-10) === 'A' ? 'B' : 'A';
    const damaged = `${signature!.slice(0, -10)}${last}${signature!.slice(-9)}`;
    refused(await verify(`${header}.${(await idToken(key(), claims())).split('.')[1]}.${damaged}`));
  });

  it('B-12 is no HMAC, neither with the client secret nor with a public key', async () => {
    const pem = createPublicKey({ key: rs256.publicJwk, format: 'jwk' });
    const secrets = [
      SECRET,
      pem.export({ type: 'spki', format: 'pem' }),
      pem.export({ type: 'spki', format: 'der' }),
      Buffer.from(rs256.publicJwk.n!, 'base64url'),
      JSON.stringify(rs256.publicJwk),
      '',
    ];
    for (const kid of ['rsa-1', undefined]) {
      for (const secret of secrets) {
        const sign = (signed: string) => createHmac('sha256', secret).update(signed).digest();
        refused(await verify(forged({ alg: 'HS256', kid }, claims(), sign)));
      }
    }
  });

  it('B-12 is no HMAC even where the server publishes the key for one', async () => {
    ehr.keys.push({ kty: 'oct', kid: 'hmac', alg: 'HS256', k: Buffer.from(SECRET).toString('base64url') });
    const token = new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'hmac' });
    refused(await verify(token.sign(Buffer.from(SECRET))));
  });

  it.each(['none', 'None', 'NONE', 'nOnE', ''])('B-13 is never absent: alg %j', async (alg) => {
    refused(await verify(forged({ alg, kid: 'rsa-1' }, claims(), () => Buffer.alloc(0))));
    const server = { id_token_signing_alg_values_supported: [alg] };
    refused(
      await verify(
        forged({ alg }, claims(), () => Buffer.alloc(0)),
        { server },
      ),
    );
  });

  it.each(['', 'a.b', 'a.b.c', '..', 'not a token', '{}'])('is part of a JWT: %j', async (token) => {
    refused(await verify(token));
  });

  it('B-26 has no critical header we do not know', async () => {
    const header = { alg: 'RS256', kid: 'rsa-1' };
    accepted(await verify(forged(header, claims(), signedBy(rs256))));
    refused(await verify(forged({ ...header, crit: ['x'], x: 1 }, claims(), signedBy(rs256))));
    const name = `\u001b[31m\n${'x'.repeat(5_000)}`;
    const long = await verify(forged({ ...header, crit: [name], [name]: 1 }, claims(), signedBy(rs256)));
    refused(long);
    expect((long as SmartError).message).toMatch(/^[\x20-\x7e]{1,300}$/);
  });
});

function alias(issuer: string): LoginSituation {
  return { settings: { issuerAliases: [issuer] } };
}

function hash(algorithm: string, token: string): string {
  const digest = createHash(algorithm).update(token).digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
}
