import { signingKey } from '../../support/openid-provider.js';
import type { SigningKey } from '../../support/openid-provider.js';

/** Key pairs, made once per test file: RSA keys are slow to make. */
export interface Keys {
  /** signs the good EHR’s id_tokens */
  rsa: SigningKey;
  /** another key of the same EHR, for rotation */
  next: SigningKey;
  ec: SigningKey;
  ec384: SigningKey;
  /** somebody else’s key under the good key’s kid */
  attacker: SigningKey;
}

export async function createKeys(): Promise<Keys> {
  const [rsa, next, ec, ec384, attacker] = await Promise.all([
    signingKey('RS256', { kid: 'rsa-1' }),
    signingKey('RS256', { kid: 'rsa-2' }),
    signingKey('ES256', { kid: 'ec-1' }),
    signingKey('ES384', { kid: 'ec-384' }),
    signingKey('RS256', { kid: 'rsa-1' }),
  ]);
  return { rsa, next, ec, ec384, attacker };
}
