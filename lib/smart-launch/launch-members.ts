import { isFhirId, readFhirContextItem } from '../ehr/launch-context.js';
import type { FhirContextItem } from '../ehr/launch-context.js';
import { isLoopback } from '../ehr/fhir-base-url.js';
import { splitScopes } from '../scope/scope.js';
import { SmartError } from '../smart-error.js';

/**
 * What a launch is about, in the words of the token response (SMART 2.2 "Launch context arrives with your
 * access_token"): ready to be merged into it.
 */
export interface LaunchMembers {
  /** id of the Patient */
  patient?: string;
  /** id of the Encounter */
  encounter?: string;
  fhirContext?: (Omit<FhirContextItem, 'role'> & { role?: string })[];
  /** what the user wants to do, as app and EHR agreed, e.g. `reconcile-medications` */
  intent?: string;
  /** `false`: the EHR shows the patient's name beside the app */
  need_patient_banner?: boolean;
  /** https */
  smart_style_url?: string;
  tenant?: string;
  /** members of your own: names that begin with `__` … */
  [extension: `__${string}`]: unknown;
  /** … or URIs */
  [uri: `${string}:${string}`]: unknown;
}

const MAX_TEXT = 2_048;
const MAX_NAMED = 5;
const KNOWN = [
  'patient',
  'encounter',
  'fhirContext',
  'intent',
  'need_patient_banner',
  'smart_style_url',
  'tenant',
];

/**
 * Members from outside, checked. Names that begin with `_`, as FHIR's `_format` and the token of a form do, are left
 * alone unless they look like one of ours. Others are refused: a launch without the patient that was meant is worse
 * than none.
 */
export function readLaunchMembers(
  given: Iterable<readonly [name: string, value: unknown]>,
): LaunchMembers | SmartError {
  const members: Record<string, unknown> = {};
  const unknown: string[] = [];
  for (const [name, value] of given) {
    if (value === undefined) continue;
    if (Object.hasOwn(members, name)) return refused(`${name} is there more than once`);
    if (isExtension(name)) {
      members[name] = value;
      continue;
    }
    if (!KNOWN.includes(name)) {
      const meant = KNOWN.find((known) => letters(name).startsWith(letters(known)));
      if (meant) return refused(`Write ${meant}, with one value`);
      if (!name.startsWith('_')) unknown.push(name);
      continue;
    }
    const read = readMember(name, value);
    if (read === undefined) return refused(`${name} must be ${WANTED[name]}`);
    members[name] = read;
  }
  return unknown.length === 0 ? members : unknownNames(unknown);
}

function unknownNames(names: string[]): SmartError {
  const safe = [...new Set(names)].filter((name) => /^[A-Za-z_-]{1,40}$/.test(name)).slice(0, MAX_NAMED);
  return refused(
    `There is no such launch parameter${safe.length > 0 ? `: ${safe.join(', ')}` : ''}. There are ${KNOWN.join(', ')}, and names of your own that begin with __ or are URIs`,
  );
}

/**
 * The part of a context that the granted scopes give the app (SMART 2.2 "Scopes for requesting context data"):
 * all of it with `launch`, the patient with `launch/patient`, the encounter with `launch/encounter`, entries of
 * `fhirContext` with the scope of their type, and nothing without.
 *
 * @param scope granted scopes, space-separated or as a list
 * @example
 * Object.assign(tokenResponse, launchMembersFor(context, grant.scope))
 */
export function launchMembersFor(context: LaunchMembers, scope: string | Iterable<string>): LaunchMembers {
  const granted = typeof scope === 'string' ? splitScopes(scope) : [...scope];
  if (granted.includes('launch')) return { ...context };
  const allowed = granted.filter((item) => item.startsWith('launch/')).map(contextScope);
  if (allowed.length === 0) return {};
  const types = new Set(allowed.map(({ type }) => type));
  const { patient, encounter, fhirContext = [], need_patient_banner, smart_style_url, tenant } = context;
  const items = fhirContext.filter(({ reference, type, role = 'launch' }) => {
    const typeOf = (type ?? reference?.split('/').at(-2) ?? '').toLowerCase();
    return allowed.some((item) => item.type === typeOf && (item.role ?? role) === role);
  });
  return defined({
    patient: types.has('patient') ? patient : undefined,
    encounter: types.has('encounter') ? encounter : undefined,
    fhirContext: items.length > 0 ? items : undefined,
    need_patient_banner: types.has('patient') ? need_patient_banner : undefined,
    smart_style_url,
    tenant,
  });
}

/** `launch/imagingstudy?role=…` */
function contextScope(scope: string): { type: string; role: string | null } {
  const [type = '', query = ''] = scope.slice('launch/'.length).split('?', 2);
  return { type: type.toLowerCase(), role: new URLSearchParams(query).get('role') };
}

export function defined(members: LaunchMembers): LaunchMembers {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

const WANTED: Record<string, string> = {
  patient: 'one FHIR id',
  encounter: 'one FHIR id',
  fhirContext:
    'a list of references with a type other than Patient and Encounter, or with a role (SMART 2.2)',
  intent: 'text',
  need_patient_banner: 'true or false',
  smart_style_url: 'an https URL',
  tenant: 'text',
};

function readMember(name: string, value: unknown): unknown {
  switch (name) {
    case 'patient':
    case 'encounter':
      return isFhirId(value) ? value : undefined;
    case 'fhirContext':
      return readFhirContext(value);
    case 'need_patient_banner':
      if (typeof value === 'boolean') return value;
      return value === 'true' ? true : value === 'false' ? false : undefined;
    case 'smart_style_url':
      return isStyleUrl(value) ? value : undefined;
    default:
      return isText(value) ? value : undefined;
  }
}

function readFhirContext(value: unknown): LaunchMembers['fhirContext'] {
  const items = typeof value === 'string' ? fromJson(value) : value;
  if (!Array.isArray(items) || items.length === 0) return undefined;
  const read = items.map((item: unknown) => {
    const known = readFhirContextItem(item);
    if (!known || (item as { role?: unknown }).role !== undefined) return known;
    const { role: _assumed, ...asGiven } = known;
    return asGiven;
  });
  return read.every((item) => item !== undefined) ? read : undefined;
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isExtension(name: string): boolean {
  return name !== '__proto__' && (name.startsWith('__') || /^[a-z][a-z0-9+.-]*:\S+$/i.test(name));
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.length <= MAX_TEXT && /^[^\x00-\x1f\x7f]+$/.test(value);
}

function isStyleUrl(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > MAX_TEXT || !URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

function letters(name: string): string {
  return name.toLowerCase().replace(/[^a-z]/g, '');
}

function refused(message: string): SmartError {
  return new SmartError('invalid_launch_request', message);
}
