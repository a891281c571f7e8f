import { createPublicKey, sign as signData } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, jwtVerify } from 'jose';
import type { JWK } from 'jose';
import { registrationOf } from '../../test/support/registration.js';
import type { ServerSettings } from '../../test/support/registration.js';
import { NoCommonAlgorithm, clientAuthentication, signingKeys } from './client-authentication.js';
import type { ClientAuthenticationConfiguration, ClientPrivateKey } from './known-fhir-server.js';

const TOKEN_ENDPOINT = 'https://ehr.example.org/auth/token?tenant=A';
const ID = 'my-app';

/** What a request to the token endpoint carries. */
async function authenticated(
  authentication: ClientAuthenticationConfiguration,
  settings: ServerSettings = {},
  server: {
    issuer?: string;
    token_endpoint_auth_methods_supported?: string[];
    token_endpoint_auth_signing_alg_values_supported?: string[];
  } = {},
): Promise<{ body: Record<string, string>; headers: Record<string, string> }> {
  const registration = registrationOf({ clientId: ID, ...settings }, authentication);
  const authenticate = clientAuthentication(registration, { token_endpoint: TOKEN_ENDPOINT, ...server });
  const body = new URLSearchParams({ grant_type: 'authorization_code' });
  const headers = new Headers();
  await authenticate({ issuer: 'https://unused.example' }, { client_id: 'x' }, body, headers);
  return { body: Object.fromEntries(body), headers: Object.fromEntries(headers) };
}

const basic = (clientSecret: string) =>
  ({ type: 'confidential-symmetric', method: 'client_secret_basic', clientSecret }) as const;

const decoded = (header: string | undefined) =>
  Buffer.from(header!.slice('Basic '.length), 'base64').toString();

describe('a public client', () => {
  it('A1-2 A7-2 names itself in the body, and carries no Authorization', async () => {
    expect(await authenticated({ type: 'public' })).toEqual({
      body: { grant_type: 'authorization_code', client_id: ID },
      headers: {},
    });
  });
});

describe('a client with a secret', () => {
  it('A11-1 sends raw id and secret as Basic, and no client_id in the body', async () => {
    expect(await authenticated(basic('my-app-secret-123'))).toEqual({
      body: { grant_type: 'authorization_code' },
      headers: { authorization: 'Basic bXktYXBwOm15LWFwcC1zZWNyZXQtMTIz' },
    });
  });

  it.each(['a+b%', 'p@ss word/=&', 'a:b:c', '%41', 'sécrèt', 'a-._~b'])(
    'A11-1 E-EPIC-1 sends %s raw',
    async (secret) => {
      const { headers } = await authenticated(basic(secret));

      expect(decoded(headers.authorization)).toBe(`${ID}:${secret}`);
    },
  );

  it.each(['a+b%', 'p@ss word/=&', 'a:b:c', '%41', 'sécrèt', 'a-._~b'])(
    'B-21 sends %s so that the server decodes it, where the switch says so',
    async (secret) => {
      const { headers } = await authenticated(basic(secret), { encodeBasic: true, clientId: 'urn:my app' });

      const parts = decoded(headers.authorization).split(':');
      expect(parts.map((part) => decodeURIComponent(part.replaceAll('+', ' ')))).toEqual([
        'urn:my app',
        secret,
      ]);
    },
  );

  it('A11-2 puts the secret into the body only where it was configured so', async () => {
    const post = { ...basic('s3cret'), method: 'client_secret_post' } as const;

    expect(await authenticated(post)).toEqual({
      body: { grant_type: 'authorization_code', client_id: ID, client_secret: 's3cret' },
      headers: {},
    });
  });

  it('A7-2 adds client_id to the body where the switch says so', async () => {
    const { body } = await authenticated(basic('s'), { sendClientId: true });

    expect(body.client_id).toBe(ID);
  });
});

