import type { Registration } from './ehr/registrations.js';
import { unexpectedContext } from './expected-context.js';
import { readFhirUser } from './fhir-user.js';
import type { HttpClient } from './http/http-client.js';
import { grantWarnings, outcomeFindings, tokenFindings, warningsOf } from './launch-findings.js';
import type { LaunchFinding } from './launch-findings.js';
import { findPatient, lacksPatient, mayFindPatient, noPatient } from './launch-patient.js';
import { splitScopes } from './scope/scope.js';
import { randomId } from './session/keys.js';
import type { LaunchRecord, VerifiedIdentity } from './session/launch-record.js';
import type { PendingLaunch } from './session/pending-launches.js';
import type { ResolvedOptions } from './smart-client-options.js';
import { SmartError } from './smart-error.js';
import { traced } from './telemetry.js';
import type { IdTokenVerifier } from './token/id-token.js';
import { revokeToken } from './token/revocation.js';
import { tokenRequest } from './token/token-endpoint.js';
import { readTokenResponse } from './token/token-response.js';
import type { TokenResponse } from './token/token-response.js';

interface Parts {
  http: HttpClient;
  idTokens: IdTokenVerifier;
  options: ResolvedOptions;
  warnOnce(server: string, warning: string): void;
}

interface Exchanged {
  tokens: TokenResponse;
  findings: LaunchFinding[];
}

/** at login an id_token is minutes old at most */
const ID_TOKEN_MAX_AGE_SECONDS = 600;

/** From the authorization code to a launch that may be stored: tokens exchanged, context and identity checked. */
export async function completeLaunch(
  parts: Parts,
  code: string,
  pending: PendingLaunch,
  registration: Registration,
): Promise<LaunchRecord | SmartError> {
  return traced('smart.callback', registration, () => complete(parts, code, pending, registration));
}

async function complete(
  parts: Parts,
  code: string,
  pending: PendingLaunch,
  registration: Registration,
): Promise<LaunchRecord | SmartError> {
  const exchanged = await exchangeCode(parts, code, pending, registration);
  if (exchanged instanceof SmartError) return exchanged;
  const record = await judge(parts, exchanged, pending, registration);
  // In the background: the user has the answer, and nobody else will ever use these tokens.
  if (record instanceof SmartError) void revokeUnused(parts, exchanged.tokens, pending, registration);
  return record;
}

/** What was granted, as a launch; or why it must not become one. */
async function judge(
  parts: Parts,
  { tokens, findings }: Exchanged,
  pending: PendingLaunch,
  registration: Registration,
): Promise<LaunchRecord | SmartError> {
  if (lacksPatient(tokens) && !mayFindPatient(registration)) return noPatient();
  const identity = await identify(parts, tokens, pending, registration);
  if (identity instanceof SmartError) return identity;
  const patient = lacksPatient(tokens)
    ? await findPatient(parts, { ...tokens, dpopKey: pending.dpopKey }, identity, registration)
    : tokens.context.patient;
  if (patient instanceof SmartError) return patient;
  const context = { ...tokens.context, patient };
  const unexpected = unexpectedContext(pending.expected, context);
  if (unexpected) return unexpected;
  const { accessToken, expiresAt, refreshToken, scope, scopeAssumed } = tokens;
  const about = { context, identity };
  const outcome = outcomeFindings(tokens, pending, about);
  for (const warning of warningsOf(outcome)) parts.warnOnce(registration.name, warning);
  const now = Date.now();
  return {
    launchId: randomId(),
    iss: pending.iss,
    clientId: pending.clientId,
    server: pending.server,
    accessToken,
    issuedAt: now,
    expiresAt,
    ...(refreshToken && { refreshToken }),
    ...(pending.dpopKey && { dpopKey: pending.dpopKey }),
    scope,
    scopeAssumed,
    ...about,
    ...(pending.appData !== undefined && { appData: pending.appData }),
    ...(registration.switches.endSession === true && identity && { idToken: tokens.idToken }),
    ...(scope !== pending.scope && { requestedScope: pending.scope }),
    findings: [...(pending.findings ?? []), ...findings, ...outcome],
    startedAt: now,
    seenAt: now,
  };
}

async function exchangeCode(
  parts: Parts,
  code: string,
  pending: PendingLaunch,
  registration: Registration,
): Promise<Exchanged | SmartError> {
  const answer = await tokenRequest(
    parts.http,
    registration,
    pending.server,
    'authorization_code',
    {
      code,
      redirect_uri: pending.callbackUrl,
      ...(pending.codeVerifier && { code_verifier: pending.codeVerifier }),
    },
    { dpopKey: pending.dpopKey },
  );
  if (answer instanceof SmartError) return answer;
  let tokens: TokenResponse;
  try {
    tokens = readTokenResponse(answer, pending.scope, Date.now(), {
      references: registration.switches.contextReferences,
      scopeNames: registration.switches.scopeNames,
    });
  } catch (error) {
    const reason = (error as Error).message;
    return new SmartError('invalid_token_response', `The token response is unusable: ${reason}`);
  }
  const findings = tokenFindings(answer, tokens);
  const warnings = [...warningsOf(findings), ...grantWarnings(pending.scope, tokens.scope)];
  for (const warning of warnings) parts.warnOnce(registration.name, warning);
  return { tokens, findings };
}

async function revokeUnused(
  { http }: Parts,
  { refreshToken, accessToken }: TokenResponse,
  { server }: PendingLaunch,
  registration: Registration,
): Promise<void> {
  if (refreshToken !== undefined)
    await revokeToken(http, registration, server, refreshToken, 'refresh_token');
  await revokeToken(http, registration, server, accessToken, 'access_token');
}

/** The verified identity; null when none was asked for or the EHR gave none. */
async function identify(
  { idTokens, options }: Parts,
  tokens: TokenResponse,
  pending: PendingLaunch,
  registration: Registration,
): Promise<VerifiedIdentity | null | SmartError> {
  if (!tokens.idToken || !splitScopes(pending.scope).includes('openid')) return null;
  const claims = await idTokens.verify(
    tokens.idToken,
    registration,
    { capabilities: [], ...pending.server },
    {
      nonce: pending.nonce,
      accessToken: tokens.accessToken,
      clockToleranceSeconds: options.clockToleranceMs / 1000,
      maxAgeSeconds: ID_TOKEN_MAX_AGE_SECONDS,
    },
  );
  if (claims instanceof SmartError) return claims;
  return { iss: claims.iss, sub: claims.sub, fhirUser: readFhirUser(claims, registration), claims };
}
