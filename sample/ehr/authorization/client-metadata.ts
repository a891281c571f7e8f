import type { AdapterPayload } from 'oidc-provider';
import type { RegisteredApp } from '../registered-app.js';

/** A registered app in the terms of OAuth 2.0 Dynamic Client Registration (RFC 7591). */
export function clientMetadata(app: RegisteredApp): AdapterPayload {
  const isBackendService = app.authentication === 'private_key_jwt';
  return {
    client_id: app.clientId,
    client_name: app.name,
    redirect_uris: app.redirectUris,
    ...(app.postLogoutRedirectUris ? { post_logout_redirect_uris: app.postLogoutRedirectUris } : {}),
    response_types: ['code'],
    grant_types: [
      'authorization_code',
      'refresh_token',
      ...(isBackendService ? (['client_credentials'] as const) : []),
    ],
    token_endpoint_auth_method: app.authentication,
    ...(app.clientSecret !== undefined ? { client_secret: app.clientSecret } : {}),
    ...(app.jwks ? { jwks: app.jwks } : {}),
    ...(app.jwksUri ? { jwks_uri: app.jwksUri } : {}),
  };
}
