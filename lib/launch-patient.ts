import { isFhirId } from './ehr/launch-context.js';
import { underFhirBase } from './ehr/fhir-base-url.js';
import type { Registration } from './ehr/registrations.js';
import { fhirExchange } from './fhir/fhir-http.js';
import type { HttpClient } from './http/http-client.js';
import { isJsonObject } from './http/json.js';
import { SmartScopes } from './scope/scope.js';
import type { LaunchRecord, VerifiedIdentity } from './session/launch-record.js';
import type { ResolvedOptions } from './smart-client-options.js';
import { SmartError } from './smart-error.js';
import { showWithProof } from './token/dpop.js';
import type { TokenResponse } from './token/token-response.js';

const NOT_ONE = 'its patients were searched (discoverPatient), and not exactly one was found';

interface Parts {
  http: HttpClient;
  options: ResolvedOptions;
}

/** Tokens, and the key they are bound to where they are (DPoP). */
type BoundTokens = TokenResponse & Pick<LaunchRecord, 'dpopKey'>;

/** Access to one patient's data was granted, and not said to whose (SMART 2.2 "Scopes and Launch Context"). */
export function lacksPatient({ scope, context }: TokenResponse): boolean {
  return context.patient === null && new SmartScopes(scope).hasLevel('patient');
}

/** Whether a switch of this server says where else the patient is named. */
export function mayFindPatient({ switches }: Registration): boolean {
  return switches.patientFromFhirUser === true || switches.discoverPatient === true;
}

export function noPatient(hint = 'it may need the scope launch/patient', cause?: SmartError): SmartError {
  const problem = 'The EHR granted patient-level scopes without naming the patient';
  return new SmartError('missing_patient_context', `${problem}; ${hint}`, { cause });
}

/** The id of the patient that the token response did not name, from where the server's switches say. */
export async function findPatient(
  parts: Parts,
  tokens: BoundTokens,
  identity: VerifiedIdentity | null,
  registration: Registration,
): Promise<string | SmartError> {
  const { patientFromFhirUser, discoverPatient } = registration.switches;
  // An absolute URL is a person of another server, whose id may be somebody else's here.
  const [, id] = /^Patient\/([^/]+)$/.exec((patientFromFhirUser && identity?.fhirUser) || '') ?? [];
  if (id !== undefined) return id;
  const scopes = new SmartScopes(tokens.scope);
  // A clinician's token may find one patient today by chance.
  const isOnePatients = !scopes.hasLevel('user') && !scopes.hasLevel('system');
  return discoverPatient && isOnePatients ? discoveredPatient(parts, tokens, registration) : noPatient();
}

async function discoveredPatient(
  { http, options }: Parts,
  { accessToken, dpopKey }: BoundTokens,
  { iss, isKnown, switches }: Registration,
): Promise<string | SmartError> {
  const answer = await fhirExchange(
    http,
    iss,
    accessToken,
    {
      method: 'GET',
      url: underFhirBase(iss, 'Patient'),
      trusted: isKnown,
      mediaType: switches.fhirMediaType,
      ...(dpopKey && { showToken: showWithProof(dpopKey, accessToken) }),
    },
    options.maxFhirResponseBytes,
  );
  if (answer instanceof SmartError) {
    const isOutage = answer.error === 'ehr_unavailable' || answer.error === 'ehr_timeout';
    return isOutage ? answer : noPatient(NOT_ONE, answer);
  }
  return onlyPatient(answer.body) ?? noPatient(NOT_ONE);
}

/** The id of the one Patient of a search result; a page of several, or one of several pages, has none. */
function onlyPatient(bundle: unknown): string | undefined {
  if (!isJsonObject(bundle) || !Array.isArray(bundle.entry)) return undefined;
  const resources = bundle.entry
    .filter(isJsonObject)
    .map(({ resource }) => resource)
    .filter(isJsonObject);
  const ids = resources.filter(({ resourceType }) => resourceType === 'Patient').map(({ id }) => id);
  const links = Array.isArray(bundle.link) ? bundle.link.filter(isJsonObject) : [];
  const hasMore = links.some(({ relation }) => relation === 'next') || Number(bundle.total ?? 1) > 1;
  return ids.length === 1 && !hasMore && isFhirId(ids[0]) ? ids[0] : undefined;
}
