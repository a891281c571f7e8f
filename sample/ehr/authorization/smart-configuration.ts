import {
  CLIENT_AUTHENTICATION_METHODS,
  CLIENT_SIGNING_ALGORITHMS,
  DPOP_ALGORITHMS,
} from './provider-configuration.js';
import type { AuthorizationServerOptions } from './provider-configuration.js';
import { SCOPES_SUPPORTED } from './smart-scopes.js';

const CAPABILITIES = [
  'launch-ehr',
  'launch-standalone',
  'client-public',
  'client-confidential-symmetric',
  'client-confidential-asymmetric',
  'sso-openid-connect',
  'context-ehr-patient',
  'context-ehr-encounter',
  'context-standalone-patient',
  'context-banner',
  'context-style',
  'permission-offline',
  'permission-online',
  'permission-patient',
  'permission-user',
  'permission-v1',
  'permission-v2',
];

/** The body of `/.well-known/smart-configuration` (SMART 2.2, conformance). */
export function smartConfiguration(
  issuer: string,
  { pushedRequests, dpop }: Pick<AuthorizationServerOptions, 'pushedRequests' | 'dpop'> = {},
): Record<string, unknown> {
  return {
    issuer,
    jwks_uri: `${issuer}/jwks`,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
    introspection_endpoint: `${issuer}/token/introspection`,
    revocation_endpoint: `${issuer}/token/revocation`,
    end_session_endpoint: `${issuer}/session/end`,
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
    token_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION_METHODS,
    token_endpoint_auth_signing_alg_values_supported: CLIENT_SIGNING_ALGORITHMS,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    scopes_supported: SCOPES_SUPPORTED,
    ...(pushedRequests && {
      pushed_authorization_request_endpoint: `${issuer}/request`,
      require_pushed_authorization_requests: pushedRequests === 'required',
    }),
    ...(dpop && { dpop_signing_alg_values_supported: DPOP_ALGORITHMS }),
    capabilities: CAPABILITIES,
  };
}
