import type { Basic } from 'fhir/r4.js';
import type { FhirHttpAnswer } from './fhir/fhir-http.js';
import { fhirUrl, referencePath } from './fhir/fhir-url.js';
import { isJsonObject } from './http/json.js';
import { SmartError } from './smart-error.js';

/** Which state it is, in words of the app: a `system` of its own, e.g. its origin, and a code. */
export interface AppStateCode {
  /** absolute URI; without white space and the separators of a FHIR search, as the code */
  system: string;
  code: string;
}

/** One value of the state, under a URL of the app's own. */
export interface AppStateExtension {
  url: string;
  valueString: string;
}

/** State to be kept. */
export interface NewAppState {
  code: AppStateCode;
  /**
   * whose state it is: `Patient/1`, `Practitioner/1`, … of this EHR. Left out: the patient of the launch. `'global'`:
   * nobody's, the app's own for the whole EHR. `null`, as a launch without a user has it, is an error
   */
  subject?: string | null | undefined;
  extension: readonly AppStateExtension[];
}

/** State as the EHR keeps it: a Basic resource with id and version. */
export type StoredAppState = Basic & { id: string; meta: { versionId: string } };

/** What the rules need of a launch. */
export interface AppStateLaunch {
  fhirBaseUrl: string;
  /** id of the patient of the launch */
  patient: string | null;
}

/** the subject that says there is none */
const GLOBAL = 'global';
const SYSTEM = /^[a-z][a-z0-9+.-]*:[^\s|,$\\\p{Cc}]{1,1000}$/iu;
const CODE = /^[^\s|,$\\\p{Cc}]{1,200}$/u;

/** The resource to POST (SMART 2.2 "App State", create). */
export function newAppState(state: NewAppState, launch: AppStateLaunch): Basic | SmartError {
  if (!isJsonObject(state)) return refused('is not an object');
  if ('id' in state || 'meta' in state)
    return refused('has an id or a version: the EHR gives them; use update()');
  const extension: unknown = state.extension;
  const mistake = codeMistake(state.code) ?? extensionMistake(extension);
  if (mistake) return mistake;
  const reference = subjectReference(state.subject, launch);
  if (reference instanceof SmartError) return reference;
  const { system, code } = state.code;
  return {
    resourceType: 'Basic',
    ...(reference !== null && { subject: { reference } }),
    code: { coding: [{ system, code }] },
    extension: state.extension.map(({ url, valueString }) => ({ url, valueString })),
  };
}

/** Why a resource must not be PUT; undefined where it may. */
export function updateMistake(state: StoredAppState, launch: AppStateLaunch): SmartError | undefined {
  const mistake = handleMistake(state, launch);
  if (mistake) return mistake;
  const coding: unknown = state.code?.coding;
  if (!Array.isArray(coding) || coding.length !== 1) return refused('must have exactly one coding');
  return codeMistake(coding[0]) ?? extensionMistake(state.extension ?? []);
}

/** Why a resource can be neither PUT nor DELETEd. */
export function handleMistake(state: StoredAppState, launch: AppStateLaunch): SmartError | undefined {
  if (!isJsonObject(state) || state.resourceType !== 'Basic') return refused('is no Basic resource');
  const path = basicPath(state);
  if (path instanceof SmartError) return path;
  if (!isVersionId(state.meta?.versionId)) {
    return refused('has no meta.versionId: query it first, so that nothing newer is overwritten');
  }
  const subject = subjectOf(state, launch);
  return subject instanceof SmartError ? subject : undefined;
}

/**
 * The absolute reference of a subject that a caller names; null for none. `null` itself is refused: it is what a
 * launch without a user has as the user's reference, and must not make one user's state everybody's.
 */
export function subjectReference(
  subject: string | null | undefined,
  launch: AppStateLaunch,
): string | null | SmartError {
  if (subject === GLOBAL) return null;
  const { patient } = launch;
  const reference = subject === undefined && patient !== null ? `Patient/${patient}` : subject;
  if (typeof reference === 'string') return ownReference(reference, launch);
  return new SmartError(
    'missing_context',
    `The launch does not have the subject of the app state; name another, or "${GLOBAL}" for state of the app itself`,
    { missing: [subject === undefined ? 'patient' : 'subject'] },
  );
}

/**
 * The absolute reference of a resource's subject; null for none. Another patient than the launch's is refused: state
 * that was read in one patient's chart must not be written into another's.
 */
