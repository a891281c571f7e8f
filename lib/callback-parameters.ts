import { SmartError } from './smart-error.js';

/** The callback's parameters, however the framework hands them over. */
export type CallbackParameters = URLSearchParams | Record<string, unknown>;

/** An authorization response (RFC 6749 4.1.2) whose parameters each came once. */
export interface AuthorizationResponse {
  state: string;
  code?: string;
  error?: string;
  errorUri?: string;
  iss?: string;
}

/** Tokens never arrive on a callback of the code flow; one that does was put there by somebody. */
const FOREIGN = ['access_token', 'id_token', 'token'];

/** `invalid_state` when there is not exactly one state, `invalid_callback` for other malformed parameters. */
export function readCallback(parameters: CallbackParameters): AuthorizationResponse | SmartError {
  const values = (name: string): unknown[] => {
    if (parameters instanceof URLSearchParams) return parameters.getAll(name);
    const value = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    return value === undefined || value === null ? [] : [value];
  };
  const single = (name: string): string | undefined | null => {
    const [value, ...more] = values(name);
    if (value === undefined) return undefined;
    return more.length === 0 && typeof value === 'string' && value !== '' ? value : null;
  };
  const state = single('state');
  if (!state) {
    return new SmartError(
      'invalid_state',
      'The callback has no usable state; launch the app again from the EHR',
    );
  }
  const [code, error, errorUri, iss] = ['code', 'error', 'error_uri', 'iss'].map(single);
  if (FOREIGN.some((name) => values(name).length > 0) || code === null || error === null || iss === null) {
    return new SmartError('invalid_callback', 'The callback repeats a parameter or carries one it must not');
  }
  return {
    state,
    ...(code !== undefined && { code }),
    ...(error !== undefined && { error }),
    ...(errorUri && /^https:\/\/[\x21-\x7e]{1,500}$/.test(errorUri) && { errorUri }),
    ...(iss !== undefined && { iss }),
  };
}

/**
 * Whether a response arrived at the redirect URL its launch sent, which keeps mixed-up servers apart where each
 * has a redirect URL of its own (RFC 9700 4.4.2.2). By the last part of the path: proxies may change the rest.
 *
 * @param callbackUrls every redirect URL of the app
 */
export function arrivedAtItsUrl(path: string, callbackUrl: string, callbackUrls: readonly string[]): boolean {
  const own = lastPart(new URL(callbackUrl).pathname);
  const hasOneForAll = callbackUrls.every((url) => lastPart(new URL(url).pathname) === own);
  return hasOneForAll || lastPart(path) === own;
}

function lastPart(path: string): string {
  const trimmed = path.replace(/\/$/, '');
  return trimmed.slice(trimmed.lastIndexOf('/') + 1);
}

/** The code, when the response is this server's and no error (RFC 9207, RFC 6749 4.1.2.1). */
export function authorizationCode(
  response: AuthorizationResponse,
  server: { issuer?: string; authorization_response_iss_parameter_supported?: boolean },
): string | SmartError {
  const isForeign =
    response.iss !== undefined && server.issuer !== undefined && response.iss !== server.issuer;
  const isMissing =
    response.iss === undefined && server.authorization_response_iss_parameter_supported === true;
  if (isForeign || isMissing) {
    return new SmartError(
      'issuer_mismatch',
      'The callback does not come from the authorization server of this launch',
    );
  }
  if (response.error !== undefined) {
    // no digits: a code is made of words, and a secret that was put there is not
    const oauthError = /^[a-z][a-z_.:#/-]{0,99}$/i.test(response.error) ? response.error : 'invalid_error';
    const details = { oauthError, errorUri: response.errorUri };
    return oauthError === 'access_denied'
      ? new SmartError('access_denied', 'The user or the EHR refused the access', details)
      : new SmartError('authorization_failed', 'The EHR could not authorize the launch', details);
  }
  return response.code ?? new SmartError('invalid_callback', 'The callback has neither a code nor an error');
}
