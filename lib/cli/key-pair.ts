import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import type { JWK } from 'jose';

/** What SMART 2.2 "Client Authentication: Asymmetric" asks every client to be able to sign with. */
export const ALGORITHMS = ['ES384', 'RS384'] as const;
export type KeyAlgorithm = (typeof ALGORITHMS)[number];

/** A key pair for `private_key_jwt`: the private JWK for a secret store, the JWK set for the EHR. */
export interface ClientKeyPair {
  privateJwk: JWK;
  jwks: { keys: [JWK] };
}

/** A new key pair, its kid the thumbprint of the public key (RFC 7638). */
export async function makeKeyPair(alg: KeyAlgorithm): Promise<ClientKeyPair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true, modulusLength: 3072 });
  return keyPairOf(await exportJWK(privateKey), await exportJWK(publicKey), alg);
}

/**
 * The pair of a private key in PEM (PKCS #8, PKCS #1 or SEC 1).
 *
 * @throws Error that names what is wrong with the key, and nothing of it
 */
export async function readKeyPair(pem: string): Promise<ClientKeyPair> {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new Error('it is not a private key in PEM without a passphrase');
  }
  const isRsa = key.asymmetricKeyType === 'rsa';
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (isRsa ? modulusLength < 2048 : namedCurve !== 'secp384r1') {
    throw new Error('SMART takes RSA keys of 2,048 bits or more (RS384) and keys on the curve P-384 (ES384)');
  }
  return keyPairOf(await exportJWK(key), await exportJWK(createPublicKey(key)), isRsa ? 'RS384' : 'ES384');
}

async function keyPairOf(privateKey: JWK, publicKey: JWK, alg: KeyAlgorithm): Promise<ClientKeyPair> {
  const kid = await calculateJwkThumbprint(publicKey);
  return {
    privateJwk: { ...privateKey, kid, alg },
    jwks: { keys: [{ ...publicKey, kid, alg, use: 'sig', key_ops: ['verify'] }] },
  };
}
