import { SmartError } from './smart-error.js';

/** RFC 6749 4.1.2.1 and OIDC Core 3.1.2.6; another word is the EHR's own, or somebody's else, and not repeated */
const ERRORS = [
  'invalid_request',
  'unauthorized_client',
  'access_denied',
  'unsupported_response_type',
  'invalid_scope',
  'server_error',
  'temporarily_unavailable',
  'interaction_required',
  'login_required',
  'account_selection_required',
  'consent_required',
];

/** Oracle Health's `urn:cerner:error:…:grant:launch:mismatched-identity`, which its pages spell in two ways */
const OTHER_USER = /mismatch\w{2,4}-identity\b/;

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
 * The code, when the response is this server's and no error (RFC 9207, RFC 6749 4.1.2.1).
 *
 * @param where the launch's redirect URL and the path of the request: EHRs with redirect URLs of their own are
 *   kept apart by them (RFC 9700 4.4)
 */
export function authorizationCode(
  response: AuthorizationResponse,
  server: { issuer?: string; authorization_response_iss_parameter_supported?: boolean },
  where: { callbackUrl?: string; arrivedAt?: string } = {},
): string | SmartError {
  const { callbackUrl, arrivedAt } = where;
  // A server that says who it is must be one whose issuer we know.
  const isForeign = response.iss !== undefined && response.iss !== server.issuer;
  const isMissing =
    response.iss === undefined && server.authorization_response_iss_parameter_supported === true;
  const isElsewhere =
    callbackUrl !== undefined &&
    arrivedAt !== undefined &&
    lastSegment(arrivedAt) !== lastSegment(new URL(callbackUrl).pathname);
  if (isForeign || isMissing || isElsewhere) {
    return new SmartError(
      'issuer_mismatch',
      'The callback does not come from the authorization server of this launch',
    );
  }
  if (response.error !== undefined) {
    // no digits: a code is made of words, and a secret that was put there is not
    const oauthError = /^[a-z][a-z_.:#/-]{0,99}$/i.test(response.error) ? response.error : 'invalid_error';
    const reason = ERRORS.includes(oauthError) ? `: ${oauthError}` : '';
    const details = { oauthError, errorUri: response.errorUri };
    const hint = OTHER_USER.test(response.errorUri ?? '')
      ? '; another user is signed in to the EHR on this device: sign out there, and launch again'
      : '';
    return oauthError === 'access_denied'
      ? new SmartError('access_denied', `The user or the EHR refused the access${hint}`, details)
      : new SmartError(
          'authorization_failed',
          `The EHR could not authorize the launch${reason}${hint}`,
          details,
        );
  }
  return response.code ?? new SmartError('invalid_callback', 'The callback has neither a code nor an error');
}

/** Before a path stands what a proxy or a global prefix puts there. */
function lastSegment(path: string): string | undefined {
  return path.split('/').filter(Boolean).at(-1);
}
