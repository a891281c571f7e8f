import { createHash } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Json } from './exchange.js';
import type { Tenant } from './tenant.js';

/** An id_token of SMART 2.2, signed with the EHR’s key of the moment; the tenant’s hooks spoil it. */
export async function issueIdToken(
  ehr: Tenant,
  accessToken: string,
  nonce: string | undefined,
  change: ((claims: Json, ehr: Tenant) => Json) | undefined,
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const good: Json = {
    iss: ehr.issuer,
    sub: 'user-1',
    aud: ehr.clientId,
    exp: now + 300,
    iat: now,
    fhirUser: `${ehr.fhirBaseUrl}/Practitioner/dr1`,
    at_hash: accessTokenHash(accessToken),
    ...(nonce !== undefined && { nonce }),
  };
  const { misbehaviour, signingKey } = ehr;
  const { alg, publicJwk, privateKey } = signingKey;
  const header: Json = { alg, kid: publicJwk.kid };
  const changed = misbehaviour.header?.(header, ehr) ?? header;
  const jwt = await new SignJWT(change?.(good, ehr) ?? good)
    .setProtectedHeader({ ...changed, alg })
    .sign(privateKey);
  const idToken = (await misbehaviour.idToken?.(jwt, ehr)) ?? jwt;
  ehr.secrets.add(idToken);
  return idToken;
}

/** OIDC Core 3.1.3.6, for RS256 */
function accessTokenHash(accessToken: string): string {
  return createHash('sha256').update(accessToken, 'ascii').digest().subarray(0, 16).toString('base64url');
}
