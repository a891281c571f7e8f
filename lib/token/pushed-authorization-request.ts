import * as oidc from 'openid-client';
import type { Registration } from '../ehr/registrations.js';
import type { SmartConfiguration } from '../ehr/smart-configuration.js';
import type { HttpClient } from '../http/http-client.js';
import { parseJsonObject } from '../http/json.js';
import { SmartError } from '../smart-error.js';
import type { AuthorizationRequest } from './authorization-request.js';
import { asEndpointError, readRefusal, refusalAnswer } from './endpoint-error.js';
import type { EndpointRefusal } from './endpoint-error.js';
import { openidConfiguration } from './token-endpoint.js';
import { lifetimeSeconds } from './token-response.js';

const ENDPOINT = { name: 'pushed authorization request endpoint', refused: 'authorization_failed' } as const;
/** an absolute URI that still fits into a URL of its own */
const REQUEST_URI = /^[a-z][a-z0-9+.-]*:[\x21-\x7e]{1,1000}$/i;

/**
 * The authorization request, pushed to the server where its known server or the server itself wants that (RFC
 * 9126): the browser then carries `client_id` and a reference that is good for once.
 */
export async function pushedIfWanted(
  http: HttpClient,
  registration: Registration,
  server: SmartConfiguration,
  request: AuthorizationRequest,
): Promise<AuthorizationRequest | SmartError> {
  const { pushedAuthorizationRequests: setting = 'ifRequired' } = registration.switches;
  const isWanted = setting === 'ifRequired' ? server.require_pushed_authorization_requests === true : setting;
  return isWanted ? pushed(http, registration, server, request) : request;
}

async function pushed(
  http: HttpClient,
  registration: Registration,
  server: SmartConfiguration,
  request: AuthorizationRequest,
): Promise<AuthorizationRequest | SmartError> {
  const { pushed_authorization_request_endpoint } = server;
  if (!pushed_authorization_request_endpoint) {
    return new SmartError(
      'discovery_failed',
      'Authorization requests are to be pushed, and the SMART configuration has no pushed_authorization_request_endpoint (endpoints.pushedAuthorization sets it)',
    );
  }
  // The endpoint keeps its own query (RFC 6749 3.1), which is no part of what is pushed.
  const [authorization_endpoint = '', ...query] = request.endpoint.split('?');
  const ownQuery = query.join('?');
  const endpoints = { ...server, authorization_endpoint, pushed_authorization_request_endpoint };
  let refusal: EndpointRefusal | undefined;
  const configuration = openidConfiguration(http, registration, endpoints, async ({ status, body }) => {
    const json = parseJsonObject(body);
    const { request_uri, expires_in } = json ?? {};
    if (status === 201 && typeof request_uri === 'string' && REQUEST_URI.test(request_uri)) {
      return Response.json({ request_uri, expires_in: lifetimeSeconds(expires_in) }, { status });
    }
    refusal = readRefusal(status, json);
    return refusalAnswer(refusal);
  });
  try {
    const url = await oidc.buildAuthorizationUrlWithPAR(configuration, request.parameters);
    if (ownQuery) url.search = `${ownQuery}&${url.search.slice(1)}`;
    return { ...request, url: url.href, form: undefined };
  } catch (error) {
    return (
      asEndpointError(error, refusal, ENDPOINT) ??
      new SmartError('authorization_failed', `The ${ENDPOINT.name} gave an unusable answer`, { cause: error })
    );
  }
}
