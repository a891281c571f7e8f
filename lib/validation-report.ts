import { limited } from './fhir/limited.js';
import { isJsonObject } from './http/json.js';
import { describeFindings } from './launch-findings.js';
import { SmartScopes, parseResourceScope, splitScopes, unconstrained } from './scope/scope.js';
import type { ResourceScope } from './scope/scope.js';
import type { LaunchRecord } from './session/launch-record.js';
import { SmartError } from './smart-error.js';

/** One thing that a launch did by the book, or did not. */
export interface ValidationFinding {
  /** `info`: not by the book, and harmless or asked for by a switch of the known server */
  level: 'ok' | 'info' | 'warning' | 'error';
  /** holds no token, no id and no patient data */
  message: string;
  /** row of the checklist in docs/conformance.md, e.g. `A7-5` */
  row: string;
}

type Level = ValidationFinding['level'];
type Read = (path: string) => Promise<unknown>;

const MAX_NAMED = 20;
const READS_AT_ONCE = 4;

const finding = (level: Level, row: string, message: string): ValidationFinding => ({ level, message, row });

/** What the record of a launch tells. */
export function recordFindings(record: LaunchRecord): ValidationFinding[] {
  if (record.ungranted === 'open') {
    return [finding('info', 'E-HAPI-1', 'an open server: nobody logged in, and no token is sent')];
  }
  if (record.ungranted === 'fake') {
    return [finding('warning', 'E-HAPI-1', 'a launch of development: its token response was made up')];
  }
  return [
    ...fromLaunch(record),
    ...ofScopes(record),
    ...ofIdentity(record),
    ...ofContext(record),
    ...ofSession(record),
  ];
}

/** What the launch itself noted; of the rest the places where nothing was odd. */
function fromLaunch({ findings, scopeAssumed }: LaunchRecord): ValidationFinding[] {
  if (!findings) {
    return [finding('info', 'A2-4', 'this launch was stored by a version that did not note what it found')];
  }
  const odd = describeFindings(findings);
  const isFine = (...rows: string[]) => !odd.some(({ row }) => rows.includes(row));
  return [
    ...(isFine('A2-4', 'A3-8')
      ? [finding('ok', 'A2-4', 'the SMART configuration lists this way to launch')]
      : []),
    ...(isFine('A2-5', 'A5-5') ? [finding('ok', 'A5-5', 'PKCE was used (S256)')] : []),
    ...(isFine('A7-4') ? [finding('ok', 'A7-4', 'the token response names its token_type')] : []),
    ...(isFine('A7-5') ? [finding('ok', 'A7-5', 'the token response says how long the token lives')] : []),
    scopeAssumed
      ? finding('warning', 'A7-6', 'the token response does not say which scopes were granted')
      : finding('ok', 'A7-6', 'the token response says which scopes were granted'),
    ...odd,
  ];
}

function ofScopes({ scope, requestedScope = scope }: LaunchRecord): ValidationFinding[] {
  const asked = splitScopes(requestedScope);
  const missing = new SmartScopes(scope).missing(...asked);
  const extra = new SmartScopes(requestedScope).missing(scope);
  const isNone = asked.some(parseResourceScope) && !splitScopes(scope).some(parseResourceScope);
  const findings: ValidationFinding[] = [];
  if (isNone) findings.push(finding('warning', 'A7-7', 'none of the scopes for FHIR data was granted'));
  if (missing.length) findings.push(finding('info', 'A7-7', `asked for and not granted: ${named(missing)}`));
  if (extra.length)
    findings.push(finding('info', 'A7-7', `granted without being asked for: ${named(extra)}`));
  return findings.length ? findings : [finding('ok', 'A7-7', 'the scopes that were asked for were granted')];
}

function ofIdentity({
  identity,
  findings,
  scope,
  requestedScope = scope,
}: LaunchRecord): ValidationFinding[] {
  if (identity === null) {
    if (findings?.includes('no_id_token')) return [];
    return [finding('info', 'A7-18', 'no id_token was asked for, so the user is not known')];
  }
  const verified = finding('ok', 'A7-18', 'the id_token was verified: signature, issuer, audience and times');
  if (!splitScopes(requestedScope).some((item) => item === 'fhirUser' || item === 'profile'))
    return [verified];
  const { fhirUser, claims } = identity;
  if (fhirUser === null) {
    const problem = 'the id_token has no fhirUser that names a resource';
    return [verified, finding('warning', 'B-28', problem)];
  }
  const isFromProfile = claims.fhirUser === undefined;
  return [
    verified,
    isFromProfile
      ? finding('info', 'B-29', 'the user was read from the claim profile (profileClaim)')
      : finding('ok', 'B-28', 'the id_token names the user (fhirUser)'),
    ...(fhirUser.includes('://')
      ? [finding('info', 'B-28', 'the user is a resource of another server, which is not read')]
      : []),
  ];
}

function ofContext({ context, scope, requestedScope = scope, findings }: LaunchRecord): ValidationFinding[] {
  const asked = splitScopes(requestedScope);
  const results: ValidationFinding[] = [];
  if (context.patient !== null && !findings?.includes('patient_found')) {
    results.push(finding('ok', 'A7-9', 'the token response names the patient'));
  } else if (context.patient === null && asked.includes('launch/patient')) {
    results.push(finding('warning', 'A4-2', 'launch/patient was asked for, and no patient is in context'));
  }
  if (context.encounter === null && asked.includes('launch/encounter')) {
    results.push(
      finding('warning', 'A4-2', 'launch/encounter was asked for, and no encounter is in context'),
    );
  }
  if (context.smartStyleUrl !== null && !/^https:\/\//.test(context.smartStyleUrl)) {
    results.push(finding('warning', 'A7-16', 'smart_style_url is no https URL'));
  }
  return results;
}

