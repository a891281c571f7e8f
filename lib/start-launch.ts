import type { Registration } from './ehr/registrations.js';
import { expectedContext } from './expected-context.js';
import type { AuthorizeOverrides } from './launch-parameters.js';
import { requestFindings, warningsOf } from './launch-findings.js';
import { returnUrl } from './return-path.js';
import { pinnedServer } from './session/launch-record.js';
import { SmartError } from './smart-error.js';
import type { SmartRuntime } from './smart-runtime.js';
import { traced } from './telemetry.js';
import { createAuthorizationRequest } from './token/authorization-request.js';
import type { AuthorizationForm } from './token/authorization-request.js';
import { pushedIfWanted } from './token/pushed-authorization-request.js';

/** Where to send the browser next. */
export interface Redirect {
  redirect_url: string;
  /** set where the URL is too long to be safe and the server takes a POST, or at a logout: submit this form instead */
  form?: AuthorizationForm;
}

/** From a registration to the authorization request, with the launch in progress stored for its callback. */
export async function startLaunch(
  runtime: SmartRuntime,
  registration: Registration,
  parameters: AuthorizeOverrides & { launch?: string },
  browserId: string | null,
): Promise<Redirect | SmartError> {
  return traced('smart.launch', registration, () => start(runtime, registration, parameters, browserId));
}

async function start(
  runtime: SmartRuntime,
  registration: Registration,
  parameters: AuthorizeOverrides & { launch?: string },
  browserId: string | null,
): Promise<Redirect | SmartError> {
  if (registration.authentication.type === 'open') {
    return new SmartError(
      'invalid_launch_request',
      `${registration.name} is an open server, which nobody logs in to: use authorize({ fhirServiceUrl })`,
    );
  }
  const expected = expectedContext(parameters);
  if (expected instanceof SmartError) return expected;
  const server = await runtime.discovery.discover(registration);
  if (server instanceof SmartError) return server;
  const { launch, scope, context, extraParameters } = parameters;
  const given = { launch, scope, context, extraParameters };
  const built = await createAuthorizationRequest(registration, server, given, runtime.options.pkceMode);
  if (built instanceof SmartError) return built;
  if (browserId === null) return new SmartError('no_session', 'A launch needs a session id');
  const request = await pushedIfWanted(runtime.http, registration, server, built);
  if (request instanceof SmartError) return request;
  const { codeVerifier, nonce, dpopKey } = request;
  const findings = requestFindings(server, request, launch !== undefined);
  for (const warning of warningsOf(findings)) runtime.warnOnce(registration.name, warning);
  await runtime.pending.save(request.state, browserId, {
    iss: registration.iss,
    clientId: registration.clientId,
    server: pinnedServer(server, registration.iss),
    callbackUrl: registration.callbackUrl,
    scope: request.scope,
    ...(codeVerifier && { codeVerifier }),
    ...(nonce && { nonce }),
    ...(dpopKey && { dpopKey }),
    ...(expected && { expected }),
    ...(parameters.appData !== undefined && { appData: parameters.appData }),
    findings,
    returnUrl: returnUrl(parameters.returnTo ?? '', registration.redirectUrl),
    startedAt: Date.now(),
  });
  return { redirect_url: request.url, ...(request.form && { form: request.form }) };
}
