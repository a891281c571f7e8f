import * as oidc from 'openid-client';
import { SmartError } from '../smart-error.js';
import type { HttpClient } from '../http/http-client.js';
import { HttpFailure } from '../http/http-failure.js';
import { parseJsonObject } from '../http/json.js';
import type { JsonObject } from '../http/json.js';
import { NoCommonAlgorithm, clientAuthentication } from '../ehr/client-authentication.js';
import type { Registration } from '../ehr/registrations.js';
import type { SmartConfiguration } from '../ehr/smart-configuration.js';
import { lifetimeSeconds } from './token-response.js';

/** a token response is kept with its session: a stranger's, as large as it may be, would fill the store */
const MAX_STRANGERS_BYTES = 128 * 1024;

/** What a back-channel call needs to know of the authorization server. */
export type AuthorizationServer = Pick<
  SmartConfiguration,
  'issuer' | 'token_endpoint' | 'revocation_endpoint' | 'token_endpoint_auth_signing_alg_values_supported'
>;

/** The authorization server refused with an OAuth error (RFC 6749 5.2) or an answer that is none. */
export interface TokenRefusal {
  status: number;
  oauthError?: string;
  errorUri?: string;
}

/**
 * One request to the token endpoint: never repeated, never redirected. Answers the members of the token
 * response as they came, or the error.
 *
 * @param received is given a token response before it is judged: a refresh token in it is the only copy
 */
export async function tokenRequest(
  http: HttpClient,
  registration: Registration,
  server: AuthorizationServer,
  grantType: 'authorization_code' | 'refresh_token' | 'client_credentials',
  parameters: Record<string, string>,
  received?: (answer: JsonObject) => void,
): Promise<JsonObject | SmartError> {
  let answered: JsonObject | undefined;
  let refusal: TokenRefusal | undefined;
  const configuration = openidConfiguration(http, registration, server, async (answer) => {
    if (!registration.isKnown && answer.body.length > MAX_STRANGERS_BYTES) {
      const { host } = new URL(server.token_endpoint);
      throw new HttpFailure('too_large', host, `the body is larger than ${MAX_STRANGERS_BYTES} bytes`);
    }
    const json = parseJsonObject(answer.body);
    if (answer.status === 200 && json && json.access_token !== undefined) {
      answered = json;
      received?.(json);
      return Response.json(standardised(json, registration.switches.assumeBearer === true));
    }
    refusal = readRefusal(answer.status, json);
    return Response.json(
      { error: refusal.oauthError ?? 'server_error' },
      { status: answer.status >= 400 && answer.status < 500 ? answer.status : 400 },
    );
  });
  try {
    const { token_type: type } = await oidc.genericGrantRequest(configuration, grantType, parameters);
    // openid-client takes DPoP too, which binds a token to a key (RFC 9449 5); ours are bound to none
    if (type !== 'bearer') return notBearer();
  } catch (error) {
    return asTokenError(error, refusal);
  }
  return answered!;
}

/** An openid-client configuration for one registration, whose calls go through our own HTTP client. */
export function openidConfiguration(
  http: HttpClient,
  registration: Registration,
  server: AuthorizationServer,
  respond: (answer: { status: number; body: Buffer }) => Promise<Response>,
): oidc.Configuration {
  const configuration = new oidc.Configuration(
    { ...server, issuer: server.issuer ?? registration.iss },
    registration.clientId,
    undefined,
    clientAuthentication(registration, server),
  );
  // Which schemes are allowed was decided when the endpoints were read.
  oidc.allowInsecureRequests(configuration);
  configuration[oidc.customFetch] = async (url, options) =>
    respond(
      await http.send({
        method: 'POST',
        url: new URL(url),
        headers: options.headers,
        body: String(options.body as URLSearchParams),
        trusted: registration.isKnown,
      }),
    );
  return configuration;
}

/**
 * Real EHRs' answers as openid-client will take them. The id_token is kept from it: it checks neither the
 * signature nor any claim the way `id-token.ts` does, and refuses what SMART servers legally send.
 */
function standardised(json: JsonObject, assumeBearer: boolean): JsonObject {
  return {
    access_token: json.access_token,
    token_type: json.token_type ?? (assumeBearer ? 'Bearer' : undefined),
    expires_in: lifetimeSeconds(json.expires_in),
  };
}

/** The error is a word; text with digits could be the token or code that was sent. */
function readRefusal(status: number, json: JsonObject | undefined): TokenRefusal {
  const { error, error_uri: errorUri } = json ?? {};
  return {
    status,
    ...(typeof error === 'string' && /^[a-z][a-z_.:#/-]{0,99}$/i.test(error) && { oauthError: error }),
    ...(typeof errorUri === 'string' && /^https:\/\/[\x21-\x7e]{1,500}$/.test(errorUri) && { errorUri }),
  };
}

function asTokenError(error: unknown, refusal: TokenRefusal | undefined): SmartError {
  if (refusal) {
    const reason = refusal.oauthError ?? `status ${refusal.status}`;
    return new SmartError('token_request_failed', `The token endpoint refused: ${reason}${hint(refusal)}`, {
      oauthError: refusal.oauthError,
      errorUri: refusal.errorUri,
      cause: { name: 'HttpError', code: `HTTP_${refusal.status}` },
    });
  }
  const failure = causeOf(error, HttpFailure);
  if (failure) {
    return new SmartError(
      failure.kind === 'timeout' ? 'ehr_timeout' : 'ehr_unavailable',
      `The token endpoint did not answer: ${failure.message}`,
      { cause: failure },
    );
  }
  const noAlgorithm = causeOf(error, NoCommonAlgorithm);
  if (noAlgorithm) return new SmartError('token_request_failed', noAlgorithm.message);
  if (isSigningFault(error)) {
    return new SmartError(
      'token_request_failed',
      'The client assertion could not be signed with the configured key',
      {
        cause: error,
      },
    );
  }
  return notBearer(error);
}

function notBearer(cause?: unknown): SmartError {
  return new SmartError(
    'invalid_token_response',
    'The token response is not one of RFC 6749 5.1: token_type must be Bearer',
    { cause },
  );
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

function hint({ oauthError }: TokenRefusal): string {
  if (oauthError !== 'invalid_client') return '';
  return ' (check the client id, secret or key; new registrations can take a day to reach every server; a client assertion also fails when this clock is off)';
}
