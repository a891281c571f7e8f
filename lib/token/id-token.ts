import { createHash, timingSafeEqual } from 'node:crypto';
import { createLocalJWKSet, errors, jwtVerify } from 'jose';
import type { CryptoKey, JSONWebKeySet, JWTPayload, JWTVerifyOptions } from 'jose';
import { SmartError } from '../smart-error.js';
import type { HttpClient } from '../http/http-client.js';
import { HttpFailure } from '../http/http-failure.js';
import { parseJsonObject } from '../http/json.js';
import type { Registration } from '../ehr/registrations.js';
import { endpointUrl } from '../ehr/smart-configuration.js';
import type { SmartConfiguration } from '../ehr/smart-configuration.js';
import type { JwksCache } from './jwks.js';

/** Claims of a verified id_token. */
export type IdTokenClaims = JWTPayload & { iss: string; sub: string };

export interface IdTokenChecks {
  nonce?: string;
  accessToken: string;
  clockToleranceSeconds: number;
  /** seconds; an id_token issued longer ago is refused at login. Left out: any age */
  maxAgeSeconds?: number;
}

/** No `none`, no HMAC: a client secret or a public key must never pass for a signing key. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'];

/**
 * Verifies id_tokens (OIDC Core 3.1.3.7, SMART 2.2 "Scopes for requesting identity data"). Issuer and keys
 * come from the server's configuration, never from the token.
 */
export class IdTokenVerifier {
  constructor(
    private readonly http: HttpClient,
    private readonly jwks: JwksCache,
    private readonly allowHttp: boolean,
  ) {}

  async verify(
    idToken: string,
    registration: Registration,
    server: SmartConfiguration,
    checks: IdTokenChecks,
  ): Promise<IdTokenClaims | SmartError> {
    try {
      return await this.#verify(idToken, registration, server, checks);
    } catch (error) {
      if (error instanceof HttpFailure) {
        return new SmartError(
          error.kind === 'timeout' ? 'ehr_timeout' : 'ehr_unavailable',
          `The keys that verify the id_token could not be read: ${error.message}`,
          { cause: error },
        );
      }
      return new SmartError('invalid_id_token', `The id_token is refused: ${reasonOf(error)}`, {
        cause: error,
      });
    }
  }

  async #verify(
    idToken: string,
    registration: Registration,
    server: SmartConfiguration,
    checks: IdTokenChecks,
  ): Promise<IdTokenClaims> {
    if (!server.issuer) {
      throw new Error('the SMART configuration names no issuer; set endpoints.issuer on the known server');
    }
    const { clientId, switches } = registration;
    const advertised = server.id_token_signing_alg_values_supported;
    const options: JWTVerifyOptions = {
      algorithms: advertised ? ALGORITHMS.filter((alg) => advertised.includes(alg)) : ALGORITHMS,
      issuer: [server.issuer, ...(switches.issuerAliases ?? [])],
      audience: clientId,
      clockTolerance: checks.clockToleranceSeconds,
      maxTokenAge: checks.maxAgeSeconds,
      requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat'],
    };
    const jwksUri = server.jwks_uri ?? (await this.#discoverJwksUri(server.issuer, registration.isKnown));
    const { alg } = await this.#verifySignature(idToken, jwksUri, options, registration.isKnown);
    // Read again as every other document of a server: claims that nest too deep could not be stored.
    const claims = parseJsonObject(Buffer.from(idToken.split('.')[1]!, 'base64url'));
    if (!claims) throw new Error('its claims nest too deep');
    checkClaims(claims, clientId, checks);
    checkAccessTokenHash(claims, alg, checks.accessToken);
    return claims as IdTokenClaims;
  }

  async #verifySignature(
    idToken: string,
    jwksUri: string,
    options: JWTVerifyOptions,
    trusted: boolean,
  ): Promise<{ payload: JWTPayload; alg: string }> {
    const keys = await this.jwks.get(jwksUri, trusted);
    try {
      return await verifyWithKeys(idToken, keys, options);
    } catch (error) {
      if (!isUnknownKey(error)) throw error;
      const newer = await this.jwks.getAgain(jwksUri, keys, trusted);
      if (!newer) throw error;
      return verifyWithKeys(idToken, newer, options);
    }
  }

  /** SMART lists `jwks_uri` only since 2.0 and as optional; the OpenID provider's own document has it. */
  async #discoverJwksUri(issuer: string, trusted: boolean): Promise<string> {
    const answer = await this.http.send({
      method: 'GET',
      url: new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`),
      headers: { accept: 'application/json' },
      trusted,
    });
    const document = answer.status === 200 ? parseJsonObject(answer.body) : undefined;
    if (!document) throw new Error(`no jwks_uri is configured and the OpenID configuration is not readable`);
    if (document.issuer !== issuer) throw new Error('the OpenID configuration names another issuer');
    return endpointUrl('jwks_uri', document.jwks_uri, issuer, this.allowHttp);
  }
}

/** Tries every key that fits where the token names none (`kid` absent, several keys). */
async function verifyWithKeys(
  idToken: string,
  keys: JSONWebKeySet,
  options: JWTVerifyOptions,
): Promise<{ payload: JWTPayload; alg: string }> {
  const resolve = createLocalJWKSet(keys);
  try {
    const { payload, protectedHeader } = await jwtVerify(idToken, resolve, options);
    return { payload, alg: protectedHeader.alg };
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_JWKS_MULTIPLE_MATCHING_KEYS') throw error;
    for await (const key of error as AsyncIterable<CryptoKey>) {
      try {
        const { payload, protectedHeader } = await jwtVerify(idToken, key, options);
        return { payload, alg: protectedHeader.alg };
      } catch (attempt) {
        if (!(attempt instanceof errors.JWSSignatureVerificationFailed)) throw attempt;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** A key that was rotated in shows as a kid we do not have, or, without kids, as a signature that fails. */
function isUnknownKey(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed;
}

function checkClaims(claims: JWTPayload, clientId: string, checks: IdTokenChecks): void {
  const { sub, aud, azp, nonce } = claims;
  if (typeof sub !== 'string' || sub === '' || sub.length > 255)
    throw new Error('sub is missing or too long');
  if (Array.isArray(aud) && aud.length > 1 && azp === undefined) throw new Error('azp is missing');
  if (azp !== undefined && azp !== clientId) throw new Error('azp is another client');
  if (checks.nonce === undefined) return;
  if (typeof nonce !== 'string' || !sameText(nonce, checks.nonce)) throw new Error('nonce does not match');
}

/** `at_hash` is optional in the code flow; when it is there it must match (OIDC Core 3.1.3.8). */
function checkAccessTokenHash(claims: JWTPayload, alg: string, accessToken: string): void {
  if (claims.at_hash === undefined) return;
  const digest = createHash(`sha${alg.slice(2)}`)
    .update(accessToken, 'ascii')
    .digest();
  const expected = digest.subarray(0, digest.length / 2).toString('base64url');
  if (typeof claims.at_hash !== 'string' || !sameText(claims.at_hash, expected)) {
    throw new Error('at_hash does not match the access token');
  }
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** jose's messages name the claim or the fault; only what it does not support it quotes from the header */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JOSENotSupported)
    return 'it uses an extension or algorithm that is not supported';
  // jose quotes the names of header parameters
  return error instanceof Error
    ? error.message.replace(/[^\x20-\x7e]/g, '?').slice(0, 200)
    : 'it cannot be read';
}