describe('a client with a private key', () => {
  let rsa: JWK;
  let ec: JWK;
  let privateEc: KeyObject;

  beforeAll(async () => {
    const [rsaPair, ecPair] = await Promise.all([
      generateKeyPair('RS384', { extractable: true }),
      generateKeyPair('ES384', { extractable: true }),
    ]);
    rsa = { ...(await exportJWK(rsaPair.privateKey)), kid: 'rsa-1' };
    ec = { ...(await exportJWK(ecPair.privateKey)), kid: 'ec-1' };
    const { KeyObject: Key } = await import('node:crypto');
    privateEc = Key.from(ecPair.privateKey);
  });

  const jwt = (privateKey: ClientPrivateKey | ClientPrivateKey[]): ClientAuthenticationConfiguration => ({
    type: 'confidential-asymmetric',
    method: 'private_key_jwt',
    privateKey,
  });

  const assertionOf = async (...given: Parameters<typeof authenticated>) =>
    (await authenticated(...given)).body.client_assertion!;

  it('A10-6 sends a client_assertion of type jwt-bearer, and neither id nor secret', async () => {
    const { body, headers } = await authenticated(jwt(ec));

    expect(Object.keys(body).sort()).toEqual(['client_assertion', 'client_assertion_type', 'grant_type']);
    expect(body.client_assertion_type).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    expect(headers).toEqual({});
  });

  it('A10-2 names typ, alg and kid in the header, and nothing else', async () => {
    expect(decodeProtectedHeader(await assertionOf(jwt(ec)))).toEqual({
      typ: 'JWT',
      alg: 'ES384',
      kid: 'ec-1',
    });
  });

  it('A10-2 names the registered URL of the key set, byte for byte, where it was configured', async () => {
    const clientPublicKeySetUrl = 'https://app.example.com/fhir/jwks.json?a=%41';
    const configured = { ...jwt([rsa, ec]), clientPublicKeySetUrl } as ClientAuthenticationConfiguration;

    expect(decodeProtectedHeader(await assertionOf(configured))).toEqual({
      typ: 'JWT',
      alg: 'RS384',
      kid: 'rsa-1',
      jku: clientPublicKeySetUrl,
    });
  });

  it('A10-2 has it signed, too, by a key outside the process', async () => {
    const { d: _private, ...publicJwk } = ec;
    const sign = (data: Uint8Array) =>
      Promise.resolve(signData('sha384', data, { key: privateEc, dsaEncoding: 'ieee-p1363' }));
    const signer = jwt({ sign, kid: 'kms-1', alg: 'ES384', publicJwk });
    const jku = 'https://app.example.com/fhir/jwks.json';

    const assertion = await assertionOf({ ...signer, clientPublicKeySetUrl: jku } as typeof signer);

    const { protectedHeader } = await jwtVerify(assertion, await importJWK(publicJwk, 'ES384'));
    expect(protectedHeader).toEqual({ typ: 'JWT', alg: 'ES384', kid: 'kms-1', jku });
  });

  it('A10-3 claims to be the client, towards the token endpoint alone, for minutes', async () => {
    const claims = decodeJwt(await assertionOf(jwt(ec), {}, { issuer: 'https://ehr.example.org' }));

    expect(claims).toMatchObject({ iss: ID, sub: ID, aud: TOKEN_ENDPOINT });
    expect(claims.exp! - claims.iat!).toBeGreaterThan(0);
    expect(claims.exp! - Math.floor(Date.now() / 1000)).toBeLessThanOrEqual(300);
  });

  it('A10-5 has no nbf, so that a clock that is off does no harm', async () => {
    const claims = decodeJwt(await assertionOf(jwt(ec)));

    expect(Object.keys(claims).sort()).toEqual(['aud', 'exp', 'iat', 'iss', 'jti', 'sub']);
  });

  it('A10-3 A10-4 makes a new assertion for every request', async () => {
    const authenticate = clientAuthentication(registrationOf({}, jwt(ec)), {
      token_endpoint: TOKEN_ENDPOINT,
    });
    const jtis = await Promise.all(
      Array.from({ length: 1000 }, async () => {
        const body = new URLSearchParams();
        await authenticate({ issuer: 'x' }, { client_id: 'x' }, body, new Headers());
        return decodeJwt(body.get('client_assertion')!).jti;
      }),
    );

    expect(new Set(jtis).size).toBe(1000);
  });

  it.each([
    ['ES384', ['ES384']],
    ['RS384', ['RS384', 'RS256']],
    ['RS384', undefined],
    ['RS384', []],
    ['RS384', ['ES384', 'RS384']],
  ])('A10-1 signs with %s when the server takes %j', async (alg, supported) => {
    const server = { token_endpoint_auth_signing_alg_values_supported: supported };
    const assertion = await assertionOf(jwt([rsa, ec]), {}, server);

    const key = alg === 'RS384' ? rsa : ec;
    const publicKey = createPublicKey({ key: { ...key, d: undefined } as never, format: 'jwk' });
    await jwtVerify(assertion, publicKey, { issuer: ID, audience: TOKEN_ENDPOINT, algorithms: [alg] });
    expect(decodeProtectedHeader(assertion).kid).toBe(key.kid);
  });

  it('A10-1 signs nothing when the server takes none of its algorithms', async () => {
    const server = { token_endpoint_auth_signing_alg_values_supported: ['ES384'] };

    await expect(authenticated(jwt(rsa), {}, server)).rejects.toThrow(NoCommonAlgorithm);
  });

  it('A10-9 has a key outside the process sign, whose public half verifies the assertion', async () => {
    const { d: _private, ...publicJwk } = ec;
    const sign = (data: Uint8Array) =>
      Promise.resolve(signData('sha384', data, { key: privateEc, dsaEncoding: 'ieee-p1363' }));

    const assertion = await assertionOf(jwt({ sign, kid: 'kms-1', alg: 'ES384', publicJwk }));

    const { payload, protectedHeader } = await jwtVerify(assertion, await importJWK(publicJwk, 'ES384'));
    expect(protectedHeader).toEqual({ typ: 'JWT', alg: 'ES384', kid: 'kms-1' });
    expect(payload).toMatchObject({ iss: ID, sub: ID, aud: TOKEN_ENDPOINT });
  });

  it('passes on that the key outside does not answer', async () => {
    const sign = () => Promise.reject(new Error('the KMS is down'));

    await expect(authenticated(jwt({ sign, kid: 'k', alg: 'ES384', publicJwk: ec }))).rejects.toMatchObject({
      message: 'sign() threw',
      cause: { message: 'the KMS is down' },
    });
  });

  it('E-MISC-9 names another audience where the switch says so', async () => {
    const assertion = await assertionOf(jwt(ec), { assertionAudience: 'https://ehr.example.org/fhir' });

    expect(decodeJwt(assertion).aud).toBe('https://ehr.example.org/fhir');
  });

  it('names the issuer and the newer type where the server is strict', async () => {
    const assertion = await assertionOf(
      jwt(ec),
      { strictAudienceValidation: true },
      { issuer: 'https://ehr.example.org' },
    );

    expect(decodeProtectedHeader(assertion).typ).toBe('client-authentication+jwt');
    expect(decodeJwt(assertion).aud).toBe('https://ehr.example.org');
  });

  it('A7-2 adds client_id to the body where the switch says so', async () => {
    expect((await authenticated(jwt(ec), { sendClientId: true })).body.client_id).toBe(ID);
  });

  it('reads the keys of one registration once', () => {
    const authentication = { privateKey: ec };

    expect(signingKeys(authentication)).toBe(signingKeys(authentication));
  });
});

