import { isFhirId } from '../ehr/launch-context.js';
import { SmartError } from '../smart-error.js';
import type { LaunchMembers } from './launch-members.js';
import type { ReadResource, SmartLaunchModuleOptions } from './module-options.js';
import { readableResource } from './readable-resource.js';

type Options = Pick<
  SmartLaunchModuleOptions,
  'readResource' | 'allowPatientWithEncounter' | 'requireContext' | 'fhirBaseUrl'
>;

/**
 * The patient and the encounter of a launch: there, and readable for this user. An encounter brings its patient
 * along, since an app that gets one without the other would have to guess.
 */
export async function launchSubjects(
  { patient, encounter }: LaunchMembers,
  options: Options,
  request: object,
): Promise<Pick<LaunchMembers, 'patient' | 'encounter'> | SmartError> {
  if (patient !== undefined && encounter !== undefined && options.allowPatientWithEncounter !== true) {
    return refused('Only one launch context can be specified: patient or encounter');
  }
  if (encounter === undefined) {
    if (patient === undefined) {
      return options.requireContext === true ? refused('A launch needs a patient or an encounter') : {};
    }
    const missing = await unreadable(`Patient/${patient}`, options, request);
    return missing ?? { patient };
  }
  const resource = await readableResource(`Encounter/${encounter}`, options, request);
  if (resource instanceof SmartError) return resource;
  const subject = patientOf(resource, options.fhirBaseUrl);
  if (subject === undefined) return refused('The encounter is not of a patient');
  if (patient !== undefined && patient !== subject) return refused('The encounter is of another patient');
  const missing = await unreadable(`Patient/${subject}`, options, request);
  return missing ?? { patient: subject, encounter };
}

async function unreadable(
  reference: string,
  options: Options,
  request: object,
): Promise<SmartError | undefined> {
  const resource = await readableResource(reference, options, request);
  return resource instanceof SmartError ? resource : undefined;
}

/** The subject's id, when it is a patient of this server. */
function patientOf(encounter: ReadResource, fhirBaseUrl: string): string | undefined {
  const { reference } = (encounter as { subject?: { reference?: unknown } }).subject ?? {};
  if (typeof reference !== 'string') return undefined;
  const base = `${fhirBaseUrl.replace(/\/+$/, '')}/`;
  const relative = reference.startsWith(base) ? reference.slice(base.length) : reference;
  const [, id] = /^Patient\/([^/]+)(?:\/_history\/[^/]+)?$/.exec(relative) ?? [];
  return isFhirId(id) ? id : undefined;
}

function refused(message: string, status = 400): SmartError {
  return new SmartError('invalid_launch_request', message, { status });
}
