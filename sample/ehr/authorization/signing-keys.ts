import { exportJWK, generateKeyPair } from 'jose';
import type { JWK } from 'oidc-provider';

/** The EHR's own keys, new at every start. */
export async function generateSigningKeys(): Promise<{ keys: JWK[] }> {
  return { keys: await Promise.all([signingKey('RS256'), signingKey('ES384')]) };
}

async function signingKey(alg: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), kid: `ehr-${alg.toLowerCase()}`, alg, use: 'sig' };
}
