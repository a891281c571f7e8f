import * as oidc from 'openid-client';
import { SmartError } from '../smart-error.js';
import type { Registration } from '../ehr/registrations.js';
import type { SmartConfiguration } from '../ehr/smart-configuration.js';

/** An authorization request ready to be sent, with what the callback needs to finish it. */
export interface AuthorizationRequest {
  url: string;
  state: string;
  codeVerifier: string;
  nonce?: string;
  scope: string;
}

/** What differs between launches; everything else is the registration's. */
export interface AuthorizationParameters {
  /** the handle of an EHR launch, opaque (SMART 2.2 "Launch App: EHR Launch"); absent for a standalone launch */
  launch?: string;
  /** replaces the registration's scopes */
  scope?: string;
}

/**
 * Builds the authorization request of SMART 2.2 "Obtain authorization code": PKCE S256 always, 256-bit
 * state, verifier and nonce, `aud` the FHIR base exactly as the launch named it.
 */
export async function createAuthorizationRequest(
  registration: Registration,
  server: SmartConfiguration,
  parameters: AuthorizationParameters,
): Promise<AuthorizationRequest | SmartError> {
  const { authorization_endpoint: endpoint, code_challenge_methods_supported: methods } = server;
  if (!endpoint) {
    return new SmartError('discovery_failed', 'The SMART configuration has no authorization_endpoint');
  }
  if (methods && !methods.includes('S256')) {
    return new SmartError(
      'discovery_failed',
      'The SMART configuration offers PKCE without S256, which SMART 2.2 requires',
    );
  }
  const scope = scopeFor(parameters.scope ?? registration.scope, parameters.launch !== undefined);
  if (scope === '') {
    return new SmartError('invalid_launch_request', 'The launch asks for no scope; name at least one');
  }
  const state = oidc.randomState();
  const codeVerifier = oidc.randomPKCECodeVerifier();
  const wantsNonce = scope.split(' ').includes('openid') && registration.switches.sendNonce !== false;
  const nonce = wantsNonce ? oidc.randomNonce() : undefined;
  const configuration = new oidc.Configuration(
    { issuer: server.issuer ?? registration.iss, authorization_endpoint: endpoint },
    registration.clientId,
  );
  oidc.allowInsecureRequests(configuration);
  const url = oidc.buildAuthorizationUrl(configuration, {
    redirect_uri: registration.callbackUrl,
    scope,
    state,
    aud: registration.switches.aud ?? registration.iss,
    code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
    ...(nonce && { nonce }),
    ...(parameters.launch !== undefined && { launch: parameters.launch }),
  });
  // A form's "+" is legal in a query, but not every EHR reads it as a space.
  url.search = url.search.replaceAll('+', '%20');
  return { url: url.href, state, codeVerifier, scope, ...(nonce && { nonce }) };
}

/** `launch` belongs to an EHR launch and to nothing else (SMART 2.2 "Scopes and Launch Context"). */
function scopeFor(configured: string, isEhrLaunch: boolean): string {
  const scopes = new Set(configured.split(/\s+/).filter((scope) => scope !== ''));
  if (isEhrLaunch) scopes.add('launch');
  else scopes.delete('launch');
  return [...scopes].join(' ');
}
