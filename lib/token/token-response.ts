import type { JsonObject } from '../http/json.js';
import type { LaunchContext } from '../ehr/launch-context.js';
import { readLaunchContext } from '../ehr/launch-context.js';
import type { KnownFhirServerSwitches } from '../ehr/known-fhir-server.js';
import { smartScopes } from '../ehr/scope-names.js';

/** A token response, checked (SMART 2.2 "App exchanges authorization code for access token", RFC 6749 5.1). */
export interface TokenResponse {
  accessToken: string;
  /** epoch milliseconds; five minutes from now when the server does not say */
  expiresAt: number;
  refreshToken?: string;
  idToken?: string;
  /** granted scopes; the requested ones where the server left `scope` out */
  scope: string;
  scopeAssumed: boolean;
  context: LaunchContext;
}

const DEFAULT_LIFETIME_SECONDS = 300;
/** more than any server takes in a header */
const MAX_TOKEN_LENGTH = 64 * 1024;
const MAX_LIFETIME_SECONDS = 366 * 24 * 3600;

/** Throws an Error naming the member that cannot be used; its message holds no value. */
export function readTokenResponse(
  response: JsonObject,
  requestedScope: string,
  receivedAt: number,
  options: { references?: boolean } & Pick<KnownFhirServerSwitches, 'scopeNames'> = {},
): TokenResponse {
  const { access_token: accessToken, refresh_token: refreshToken, id_token: idToken, scope } = response;
  const isToken = typeof accessToken === 'string' && /^[\x21-\x7e]+$/.test(accessToken);
  if (!isToken || accessToken.length > MAX_TOKEN_LENGTH) {
    throw new Error('access_token is missing or not a token');
  }
  if (scope !== undefined && scope !== null && typeof scope !== 'string')
    throw new Error('scope is not a string');
  return {
    accessToken,
    expiresAt: receivedAt + lifetimeSeconds(response.expires_in) * 1000,
    ...(typeof refreshToken === 'string' && refreshToken !== '' && { refreshToken }),
    ...(typeof idToken === 'string' && idToken !== '' && { idToken }),
    scope: typeof scope === 'string' ? smartScopes(scope, options) : requestedScope,
    scopeAssumed: scope === undefined || scope === null,
    context: readLaunchContext(response, options),
  };
}

/** Number or numeric string of seconds; anything else is the default (A7-5). */
export function lifetimeSeconds(value: unknown): number {
  return Math.min(lifetimeInSeconds(value) ?? DEFAULT_LIFETIME_SECONDS, MAX_LIFETIME_SECONDS);
}

/** A lifetime as it was given; undefined where it is none. */
export function lifetimeInSeconds(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && /^\d+$/.test(value.trim()) ? Number(value) : value;
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
}
