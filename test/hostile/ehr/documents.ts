import type { Json } from './exchange.js';
import type { Tenant } from './tenant.js';

export function smartConfiguration(ehr: Tenant): Json {
  const { url, issuer, settings } = ehr;
  return {
    issuer,
    // Inferno’s mock has the keys in its OpenID configuration only
    ...(settings.ownIssuer !== false && { jwks_uri: `${url}/jwks` }),
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    revocation_endpoint: `${url}/revoke`,
    introspection_endpoint: `${url}/introspect`,
    grant_types_supported: ['authorization_code'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
    scopes_supported: ['openid', 'launch', 'patient/*.read'],
    capabilities: ['launch-ehr', 'launch-standalone', 'client-confidential-symmetric', 'sso-openid-connect'],
  };
}

export function openIdConfiguration(ehr: Tenant): Json {
  const { url, issuer } = ehr;
  return {
    issuer,
    jwks_uri: `${url}/jwks`,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  };
}
