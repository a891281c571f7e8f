import * as oidc from 'openid-client';
import type { HttpClient } from '../http/http-client.js';
import type { Registration } from '../ehr/registrations.js';
import { openidConfiguration } from './token-endpoint.js';
import type { AuthorizationServer } from './token-endpoint.js';

/**
 * Revokes a token (RFC 7009). Answers whether the server took it; never throws, since the local session is
 * gone by then and the user is logged out whatever the server says.
 */
export async function revokeToken(
  http: HttpClient,
  registration: Registration,
  server: AuthorizationServer,
  token: string,
  hint: 'refresh_token' | 'access_token',
): Promise<boolean> {
  if (!server.revocation_endpoint) return false;
  let status = 0;
  const configuration = openidConfiguration(http, registration, server, async (answer) => {
    status = answer.status;
    return new Response(null, { status: 200 });
  });
  try {
    await oidc.tokenRevocation(configuration, token, { token_type_hint: hint });
    return status === 200;
  } catch {
    return false;
  }
}
