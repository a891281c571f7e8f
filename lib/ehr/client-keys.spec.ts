import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { exportJWK, generateKeyPair, importJWK, jwtVerify, SignJWT } from 'jose';
import type { CryptoKey, JWK } from 'jose';
import { readSigningKeys } from './client-keys.js';
import type { ClientPrivateKey } from './known-fhir-server.js';

const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

let rsa: JWK;
let ec: JWK;
let ecKey: CryptoKey;
let ecPublic: JWK;

beforeAll(async () => {
  const pairs = await Promise.all([
    generateKeyPair('RS384', { extractable: true }),
    generateKeyPair('ES384', { extractable: true }),
  ]);
  rsa = { ...(await exportJWK(pairs[0].privateKey)), kid: 'rsa-1' };
  ec = { ...(await exportJWK(pairs[1].privateKey)), kid: 'ec-1' };
  ecKey = pairs[1].privateKey;
  ecPublic = await exportJWK(pairs[1].publicKey);
});

/** why a key is refused */
function refusal(configured: unknown): string {
  try {
    readSigningKeys(configured as ClientPrivateKey);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the key was taken');
}

describe('the forms a private key comes in', () => {
  it('A10-1 signs with RS384 an RSA key, and with ES384 a P-384 key, that name no algorithm', () => {
    expect(readSigningKeys([rsa, ec]).map(({ kid, alg, kind }) => [kid, alg, kind])).toEqual([
      ['rsa-1', 'RS384', 'local'],
      ['ec-1', 'ES384', 'local'],
    ]);
  });

  it('A10-1 keeps the algorithm that the key names', () => {
    expect(readSigningKeys({ ...rsa, alg: 'PS256' })[0]?.alg).toBe('PS256');
  });

  it.each(['object', 'JSON', 'WebCrypto', 'JWK with the usages of both halves'])(
    'reads a private key given as %s',
    async (form) => {
      const given: Record<string, ClientPrivateKey> = {
        object: ec,
        JSON: JSON.stringify(ec),
        WebCrypto: { key: ecKey, kid: 'ec-1', alg: 'ES384', publicJwk: ecPublic },
        'JWK with the usages of both halves': { ...ec, use: 'sig', key_ops: ['sign', 'verify'] },
      };

      const [key] = readSigningKeys(given[form]!);

      const jwt = await new SignJWT({})
        .setProtectedHeader({ alg: key!.alg })
        .sign(await (key!.key as () => Promise<CryptoKey>)());
      await jwtVerify(jwt, await importJWK(ecPublic, 'ES384'));
      expect(key).toMatchObject({ kid: 'ec-1', alg: 'ES384', kind: 'local' });
    },
  );

  it('takes a WebCrypto key without its public half, which is then not published', () => {
    expect(readSigningKeys({ key: ecKey, kid: 'k', alg: 'ES384' })[0]?.publicJwk).toBeUndefined();
  });

  it('A10-9 hands the bytes to a signer outside', async () => {
    const sign = (data: Uint8Array) => Promise.resolve(data.slice().reverse());

    const [key] = readSigningKeys({ sign, kid: 'kms', alg: 'ES384', publicJwk: ecPublic });

    expect(key?.kind).toBe('remote');
    const data = Uint8Array.from({ length: 96 }, (_, index) => index);
    expect(await (key!.key as typeof sign)(data)).toEqual(data.slice().reverse());
  });
});

describe('what is published', () => {
  it.each([
    ['RSA', () => rsa, ['kty', 'kid', 'alg', 'use', 'n', 'e']],
    ['EC', () => ec, ['kty', 'kid', 'alg', 'use', 'crv', 'x', 'y']],
  ])('A10-7 of an %s key is its public half, named and complete', (_, jwk, members) => {
    const given = { ...jwk(), key_ops: ['sign'], use: 'enc', passphrase: 'own member' };
    const [key] = readSigningKeys(given);

    expect(Object.keys(key!.publicJwk!).sort()).toEqual([...members].sort());
    expect(key!.publicJwk).toMatchObject({ kid: jwk().kid, use: 'sig' });
  });

  it.each(['signer', 'WebCrypto'])(
    'A10-7 of a %s key is public even when the private JWK was given',
    (form) => {
      const own = { kid: 'k', alg: 'RS384', publicJwk: rsa };
      const sign = (data: Uint8Array) => Promise.resolve(data);

      const [key] = readSigningKeys(form === 'signer' ? { ...own, sign } : { ...own, key: ecKey });

      for (const member of SECRET_MEMBERS) expect(key!.publicJwk).not.toHaveProperty(member);
      expect(key!.publicJwk).toMatchObject({ kty: 'RSA', kid: 'k', alg: 'RS384', n: rsa.n });
    },
  );
});

describe('a key that cannot be used', () => {
  const jwk = { kty: 'EC', crv: 'P-384', x: 'x', y: 'y', d: 'c4n4ry', kid: 'k' };

  it.each<[string, unknown, RegExp]>([
    ['a symmetric key', { kty: 'oct', k: 'c4n4ry', kid: 'k', alg: 'HS256' }, /symmetric/],
    ['a symmetric key in disguise', { ...jwk, k: 'c4n4ry' }, /symmetric/],
    ['a public key', { ...jwk, d: undefined }, /public key/],
    ['an unnamed key', { ...jwk, kid: undefined }, /no kid/],
    ['a key with an empty name', { ...jwk, kid: '' }, /no kid/],
    ['an unsupported curve', { ...jwk, crv: 'secp256k1' }, /unsupported alg/],
    ['a symmetric algorithm', { ...jwk, alg: 'HS256' }, /unsupported alg/],
    ['no algorithm', { ...jwk, alg: 'none' }, /unsupported alg/],
    ['an algorithm that only begins right', { ...jwk, alg: 'RS256x' }, /unsupported alg/],
    ['PEM', '-----BEGIN PRIVATE KEY-----\nc4n4ry', /is PEM.*npx nestjs-smart-on-fhir keys --pem FILE/],
    ['broken JSON', '{"kty":"EC","d":"c4n4ry"', /not JSON/],
    ['JSON of a number', '5', /not JSON/],
    ['a list of none', [], /empty list/],
    ['nothing in a list', [undefined], /not JSON/],
    ['null', null, /not JSON/],
    ['a number', 5, /not JSON/],
    ['an unnamed signer', { sign: () => undefined, alg: 'ES384', publicJwk: {} }, /no kid/],
    ['a signer without alg', { sign: () => undefined, kid: 'k', publicJwk: {} }, /unsupported alg/],
    ['a signer without its public key', { sign: () => undefined, kid: 'k', alg: 'ES384' }, /publicJwk/],
    ['an unnamed WebCrypto key', { key: {}, alg: 'ES384' }, /no kid/],
  ])('A10-8 is refused with the reason, and never quoted: %s', (_, configured, reason) => {
    const message = refusal(configured);

    expect(message).toMatch(reason);
    expect(message).not.toContain('c4n4ry');
  });

  it('A10-8 two keys with one kid are refused', () => {
    expect(refusal([rsa, { ...ec, kid: 'rsa-1' }])).toMatch(/two keys with one kid/);
  });
});

describe('a key in a KMS', () => {
  const signer = { kid: 'kms-1', alg: 'ES384', sign: () => new Promise<Uint8Array>(() => undefined) };

  const signed = (alg: string, answer: unknown) => {
    const sign = () => Promise.resolve(answer as Uint8Array);
    const [key] = readSigningKeys({ ...signer, alg, sign, publicJwk: ecPublic });
    return (key!.key as (data: Uint8Array) => Promise<Uint8Array>)(new Uint8Array());
  };

  it.each([
    ['ES256', 64],
    ['ES384', 96],
    ['ES512', 132],
  ])('A10-9 that answers %s as DER is told how long r and s are', async (alg, length) => {
    expect(await signed(alg, new Uint8Array(length))).toHaveLength(length);
    await expect(signed(alg, new Uint8Array(length + 6))).rejects.toThrow(
      `sign() answered ${length + 6} bytes; ${alg} wants r and s, ${length} bytes, not DER`,
    );
  });

  it.each([['text'], [undefined], [{ Signature: new Uint8Array(96) }]])(
    'A10-9 that answers %j is told what it must answer',
    async (answer) => {
      await expect(signed('RS384', answer)).rejects.toThrow('sign() answered no Uint8Array');
    },
  );

  it('A10-9 that never answers ends the request after ten seconds', async () => {
    jest.useFakeTimers();
    try {
      const [key] = readSigningKeys({ ...signer, publicJwk: ecPublic });
      const signed = (key!.key as (data: Uint8Array) => Promise<Uint8Array>)(new Uint8Array());
      const refused = expect(signed).rejects.toThrow('no signature in time');
      await jest.advanceTimersByTimeAsync(10_000);
      await refused;
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });
});
