import type { JsonObject } from '../http/json.js';
import { isJsonObject } from '../http/json.js';

/** An entry of `fhirContext` (SMART 2.2 "fhirContext"): at least one of reference, canonical, identifier. */
export interface FhirContextItem {
  reference?: string;
  canonical?: string;
  identifier?: Record<string, unknown>;
  type?: string;
  /** `launch` unless the EHR says otherwise; other roles are absolute URIs */
  role: string;
}

/** What a launch is about, from the token response (SMART 2.2 "Launch context arrives with your access_token"). */
export interface LaunchContext {
  /** id of the Patient in context */
  patient: string | null;
  /** id of the Encounter in context */
  encounter: string | null;
  fhirContext: FhirContextItem[];
  intent: string | null;
  /** `true` unless the EHR shows its own banner: without a word from it, showing one is the safe choice */
  needPatientBanner: boolean;
  smartStyleUrl: string | null;
  /** opaque; no authority for access by itself */
  tenant: string | null;
  /** extension members of the token response, as given */
  extra: Record<string, unknown>;
}

const KNOWN_MEMBERS = new Set([
  'access_token',
  'token_type',
  'expires_in',
  'scope',
  'refresh_token',
  'id_token',
  'error',
  'patient',
  'encounter',
  'fhirContext',
  'intent',
  'need_patient_banner',
  'smart_style_url',
  'tenant',
]);

/** FHIR `id` (R4 2.24.0.1); `.` and `..` match its grammar and would climb out of a path. */
export function isFhirId(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9\-.]{1,64}$/.test(value) && value !== '.' && value !== '..';
}

/** Reads the launch context members; throws an Error naming a member that cannot be trusted. */
export function readLaunchContext(
  response: JsonObject,
  options: { references?: boolean } = {},
): LaunchContext {
  return {
    patient: contextId(response, 'patient', 'Patient/', options),
    encounter: contextId(response, 'encounter', 'Encounter/', options),
    fhirContext: readFhirContext(response.fhirContext),
    intent: text(response.intent),
    needPatientBanner: response.need_patient_banner !== false && response.need_patient_banner !== 'false',
    smartStyleUrl: text(response.smart_style_url),
    tenant: text(response.tenant),
    extra: Object.fromEntries(Object.entries(response).filter(([name]) => !KNOWN_MEMBERS.has(name))),
  };
}

function contextId(
  response: JsonObject,
  name: 'patient' | 'encounter',
  prefix: string,
  options: { references?: boolean },
): string | null {
  const given = response[name];
  const isReference = options.references && typeof given === 'string' && given.startsWith(prefix);
  const value = isReference ? given.slice(prefix.length) : given;
  if (value === undefined || value === null || value === '') return null;
  if (!isFhirId(value)) throw new Error(`${name} is not a FHIR id`);
  return value;
}

function readFhirContext(value: unknown): FhirContextItem[] {
  return Array.isArray(value)
    ? value.map(readFhirContextItem).filter((item): item is FhirContextItem => item !== undefined)
    : [];
}

/** Undefined for an entry that SMART does not allow. */
export function readFhirContextItem(value: unknown): FhirContextItem | undefined {
  // SMART 2.0 listed bare reference strings
  if (typeof value === 'string') return readFhirContextItem({ reference: value });
  if (!isJsonObject(value)) return undefined;
  const role = value.role === undefined ? 'launch' : value.role;
  if (typeof role !== 'string' || !(role === 'launch' || /^[a-z][a-z0-9+.-]*:.+/i.test(role)))
    return undefined;
  const item: FhirContextItem = { role };
  if (typeof value.reference === 'string' && value.reference !== '') item.reference = value.reference;
  if (typeof value.canonical === 'string' && value.canonical !== '') item.canonical = value.canonical;
  if (isJsonObject(value.identifier)) item.identifier = value.identifier;
  if (typeof value.type === 'string') item.type = value.type;
  if (!item.reference && !item.canonical && !item.identifier) return undefined;
  // Patient and Encounter of this launch come at the top level, which wins (SMART 2.2 "fhirContext")
  const named = [item.type ?? '', ...(item.reference ?? '').split(/[/?#]/)];
  const isOfLaunch = named.includes('Patient') || named.includes('Encounter');
  return role === 'launch' && isOfLaunch ? undefined : item;
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
