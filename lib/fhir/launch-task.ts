import { isJsonObject } from '../http/json.js';
import type { JsonObject } from '../http/json.js';
import { SmartError } from '../smart-error.js';

/** What a Task asks to be launched (SMART 2.2 "Task profiles for requesting SMART launch"). */
export interface LaunchTask {
  type: 'ehr' | 'standalone';
  /** https URL of the app */
  url: string;
  /** for the token response of an EHR launch, as the Task has it: text of others */
  appContext: string | null;
  /** reference as the Task has it, e.g. `Patient/123` or an absolute URL */
  patient: string | null;
  encounter: string | null;
}

const SMART_CODES = 'http://hl7.org/fhir/smart-app-launch/CodeSystem/smart-codes';

/**
 * Reads a Task that asks for an app to be launched. A Task is a wish, not a permission: open the URL only where it is
 * one of an app that you know, and hand over a patient or an encounter only where the user may see it.
 *
 * Error: `invalid_request` where it is no such Task, names not exactly one app, its URL is not https, or it has a
 * patient or encounter that is no reference to one.
 *
 * @example
 * const task = unwrap(readLaunchTask(await fhir.request('Task/1')));
 */
export function readLaunchTask(task: unknown): LaunchTask | SmartError {
  if (!isJsonObject(task) || task.resourceType !== 'Task') return refused('is no Task');
  const types = (['ehr', 'standalone'] as const).filter((one) => hasCode(task.code, `launch-app-${one}`));
  const [type] = types;
  if (type === undefined || types.length > 1) return refused('asks for no launch, or for both kinds');
  const inputs = Array.isArray(task.input) ? task.input.filter(isJsonObject) : [];
  const [application, ...otherApplications] = inputsOf(inputs, 'smartonfhir-application');
  const url = appUrl(application?.valueUrl);
  if (url === undefined || otherApplications.length > 0) {
    return refused('must name one app, by an https URL');
  }
  const [context, ...otherContexts] = type === 'ehr' ? inputsOf(inputs, 'smartonfhir-appcontext') : [];
  const appContext = context === undefined ? null : context.valueString;
  if (otherContexts.length > 0 || (appContext !== null && typeof appContext !== 'string')) {
    return refused('may have one appContext, a string');
  }
  const patient = referenceTo('Patient', task.for);
  const encounter = referenceTo('Encounter', task.encounter);
  if (patient === undefined || encounter === undefined) {
    return refused('is for something else than one patient or encounter');
  }
  return { type, url, appContext, patient, encounter };
}

function inputsOf(inputs: JsonObject[], code: string): JsonObject[] {
  return inputs.filter(({ type }) => hasCode(type, code));
}

function hasCode(concept: unknown, wanted: string): boolean {
  const coding: unknown = isJsonObject(concept) ? concept.coding : undefined;
  return (
    Array.isArray(coding) &&
    coding.filter(isJsonObject).some(({ system, code }) => system === SMART_CODES && code === wanted)
  );
}

function appUrl(value: unknown): string | undefined {
  if (typeof value !== 'string' || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  return url.protocol === 'https:' && !url.username && !url.password ? url.href : undefined;
}

/** null where there is none; undefined where there is one that cannot be used: no context must not pass for it */
function referenceTo(type: string, value: unknown): string | null | undefined {
  if (value === undefined || value === null) return null;
  const reference: unknown = isJsonObject(value) ? value.reference : undefined;
  const pattern = new RegExp(`^(https?://[^\\s?#]+/)?${type}/[A-Za-z0-9\\-.]{1,64}$`);
  return typeof reference === 'string' && pattern.test(reference) ? reference : undefined;
}

function refused(problem: string): SmartError {
  return new SmartError('invalid_request', `The launch Task ${problem}`);
}
