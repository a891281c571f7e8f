import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SignJWT, createLocalJWKSet, importJWK, jwtVerify } from 'jose';
import type { JWK } from 'jose';
import { readSigningKeys } from '../ehr/client-keys.js';
import { run } from './run.js';

const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keys-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function keys(...args: string[]) {
  const lines: string[] = [];
  const errors: string[] = [];
  const code = await run(['keys', ...args], {
    out: (text) => void lines.push(text),
    error: (text) => void errors.push(text),
  });
  return { code, lines, errors };
}

async function pairOf(...args: string[]) {
  const { code, lines } = await keys(...args);
  expect(code).toBe(0);
  return { privateJwk: JSON.parse(lines[1]!) as JWK, jwks: JSON.parse(lines[3]!) as { keys: JWK[] } };
}

describe('nestjs-smart-on-fhir keys', () => {
  it.each([['ES384', 'EC'] as const, ['RS384', 'RSA'] as const])(
    'A10-1 A10-7 makes a pair that signs and verifies with %s, nothing private in the public half',
    async (alg, kty) => {
      const { privateJwk, jwks } = await pairOf('--alg', alg);
      const [publicJwk] = jwks.keys;

      expect([publicJwk?.kty, publicJwk?.alg, publicJwk?.use]).toEqual([kty, alg, 'sig']);
      expect(Object.keys(publicJwk!).filter((name) => PRIVATE.includes(name))).toEqual([]);
      expect(publicJwk?.kid).toBe(privateJwk.kid);
      const key = await importJWK(privateJwk, alg);
      const jwt = await new SignJWT({}).setProtectedHeader({ alg, kid: privateJwk.kid }).sign(key);
      await expect(jwtVerify(jwt, createLocalJWKSet(jwks))).resolves.toBeDefined();
      // what it prints is what the option takes
      expect(readSigningKeys(JSON.stringify(privateJwk))).toMatchObject([{ alg, kid: privateJwk.kid }]);
    },
  );

  it('A10-1 makes an ES384 key where nothing is said, another one each time', async () => {
    const [first, second] = [await pairOf(), await pairOf()];

    expect(first.privateJwk.alg).toBe('ES384');
    expect(first.privateJwk.kid).not.toBe(second.privateJwk.kid);
  });

  it.each([
    ['rsa', { modulusLength: 2048 }, 'pkcs1', 'RS384'],
    ['rsa', { modulusLength: 2048 }, 'pkcs8', 'RS384'],
    ['ec', { namedCurve: 'P-384' }, 'sec1', 'ES384'],
  ] as const)('A10-1 takes an existing key in PEM: %s, %j, %s', async (type, options, format, alg) => {
    const { privateKey } = generateKeyPairSync(type as 'rsa', options as { modulusLength: number });
    const path = join(folder, `${type}-${format}.pem`);
    await writeFile(path, privateKey.export({ type: format, format: 'pem' }));

    const { privateJwk } = await pairOf('--pem', path);

    expect(privateJwk).toMatchObject({ ...privateKey.export({ format: 'jwk' }), alg });
  });

  it('C-19 writes nothing unless told where, the private key for its owner alone, and never over a file', async () => {
    const out = join(folder, 'new', 'keys');

    const first = await keys('--out', out);
    const written = await readFile(join(out, 'private.jwk.json'), 'utf8');
    const again = await keys('--out', out);

    expect(first.lines.join()).not.toContain((JSON.parse(written) as JWK).d);
    expect((await stat(join(out, 'private.jwk.json'))).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(join(out, 'jwks.json'), 'utf8'))).toHaveProperty('keys.0.kid');
    expect([again.code, again.errors[0]]).toEqual([1, expect.stringContaining('it is there already')]);
    expect(await readFile(join(out, 'private.jwk.json'), 'utf8')).toBe(written);
  });

  it.each([
    [['--alg', 'HS256'], '--alg is one of ES384, RS384'],
    [['--pem', '/nowhere.pem'], '--pem: /nowhere.pem cannot be read'],
    [['--pem', import.meta.filename ?? '/nowhere'], '--pem'],
    [['--colour'], '--colour'],
    [['more'], 'The command is "keys"'],
  ])('says what is wrong, and how it is used: %j', async (args, message) => {
    const { code, lines, errors } = await keys(...args);

    expect([code, lines]).toEqual([1, []]);
    expect(errors[0]).toContain(message);
    expect(errors[0]).toContain('Usage: nestjs-smart-on-fhir keys');
  });

  it('A10-1 refuses keys that SMART does not take', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const path = join(folder, 'p256.pem');
    await writeFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }));

    expect((await keys('--pem', path)).errors[0]).toContain('P-384 (ES384)');
  });
});