function ofSession({ server, refreshToken, dpopKey, scope, requestedScope = scope }: LaunchRecord) {
  const findings: ValidationFinding[] = [];
  const wantsRefresh = splitScopes(requestedScope).some((item) => /^(offline|online)_access$/.test(item));
  if (refreshToken !== undefined) findings.push(finding('ok', 'A9-10', 'there is a refresh token'));
  else if (wantsRefresh) {
    const problem = 'a refresh token was asked for and not given; the session ends with the access token';
    findings.push(finding('warning', 'A9-11', problem));
  } else {
    findings.push(finding('info', 'A9-11', 'no refresh token; the session ends with the access token'));
  }
  if (!server.revocation_endpoint) {
    findings.push(
      finding('info', 'C-21', 'the EHR has no revocation endpoint; logout cannot revoke the tokens'),
    );
  }
  if (dpopKey) findings.push(finding('ok', 'C-22', 'the tokens are bound to a key of this session (DPoP)'));
  return findings;
}

/** Reads one resource of every type that a patient-level scope grants, and says what came of it. */
export async function readFindings(
  read: Read,
  { scope, context }: LaunchRecord,
): Promise<ValidationFinding[]> {
  const { patient } = context;
  if (patient === null) return [finding('info', 'A8-7', 'nothing was read: there is no patient in context')];
  const granted = splitScopes(scope)
    .map(parseResourceScope)
    .filter((item) => item?.level === 'patient' && /[rs]/.test(item.permissions)) as ResourceScope[];
  const atOnce = limited(READS_AT_ONCE);
  const types = [
    ...new Set(granted.map(({ resourceType }) => (resourceType === '*' ? 'Patient' : resourceType))),
  ];
  return Promise.all(
    types.map((type) => atOnce(() => readType(read, type, patient, granted.filter(isAbout(type))))),
  );
}

const isAbout = (type: string) => (scope: ResourceScope) =>
  scope.resourceType === type || (type === 'Patient' && scope.resourceType === '*');

async function readType(
  read: Read,
  type: string,
  patient: string,
  scopes: ResourceScope[],
): Promise<ValidationFinding> {
  const path = pathFor(type, patient, scopes);
  if (path === undefined) {
    return finding('info', 'A8-7', `${type}: not read, since the scope allows no search`);
  }
  const answer = await read(path).catch((error: unknown) => error);
  if (answer instanceof Error) return failed(type, answer);
  const resources = resourcesOf(answer);
  if (resources === undefined || (type === 'Patient' && !resources.some((it) => it.id === patient))) {
    return notAsked(type);
  }
  const others = resources.filter((it) => patientOf(it) !== undefined && patientOf(it) !== patient);
  if (others.length > 0) {
    return finding('error', 'A8-7', `${type}: the answer holds data of another patient than the launch’s`);
  }
  const isEmpty = !resources.some(({ resourceType }) => resourceType === type);
  return finding('ok', 'A8-7', `${type}: can be read${isEmpty ? ', and none was found' : ''}`);
}

/** The Patient itself, else a search for one resource, as constrained as the scope is. */
function pathFor(type: string, patient: string, scopes: ResourceScope[]): string | undefined {
  const may = (permission: string) => scopes.filter(({ permissions }) => permissions.includes(permission));
  if (type === 'Patient' && may('r').length > 0) return `Patient/${patient}`;
  const [search] = may('s').sort((a, b) => a.parameters.length - b.parameters.length);
  if (!search) return undefined;
  const subject = type === 'Patient' ? '_id' : 'patient';
  return `${type}?${[`${subject}=${patient}`, '_count=1', ...search.parameters].join('&')}`;
}

function notAsked(type: string): ValidationFinding {
  return finding('error', 'A8-7', `${type}: the answer is something else than was asked for`);
}

function failed(type: string, error: Error): ValidationFinding {
  const { error: code, status } = error instanceof SmartError ? error : { error: error.name, status: 0 };
  if (code === 'fhir_request_failed') {
    return finding('warning', 'A8-7', `${type}: granted by a scope, and refused with ${status}`);
  }
  if (code === 'invalid_fhir_response') return notAsked(type);
  return finding('error', 'A8-7', `${type}: could not be read (${code})`);
}

function resourcesOf(answer: unknown): Record<string, unknown>[] | undefined {
  if (!isJsonObject(answer)) return undefined;
  if (answer.resourceType !== 'Bundle') return typeof answer.resourceType === 'string' ? [answer] : undefined;
  const entries = Array.isArray(answer.entry) ? answer.entry.filter(isJsonObject) : [];
  return entries.map(({ resource }) => resource).filter(isJsonObject);
}

/** Id of the patient whom a resource is about; undefined where it does not say so plainly. */
function patientOf(resource: Record<string, unknown>): string | undefined {
  if (resource.resourceType === 'Patient') return String(resource.id);
  const about = [resource.subject, resource.patient].find(isJsonObject)?.reference;
  return /(?:^|\/)Patient\/([^/]+)(?:$|\/_history\/)/.exec(typeof about === 'string' ? about : '')?.[1];
}

function named(scopes: string[]): string {
  const plain = unconstrained(scopes).filter((scope) => /^[\w:/.*-]{1,200}$/.test(scope));
  return plain.slice(0, MAX_NAMED).join(' ');
}