export function subjectOf(
  { subject }: Pick<Basic, 'subject'>,
  launch: AppStateLaunch,
): string | null | SmartError {
  return subject ? ownReference(String(subject.reference), launch) : null;
}

function ownReference(given: string, { fhirBaseUrl, patient }: AppStateLaunch): string | SmartError {
  const reference = absoluteReference(given, fhirBaseUrl);
  if (reference instanceof SmartError) return reference;
  const [, id] = /\/Patient\/([^/]+)$/.exec(reference) ?? [];
  if (id === undefined || patient === null || id === patient) return reference;
  return new SmartError('unknown_patient', 'The state is of another patient than the one of this launch');
}

export function codeMistake(given: unknown): SmartError | undefined {
  const { system, code } = (isJsonObject(given) ? given : {}) as { system?: unknown; code?: unknown };
  const isCode = typeof code === 'string' && CODE.test(code);
  if (isCode && typeof system === 'string' && SYSTEM.test(system)) return undefined;
  return refused(
    'needs one code, { system, code }: an absolute URI and a word without white space, "|", ",", "$" and "\\"',
  );
}

/**
 * An answer of the EHR as the state it must be: of that code and that subject, with id and version. Anything else is
 * somebody else's.
 */
export function storedAppState(
  resource: unknown,
  wanted: { code: AppStateCode; subject: string | null; id?: string },
  fhirBaseUrl: string,
  answer?: FhirHttpAnswer,
): StoredAppState | SmartError {
  if (!isJsonObject(resource) || resource.resourceType !== 'Basic') return notTheState('no Basic resource');
  const state = resource as unknown as Basic;
  const coding: unknown[] = Array.isArray(state.code?.coding) ? state.code.coding : [];
  const { system, code } = (isJsonObject(coding[0]) ? coding[0] : {}) as { system?: unknown; code?: unknown };
  if (coding.length !== 1 || system !== wanted.code.system || code !== wanted.code.code) {
    return notTheState('state of another code');
  }
  const reference = state.subject ? absoluteReference(String(state.subject.reference), fhirBaseUrl) : null;
  if (reference !== wanted.subject) return notTheState('state of another subject');
  if (basicPath(state) instanceof SmartError || (wanted.id !== undefined && wanted.id !== state.id)) {
    return notTheState('state of another id, or of none');
  }
  const [, tag] = /^(?:W\/)?"([^"]*)"$/.exec(answer?.header('etag') ?? '') ?? [];
  const versionId = state.meta?.versionId ?? tag;
  if (!isVersionId(versionId)) return notTheState('state without a version');
  return { ...state, meta: { ...state.meta, versionId } } as StoredAppState;
}

function absoluteReference(reference: string, fhirBaseUrl: string): string | SmartError {
  const url = fhirUrl(fhirBaseUrl, reference);
  if (url instanceof SmartError || url.search) return noReference();
  const base = fhirBaseUrl.replace(/\/+$/, '');
  const [type = '', id = '', ...others] = url.href.slice(new URL(`${base}/`).href.length).split('/');
  const path = referencePath(type, id);
  return others.length > 0 || path instanceof SmartError ? noReference() : `${base}/${path}`;
}

/** the id may be missing, whatever the type says */
function basicPath({ id }: { id?: unknown }): string | SmartError {
  return referencePath('Basic', typeof id === 'string' ? id : '');
}

function isVersionId(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9\-.]{1,64}$/.test(value);
}

function extensionMistake(extension: unknown): SmartError | undefined {
  const isValue = (item: unknown) =>
    isJsonObject(item) &&
    typeof item.valueString === 'string' &&
    typeof item.url === 'string' &&
    URL.canParse(item.url) &&
    Object.keys(item).length === 2;
  if (Array.isArray(extension) && extension.every(isValue)) return undefined;
  return refused('may have extensions of the form { url, valueString } only');
}

function refused(problem: string): SmartError {
  return new SmartError('invalid_request', `The app state ${problem}`);
}

function noReference(): SmartError {
  return new SmartError(
    'invalid_request',
    'The subject of the app state is not a reference to a resource of this EHR, such as Patient/1',
  );
}

function notTheState(what: string): SmartError {
  return new SmartError('invalid_fhir_response', `The EHR answered with ${what}`);
}
