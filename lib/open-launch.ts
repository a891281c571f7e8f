import type { Registration } from './ehr/registrations.js';
import { appDataMistake } from './app-data.js';
import { expectedContext, unexpectedContext } from './expected-context.js';
import { readFhirUser } from './fhir-user.js';
import { lacksPatient } from './launch-patient.js';
import type { FakeTokenResponse, OpenLaunchParameters } from './launch-parameters.js';
import { parseResourceScope, splitScopes } from './scope/scope.js';
import { randomId } from './session/keys.js';
import type { LaunchRecord, VerifiedIdentity } from './session/launch-record.js';
import type { ResolvedOptions } from './smart-client-options.js';
import { SmartError } from './smart-error.js';
import { readTokenResponse } from './token/token-response.js';

/**
 * A launch that no authorization server knows of: at a server that is configured as open, or with a token response
 * made up in development. Never a fallback for a server that could not be discovered.
 */
export function openLaunch(
  options: ResolvedOptions,
  registration: Registration,
  parameters: OpenLaunchParameters,
): LaunchRecord | SmartError {
  const { fakeTokenResponse: fake, patientId, encounterId, appData } = parameters;
  const refused = refusal(options, registration, parameters);
  if (refused) return refused;
  const expected = expectedContext(parameters);
  if (expected instanceof SmartError) return expected;
  // nobody logged in, so of what was asked for only the data is there
  const asked = splitScopes(parameters.scope ?? registration.scope);
  const scope = asked.filter((item) => parseResourceScope(item) !== undefined).join(' ');
  const now = Date.now();
  const { id_token: claims, ...members } = fake ?? {};
  let tokens;
  try {
    // what stands in for the token is not kept
    const given = { access_token: '-', patient: patientId, encounter: encounterId, ...members };
    tokens = readTokenResponse(given, scope, now, { references: registration.switches.contextReferences });
  } catch (error) {
    return new SmartError('invalid_token_response', `fakeTokenResponse: ${(error as Error).message}`);
  }
  const unexpected = unexpectedContext(expected, tokens.context);
  if (unexpected) return unexpected;
  if (lacksPatient(tokens)) {
    const fix = 'name it with patientId (or in fakeTokenResponse), or ask for user-level scopes';
    return new SmartError('invalid_launch_request', `Patient-level scopes need a patient: ${fix}`);
  }
  const hasToken = members.access_token !== undefined;
  return {
    launchId: randomId(),
    iss: registration.iss,
    clientId: registration.clientId,
    // nothing is ever sent there: there is nothing to refresh
    server: { token_endpoint: registration.iss },
    accessToken: hasToken ? tokens.accessToken : '',
    issuedAt: now,
    expiresAt: hasToken ? tokens.expiresAt : now + options.absoluteTimeoutMs,
    scope: tokens.scope,
    scopeAssumed: tokens.scopeAssumed,
    context: tokens.context,
    identity: identityOf(claims, registration),
    ungranted: fake === undefined ? 'open' : 'fake',
    ...(appData !== undefined && { appData }),
    startedAt: now,
    seenAt: now,
  };
}

function refusal(
  { allowFakeTokenResponse }: ResolvedOptions,
  { name, authentication }: Registration,
  { fakeTokenResponse, appData }: OpenLaunchParameters,
): SmartError | undefined {
  if (fakeTokenResponse !== undefined && !allowFakeTokenResponse) {
    return new SmartError(
      'invalid_launch_request',
      'fakeTokenResponse is for development; there set options.allowFakeTokenResponse: true',
    );
  }
  if (fakeTokenResponse === undefined && authentication.type !== 'open') {
    return new SmartError(
      'invalid_launch_request',
      `${name} is not configured as an open server: launch it with iss, or give it type: 'open'`,
    );
  }
  return appDataMistake(appData);
}

function identityOf(
  claims: FakeTokenResponse['id_token'],
  registration: Registration,
): VerifiedIdentity | null {
  if (claims === undefined) return null;
  const { iss = registration.iss, sub = 'development' } = claims as { iss?: string; sub?: string };
  return { iss, sub, fhirUser: readFhirUser(claims, registration), claims };
}
