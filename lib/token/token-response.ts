import type { JsonObject } from '../http/json.js';
import type { LaunchContext } from '../ehr/launch-context.js';
import { readLaunchContext } from '../ehr/launch-context.js';

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

/** Throws an Error naming the member that cannot be used; its message holds no value. */
export function readTokenResponse(
  response: JsonObject,
  requestedScope: string,
  receivedAt: number,
  options: { references?: boolean } = {},
): TokenResponse {
  const { access_token: accessToken, refresh_token: refreshToken, id_token: idToken, scope } = response;
  if (typeof accessToken !== 'string' || !/^[\x21-\x7e]+$/.test(accessToken)) {
    throw new Error('access_token is missing or not a token');
  }
  if (scope !== undefined && scope !== null && typeof scope !== 'string')
    throw new Error('scope is not a string');
  return {
    accessToken,
    expiresAt: receivedAt + lifetimeSeconds(response.expires_in) * 1000,
    ...(typeof refreshToken === 'string' && refreshToken !== '' && { refreshToken }),
    ...(typeof idToken === 'string' && idToken !== '' && { idToken }),
    scope: scope ?? requestedScope,
    scopeAssumed: scope === undefined || scope === null,
    context: readLaunchContext(response, options),
  };
}

/** Number or numeric string of seconds; anything else is the default (A7-5). */
export function lifetimeSeconds(value: unknown): number {
  const seconds = typeof value === 'string' && /^\d+$/.test(value.trim()) ? Number(value) : value;
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0
    ? Math.min(seconds, 366 * 24 * 3600)
    : DEFAULT_LIFETIME_SECONDS;
}
