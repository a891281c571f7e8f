import type { JWK } from 'jose';
import * as oidc from 'openid-client';
import { SmartError } from '../smart-error.js';
import type { HttpClient } from '../http/http-client.js';
import { HttpFailure } from '../http/http-failure.js';
import { parseJsonObject } from '../http/json.js';
import type { JsonObject } from '../http/json.js';
import { clientAuthentication } from '../ehr/client-authentication.js';
import type { Registration } from '../ehr/registrations.js';
import type { SmartConfiguration } from '../ehr/smart-configuration.js';
import { dpopHandle, dpopNonce } from './dpop.js';
import { asEndpointError, readRefusal, refusalAnswer } from './endpoint-error.js';
import type { EndpointRefusal } from './endpoint-error.js';
import { lifetimeSeconds } from './token-response.js';

/** a token response is kept with its session: a stranger's, as large as it may be, would fill the store */
const MAX_STRANGERS_BYTES = 128 * 1024;

const TOKEN_ENDPOINT = { name: 'token endpoint', refused: 'token_request_failed' } as const;

/** What a back-channel call needs to know of the authorization server. */
export type AuthorizationServer = Pick<
  SmartConfiguration,
  | 'issuer'
  | 'token_endpoint'
  | 'revocation_endpoint'
  | 'token_endpoint_auth_methods_supported'
  | 'token_endpoint_auth_signing_alg_values_supported'
>;

export interface TokenRequestOptions {
  /** is given a token response before it is judged: a refresh token in it is the only copy */
  received?: (answer: JsonObject) => void;
  /** milliseconds, where it is not the client's own deadline */
  timeoutMs?: number;
  /** the key that the token must be bound to (RFC 9449); left out: it must be a Bearer token */
  dpopKey?: JWK;
}

/**
 * One request to the token endpoint: never redirected, and repeated only where the server wants its nonce in the
 * proof of the key, which it says before it looks at the grant (RFC 9449 8). Answers the members of the token
 * response as they came, or the error.
 */
export async function tokenRequest(
  http: HttpClient,
  registration: Registration,
  server: AuthorizationServer,
  grantType: 'authorization_code' | 'refresh_token' | 'client_credentials',
  parameters: Record<string, string>,
  { received, timeoutMs, dpopKey }: TokenRequestOptions = {},
): Promise<JsonObject | SmartError> {
  let answered: JsonObject | undefined;
  let refusal: EndpointRefusal | undefined;
  const read = async (answer: { status: number; body: Buffer }) => {
    if (!registration.isKnown && answer.body.length > MAX_STRANGERS_BYTES) {
      const { host } = new URL(server.token_endpoint);
      throw new HttpFailure('too_large', host, `the body is larger than ${MAX_STRANGERS_BYTES} bytes`);
    }
    const json = parseJsonObject(answer.body);
    if (answer.status === 200 && json && json.access_token !== undefined) {
      answered = json;
      refusal = undefined;
      received?.(json);
      return Response.json(standardised(json, registration.switches.assumeBearer === true));
    }
    refusal = readRefusal(answer.status, json);
    return refusalAnswer(refusal);
  };
  const configuration = openidConfiguration(http, registration, server, read, timeoutMs);
  const wanted = dpopKey ? 'DPoP' : 'Bearer';
  try {
    const proof = dpopKey && { DPoP: await dpopHandle(dpopKey) };
    const { token_type: type } = await oidc.genericGrantRequest(configuration, grantType, parameters, proof);
    // openid-client takes both. A Bearer token in place of a bound one would be a downgrade (RFC 9449 5).
    if (type !== wanted.toLowerCase()) return wrongType(wanted);
  } catch (error) {
    return asEndpointError(error, refusal, TOKEN_ENDPOINT) ?? wrongType(wanted, error);
  }
  return answered!;
}

/** An openid-client configuration for one registration, whose calls go through our own HTTP client. */
export function openidConfiguration(
  http: HttpClient,
  registration: Registration,
  server: AuthorizationServer,
  respond: (answer: { status: number; body: Buffer }) => Promise<Response>,
  timeoutMs?: number,
): oidc.Configuration {
  const configuration = new oidc.Configuration(
    { ...server, issuer: server.issuer ?? registration.iss },
    registration.clientId,
    undefined,
    clientAuthentication(registration, server),
  );
  // Which schemes are allowed was decided when the endpoints were read.
  oidc.allowInsecureRequests(configuration);
  configuration[oidc.customFetch] = async (url, options) => {
    const answer = await http.send({
      method: 'POST',
      url: new URL(url),
      headers: options.headers,
      body: String(options.body as URLSearchParams),
      trusted: registration.isKnown,
      ...(timeoutMs !== undefined && { limits: { timeoutMs } }),
    });
    const response = await respond(answer);
    const nonce = dpopNonce(answer);
    if (nonce !== undefined) response.headers.set('dpop-nonce', nonce);
    return response;
  };
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

function wrongType(wanted: 'Bearer' | 'DPoP', cause?: unknown): SmartError {
  return new SmartError(
    'invalid_token_response',
    `The token response is not one of RFC 6749 5.1: token_type must be ${wanted}`,
    { cause },
  );
}
