import { errors } from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';

const LONGEST_LIFETIME_S = 300;

/** SMART 2.2, client-confidential-asymmetric: what it asks of the assertion beyond RFC 7523. */
export function checkClientAssertion(
  ctx: KoaContextWithOIDC,
  claims: Record<string, unknown>,
  header: Record<string, unknown>,
): void {
  const refuse = (reason: string): never => {
    throw new errors.InvalidClientAuth(reason);
  };
  const endpoints: unknown[] = [ctx.oidc.urlFor('token'), ctx.oidc.urlFor(ctx.oidc.route)];
  const now = Math.floor(Date.now() / 1000);
  const clockTolerance = 15;

  if (header['typ'] !== 'JWT') refuse('typ must be JWT');
  if (typeof header['kid'] !== 'string') refuse('kid is missing');
  if (claims['sub'] !== claims['iss']) refuse('sub must equal iss');
  if (!endpoints.includes(claims['aud'])) refuse('aud must be the URL the assertion is posted to');
  if (Number(claims['exp']) > now + LONGEST_LIFETIME_S + clockTolerance) refuse('exp is too far away');
}
