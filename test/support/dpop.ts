import { exportJWK, generateKeyPair, jwtVerify, EmbeddedJWK } from 'jose';
import type { JWK } from 'jose';
import type { EhrRequest } from './ehr-server.js';

/** A key as a launch keeps it. */
export async function dpopKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { ...(await exportJWK(privateKey)), alg: 'ES256' };
}

/** The proof of a request, its signature verified with the key in it. */
export async function proofOf({ headers }: Pick<EhrRequest, 'headers'>) {
  const { protectedHeader, payload } = await jwtVerify(String(headers.dpop), EmbeddedJWK);
  return { header: protectedHeader, claims: payload };
}
