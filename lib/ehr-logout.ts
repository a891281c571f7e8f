import type { LaunchRecord } from './session/launch-record.js';
import { SmartError } from './smart-error.js';
import type { SmartRuntime } from './smart-runtime.js';
import type { AuthorizationForm } from './token/authorization-request.js';

/**
 * Where a browser ends the EHR's own session, once the one here is over (OpenID Connect RP-Initiated Logout 1.0 2);
 * null where the EHR is not to be asked (`endSession`). The id_token travels in a form only: a URL ends up in logs.
 */
export async function ehrLogout(
  runtime: Pick<SmartRuntime, 'registrations' | 'warnOnce'>,
  ended: LaunchRecord[],
): Promise<{ redirect_url: string; form?: AuthorizationForm } | null> {
  const [latest] = [...ended].sort((one, other) => other.startedAt - one.startedAt);
  // A browser goes to one EHR; to end one of several sessions would look like the end of all.
  if (!latest || new Set(ended.map(sessionAtEhr)).size > 1) return null;
  const registration = await runtime.registrations.ofLaunch(latest);
  if (registration instanceof SmartError || !registration.switches.endSession) return null;
  const { end_session_endpoint: endpoint } = latest.server;
  if (!endpoint) {
    runtime.warnOnce(
      registration.name,
      'endSession is set, and no end_session_endpoint is known: set endpoints.endSession',
    );
    return null;
  }
  const { postLogoutRedirectUrl } = registration;
  const fields = {
    client_id: latest.clientId,
    ...(postLogoutRedirectUrl !== undefined && { post_logout_redirect_uri: postLogoutRedirectUrl }),
  };
  const url = new URL(endpoint);
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
  const { idToken } = latest;
  return {
    redirect_url: url.href,
    ...(idToken && { form: { action: endpoint, fields: { id_token_hint: idToken, ...fields } } }),
  };
}

function sessionAtEhr({ iss, clientId, server }: LaunchRecord): string {
  return `${server.end_session_endpoint ?? iss} ${clientId}`;
}
