import { createPrivateKey } from 'node:crypto';
import type { JsonWebKey } from 'node:crypto';
import { importJWK } from 'jose';
import type { CryptoKey, JWK } from 'jose';
import type { ClientCryptoKey, ClientPrivateKey, ClientSigner } from './known-fhir-server.js';

/** A key ready to sign client assertions. */
export interface SigningKey {
  kid: string;
  alg: string;
  /** what the JWKS route publishes; undefined for a CryptoKey given without its public half */
  publicJwk?: JWK;
  key: (() => Promise<CryptoKey>) | ClientSigner['sign'];
  kind: 'local' | 'remote';
}

const PUBLIC_MEMBERS = ['kty', 'n', 'e', 'crv', 'x', 'y', 'x5c', 'x5t', 'x5t#S256', 'x5u'];
const ALG_BY_CURVE: Record<string, string> = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' };
/** as long as a call to the EHR may take by default */
const SIGN_TIMEOUT_MS = 10_000;
/** r and s (RFC 7518 3.4) */
const SIGNATURE_BYTES: Record<string, number> = { ES256: 64, ES384: 96, ES512: 132 };
const SUPPORTED = /^(RS|PS|ES)(256|384|512)$/;

/** `sign` of a ClientSigner threw, or answered what is no signature. The message tells nothing of the KMS. */
export class SigningFailure extends Error {
  override readonly name = 'SigningFailure';
}

/**
 * Reads the configured key or keys. Throws an Error that names the problem and the fix, never the key's
 * content.
 */
export function readSigningKeys(configured: ClientPrivateKey | ClientPrivateKey[]): SigningKey[] {
  const list = Array.isArray(configured) ? configured : [configured];
  if (list.length === 0) throw new Error('is an empty list; give at least one private key');
  const keys = list.map(readSigningKey);
  const kids = new Set(keys.map(({ kid }) => kid));
  if (kids.size !== keys.length)
    throw new Error('has two keys with one kid; every key needs a kid of its own');
  return keys;
}

function readSigningKey(configured: ClientPrivateKey): SigningKey {
  if (typeof configured === 'object' && configured !== null) {
    if (isSigner(configured)) {
      const { kid, alg, publicJwk } = configured;
      return {
        kid: required(kid, 'kid'),
        alg: supported(alg),
        publicJwk: publicMembers(publicJwk, kid, alg),
        key: (data) => signedInTime(configured, alg, data),
        kind: 'remote',
      };
    }
    if (isCryptoKey(configured)) {
      const { key, kid, alg, publicJwk } = configured;
      return {
        kid: required(kid, 'kid'),
        alg: supported(alg),
        publicJwk: publicJwk && publicMembers(publicJwk, kid, alg),
        key: () => Promise.resolve(key),
        kind: 'local',
      };
    }
  }
  return readJwk(configured);
}

function readJwk(configured: string | JWK): SigningKey {
  const jwk = parseJwk(configured);
  if (jwk.kty === 'oct' || typeof jwk.k === 'string') {
    throw new Error('is a symmetric key; private_key_jwt needs an RSA or EC key');
  }
  if (typeof jwk.d !== 'string')
    throw new Error('is a public key; give the private JWK (with its "d" member)');
  const kid = required(jwk.kid, 'kid');
  const alg = supported(jwk.alg ?? (jwk.kty === 'RSA' ? 'RS384' : ALG_BY_CURVE[jwk.crv ?? '']));
  let imported: Promise<CryptoKey> | undefined;
  const { key_ops: _operations, use: _use, ...material } = jwk;
  checkMaterial(material, alg);
  return {
    kid,
    alg,
    publicJwk: publicMembers(jwk, kid, alg),
    key: () => (imported ??= importJWK(material, alg) as Promise<CryptoKey>),
    kind: 'local',
  };
}

/** Found out now rather than at the first launch. */
function checkMaterial(material: JWK, alg: string): void {
  const fits = alg.startsWith('ES') ? ALG_BY_CURVE[material.crv ?? ''] === alg : material.kty === 'RSA';
  if (!fits) throw new Error(`has the alg ${alg}, which does not fit the key's kty or crv`);
  let bits: number | undefined;
  try {
    const key = createPrivateKey({ key: material as JsonWebKey, format: 'jwk' });
    bits = key.asymmetricKeyDetails?.modulusLength;
  } catch {
    // the reason would quote the key
    throw new Error('is no complete private JWK: a member is missing or damaged');
  }
  if (bits !== undefined && bits < 2048) throw new Error('is an RSA key of less than 2048 bits');
}

function parseJwk(configured: string | JWK): JWK {
  if (typeof configured === 'object' && configured !== null) return configured;
  try {
    const parsed: unknown = JSON.parse(configured);
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch {
    // the parser's message would quote the key
  }
  throw new Error(
    typeof configured === 'string' && configured.includes('-----BEGIN')
      ? 'is PEM; make a private JWK of it with: npx nestjs-smart-on-fhir keys --pem FILE'
      : 'is not JSON; give a private JWK as an object or a JSON string',
  );
}

/** A KMS that never answers must not hold up a login, nor the lock of a refresh. */
async function signedInTime(signer: ClientSigner, alg: string, data: Uint8Array): Promise<Uint8Array> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new SigningFailure('sign() answered no signature in time')),
      SIGN_TIMEOUT_MS,
    );
  });
  try {
    return checked(await Promise.race([signer.sign(data), deadline]), alg);
  } catch (error) {
    throw error instanceof SigningFailure ? error : new SigningFailure('sign() threw', { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** Most KMS answer DER, which servers refuse without saying why. */
function checked(signature: unknown, alg: string): Uint8Array {
  if (!(signature instanceof Uint8Array)) throw new SigningFailure('sign() answered no Uint8Array');
  const wanted = SIGNATURE_BYTES[alg];
  if (wanted === undefined || signature.length === wanted) return signature;
  throw new SigningFailure(
    `sign() answered ${signature.length} bytes; ${alg} wants r and s, ${wanted} bytes, not DER`,
  );
}

function isSigner(value: object): value is ClientSigner {
  return typeof (value as ClientSigner).sign === 'function';
}

function isCryptoKey(value: object): value is ClientCryptoKey {
  return typeof (value as ClientCryptoKey).key === 'object';
}

function required(value: string | undefined, name: string): string {
  if (typeof value !== 'string' || value === '') {
    throw new Error(`has no ${name}; the EHR finds the registered key by it`);
  }
  return value;
}

function supported(alg: string | undefined): string {
  if (!alg || !SUPPORTED.test(alg)) {
    throw new Error(`has the unsupported alg ${JSON.stringify(alg)}; SMART servers take RS384 or ES384`);
  }
  return alg;
}

/** The JWK with nothing private in it (SMART 2.2 "Registering a client", JWKS rules). */
function publicMembers(jwk: JWK, kid: string, alg: string): JWK {
  if (typeof jwk !== 'object' || jwk === null)
    throw new Error('has no publicJwk; the JWKS route publishes it');
  const members = Object.entries(jwk).filter(([name]) => PUBLIC_MEMBERS.includes(name));
  return { ...Object.fromEntries(members), kid, alg, use: 'sig' };
}
