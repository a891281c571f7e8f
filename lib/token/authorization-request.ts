import { calculateJwkThumbprint } from 'jose';
import type { JWK } from 'jose';
import * as oidc from 'openid-client';
import { SmartError } from '../smart-error.js';
import type { Registration } from '../ehr/registrations.js';
import type { PkceMode } from '../ehr/known-fhir-server.js';
import { serverScopes } from '../ehr/scope-names.js';
import { supports } from '../ehr/smart-configuration.js';
import type { SmartConfiguration } from '../ehr/smart-configuration.js';
import { newDpopKey } from './dpop.js';
import { requestedScope } from './requested-scope.js';

/** An authorization request sent as a form: the fields go to `action` by POST (capability `authorize-post`). */
export interface AuthorizationForm {
  action: string;
  fields: Record<string, string>;
}

/** An authorization request ready to be sent, with what the callback needs to finish it. */
export interface AuthorizationRequest {
  url: string;
  /** set where the URL is too long to be safe and the server takes a POST */
  form?: AuthorizationForm;
  /** where it goes, and what it says besides `client_id` and `response_type` */
  endpoint: string;
  parameters: Record<string, string>;
  state: string;
  codeVerifier?: string;
  nonce?: string;
  /** the private key that the launch's tokens will be bound to, where the server has the switch `dpop` */
  dpopKey?: JWK;
  scope: string;
}

/** What differs between launches; everything else is the registration's. */
export interface AuthorizationParameters {
  /** the handle of an EHR launch, opaque (SMART 2.2 "Launch App: EHR Launch"); absent for a standalone launch */
  launch?: string | undefined;
  /** replaces the registration's scopes */
  scope?: string | undefined;
  /** standalone: context to ask for, `['patient']` is the scope `launch/patient` */
  context?: readonly string[] | undefined;
  /** further parameters for this EHR, e.g. `{ prompt: 'login' }`; none of the protocol's own */
  extraParameters?: Readonly<Record<string, string>> | undefined;
}

/** some servers and proxies cut URLs at 2,048 characters */
const MAX_URL_LENGTH = 2_000;
const RESERVED =
  /^(response_type|response_mode|client_id|client_secret|redirect_uri|scope|state|aud|launch|nonce|code_challenge|code_challenge_method|code_verifier|request|request_uri|dpop_jkt)$/;

/**
 * Builds the authorization request of SMART 2.2 "Obtain authorization code": PKCE S256, 256-bit state,
 * verifier and nonce, `aud` the FHIR base exactly as the launch named it.
 *
 * @param pkceMode of servers that set none
 */
export async function createAuthorizationRequest(
  registration: Registration,
  server: SmartConfiguration,
  given: AuthorizationParameters,
  pkceMode?: PkceMode,
): Promise<AuthorizationRequest | SmartError> {
  if (!server.authorization_endpoint) {
    return new SmartError('discovery_failed', 'The SMART configuration has no authorization_endpoint');
  }
  const usesPkce = pkceDecision(registration.switches.pkceMode ?? pkceMode, server);
  if (usesPkce instanceof SmartError) return usesPkce;
  const { extraParameters = {}, launch } = given;
  const reserved = Object.keys(extraParameters).find((name) => RESERVED.test(name));
  if (reserved !== undefined) {
    return new SmartError('invalid_launch_request', `extraParameters must not set ${reserved}`);
  }
  const scope = requestedScope(given.scope ?? registration.scope, given);
  if (scope === '') {
    return new SmartError('invalid_launch_request', 'The launch asks for no scope; name at least one');
  }
  const state = oidc.randomState();
  const codeVerifier = usesPkce ? oidc.randomPKCECodeVerifier() : undefined;
  const wantsNonce = scope.split(' ').includes('openid') && registration.switches.sendNonce !== false;
  const nonce = wantsNonce ? oidc.randomNonce() : undefined;
  const dpopKey = registration.switches.dpop ? await newDpopKey(server) : undefined;
  if (dpopKey instanceof SmartError) return dpopKey;
  const parameters: Record<string, string> = {
    ...extraParameters,
    redirect_uri: registration.callbackUrl,
    scope: serverScopes(scope, registration.switches),
    state,
    aud: registration.switches.aud ?? registration.iss,
    ...(registration.switches.resource && { resource: registration.iss }),
    ...(codeVerifier && {
      code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
    }),
    ...(nonce && { nonce }),
    ...(launch !== undefined && { launch }),
    ...(dpopKey && { dpop_jkt: await calculateJwkThumbprint(dpopKey) }),
  };
  const endpoint = withoutOurs(server.authorization_endpoint, parameters);
  const url = authorizationUrl(registration, server.issuer, endpoint, parameters);
  const needsForm = url.href.length > MAX_URL_LENGTH && supports(server, 'authorize-post');
  return {
    url: url.href,
    ...(needsForm && { form: { action: endpoint, fields: ownFields(url, endpoint) } }),
    endpoint,
    parameters,
    state,
    ...(codeVerifier && { codeVerifier }),
    ...(nonce && { nonce }),
    ...(dpopKey && { dpopKey }),
    scope,
  };
}

function authorizationUrl(
  registration: Registration,
  issuer: string | undefined,
  endpoint: string,
  parameters: Record<string, string>,
): URL {
  const configuration = new oidc.Configuration(
    { issuer: issuer ?? registration.iss, authorization_endpoint: endpoint },
    registration.clientId,
  );
  oidc.allowInsecureRequests(configuration);
  const url = oidc.buildAuthorizationUrl(configuration, parameters);
  // A form's "+" is legal in a query, but not every EHR reads it as a space.
  url.search = url.search.replaceAll('+', '%20');
  return url;
}

/** A parameter is sent once (RFC 6749 3.1): the endpoint keeps its own query, but for what is ours to say. */
function withoutOurs(endpoint: string, parameters: object): string {
  const url = new URL(endpoint);
  const names = [...url.searchParams.keys()];
  const ours = names.filter((name) => RESERVED.test(name) || Object.hasOwn(parameters, name));
  for (const name of ours) url.searchParams.delete(name);
  return ours.length ? url.href : endpoint;
}

/** The endpoint keeps its own query in the form's action (RFC 6749 3.1). */
function ownFields(url: URL, endpoint: string): Record<string, string> {
  const own = new URL(endpoint).searchParams;
  return Object.fromEntries([...url.searchParams].filter(([name]) => !own.has(name)));
}

/** SMART 2.2 requires S256; a server that offers only `plain` would downgrade it (RFC 9700 2.1.1). */
function pkceDecision(mode: PkceMode | undefined, server: SmartConfiguration): boolean | SmartError {
  const methods = server.code_challenge_methods_supported;
  const isAdvertised = methods?.includes('S256') === true;
  switch (mode) {
    case 'disabled':
      return false;
    case 'unsafeV1':
      return true;
    case 'ifSupported':
      return isAdvertised;
    case 'required':
      return isAdvertised || noS256('pkceMode is required and the SMART configuration does not offer S256');
    case undefined:
      return !methods || isAdvertised || noS256('The SMART configuration offers PKCE without S256');
  }
}

function noS256(problem: string): SmartError {
  return new SmartError('discovery_failed', `${problem}; SMART 2.2 requires it`);
}
