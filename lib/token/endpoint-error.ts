import { NoCommonAlgorithm } from '../ehr/client-authentication.js';
import { SigningFailure } from '../ehr/client-keys.js';
import { HttpFailure } from '../http/http-failure.js';
import type { JsonObject } from '../http/json.js';
import { SmartError } from '../smart-error.js';
import type { SmartErrorCode } from '../smart-error.js';

/** The authorization server refused with an OAuth error (RFC 6749 5.2) or an answer that is none. */
export interface EndpointRefusal {
  status: number;
  oauthError?: string;
  errorUri?: string;
}

/** The error is a word; text with digits could be the token or code that was sent. */
export function readRefusal(status: number, json: JsonObject | undefined): EndpointRefusal {
  const { error, error_uri: errorUri } = json ?? {};
  return {
    status,
    ...(typeof error === 'string' && /^[a-z][a-z_.:#/-]{0,99}$/i.test(error) && { oauthError: error }),
    ...(typeof errorUri === 'string' && /^https:\/\/[\x21-\x7e]{1,500}$/.test(errorUri) && { errorUri }),
  };
}

/** A refusal as openid-client reads it, with nothing in it but the error. */
export function refusalAnswer({ status, oauthError }: EndpointRefusal): Response {
  return Response.json(
    { error: oauthError ?? 'server_error' },
    { status: status >= 400 && status < 500 ? status : 400 },
  );
}

/**
 * Why a call to the authorization server's back channel failed, from what openid-client threw; undefined where
 * the answer itself was unusable.
 */
export function asEndpointError(
  error: unknown,
  refusal: EndpointRefusal | undefined,
  endpoint: { name: string; refused: SmartErrorCode },
): SmartError | undefined {
  if (refusal) {
    const reason = refusal.oauthError ?? `status ${refusal.status}`;
    return new SmartError(endpoint.refused, `The ${endpoint.name} refused: ${reason}${hint(refusal)}`, {
      oauthError: refusal.oauthError,
      errorUri: refusal.errorUri,
      cause: { name: 'HttpError', code: `HTTP_${refusal.status}` },
    });
  }
  const failure = causeOf(error, HttpFailure);
  if (failure) {
    return new SmartError(
      failure.kind === 'timeout' ? 'ehr_timeout' : 'ehr_unavailable',
      `The ${endpoint.name} did not answer: ${failure.message}`,
      { cause: failure },
    );
  }
  const noAlgorithm = causeOf(error, NoCommonAlgorithm);
  if (noAlgorithm) return new SmartError(endpoint.refused, noAlgorithm.message);
  const signing = causeOf(error, SigningFailure);
  if (!signing && !isSigningFault(error)) return undefined;
  const reason = signing ? `: ${signing.message}` : '';
  return new SmartError(
    endpoint.refused,
    `The client assertion could not be signed with the configured key${reason}`,
    { cause: innermost(error) },
  );
}

/** Name and code of what failed first, e.g. in the KMS; its text may hold anything. */
function innermost(error: unknown): { name?: unknown; code?: unknown } {
  let found = {};
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 10; depth++) {
    const { name, code, cause } = at as { name?: unknown; code?: unknown; cause?: unknown };
    if (code !== undefined || (name !== undefined && name !== 'Error')) found = { name, code };
    at = cause;
  }
  return found;
}

/** openid-client wraps what its fetch and its client authentication throw */
function causeOf<T extends Error>(error: unknown, type: abstract new (...args: never[]) => T): T | undefined {
  for (let at = error, depth = 0; at && depth < 4; at = (at as Error).cause, depth++) {
    if (at instanceof type) return at;
  }
  return undefined;
}

function isSigningFault(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } };
  return ![code, cause?.code].some((value) => typeof value === 'string' && value.startsWith('OAUTH_'));
}

function hint({ oauthError }: EndpointRefusal): string {
  if (oauthError !== 'invalid_client') return '';
  return ' (check the client id, secret or key; new registrations can take a day to reach every server; a client assertion also fails when this clock is off)';
}
