import { createHmac, createPublicKey } from 'node:crypto';
import { SignJWT, decodeJwt } from 'jose';
import { forged, signedBy } from '../../support/openid-provider.js';
import type { SigningKey } from '../../support/openid-provider.js';
import type { Json } from './exchange.js';
import type { Tenant } from './tenant.js';

/** The same claims, signed anew by another key, under a header of the forger’s choice. */
export function resigned(jwt: string, key: SigningKey, header: Json = {}): Promise<string> {
  const { alg, publicJwk, privateKey } = key;
  return new SignJWT(decodeJwt(jwt))
    .setProtectedHeader({ alg, ...(publicJwk.kid && { kid: publicJwk.kid }), ...header })
    .sign(privateKey);
}

/** The same claims under a header no library would sign, with a good RSA signature. */
export function handmade(jwt: string, header: Json, key: SigningKey): string {
  return forged(header, decodeJwt(jwt), signedBy(key));
}

export function hmac(jwt: string, secret: string | Buffer, header: Json = {}): string {
  const sign = (signed: string) => createHmac('sha256', secret).update(signed).digest();
  return forged({ alg: 'HS256', kid: 'rsa-1', ...header }, decodeJwt(jwt), sign);
}

export function unsigned(jwt: string, alg = 'none'): string {
  return forged({ alg }, decodeJwt(jwt), () => Buffer.alloc(0));
}

/** The public key as an attacker has it: the PEM text of the JWKS. */
export function publicPem(ehr: Tenant): string {
  const key = createPublicKey({ key: ehr.keys[0] as Record<string, unknown>, format: 'jwk' });
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

/** Signature over other claims: the oldest trick. */
export function tampered(jwt: string, change: Json): string {
  const [header = '', , signature = ''] = jwt.split('.');
  const payload = Buffer.from(JSON.stringify({ ...decodeJwt(jwt), ...change })).toString('base64url');
  return `${header}.${payload}.${signature}`;
}

/** One character of the signature changed, not its length. */
export function scratched(jwt: string): string {
  const at = jwt.lastIndexOf('.') + 10;
  return jwt.slice(0, at) + (jwt[at] === 'A' ? 'B' : 'A') + jwt.slice(at + 1);
}