describe('a client with a key and a secret', () => {
  it.each([
    ['both', ['client_secret_basic', 'private_key_jwt'], 'a key'],
    ['no methods at all', undefined, 'a key'],
    ['an empty list', [], 'a key'],
    ['methods we do not know', ['tls_client_auth'], 'a key'],
    ['Basic alone', ['client_secret_basic'], 'Basic'],
    ['the body alone', ['client_secret_post'], 'the body'],
    ['both ways to send a secret', ['client_secret_post', 'client_secret_basic'], 'Basic'],
  ])('A1-3 at a server that lists %s', async (_what, methods, expected) => {
    const { privateKey } = await generateKeyPair('ES384', { extractable: true });
    const jwk = { ...(await exportJWK(privateKey)), kid: 'key-1', alg: 'ES384' };
    const both = {
      type: 'confidential-asymmetric',
      method: 'private_key_jwt',
      privateKey: jwk,
      clientSecret: 'secret-1',
    } as const;

    const { body, headers } = await authenticated(
      both,
      {},
      { token_endpoint_auth_methods_supported: methods },
    );

    const ways = [
      body.client_assertion && 'a key',
      headers.authorization === `Basic ${Buffer.from(`${ID}:secret-1`).toString('base64')}` && 'Basic',
      body.client_secret === 'secret-1' && 'the body',
    ];
    expect(ways.filter(Boolean)).toEqual([expected]);
  });
});
