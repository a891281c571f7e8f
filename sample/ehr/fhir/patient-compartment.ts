import type { FhirResource } from 'fhir/r4.js';

import { isObject, valuesAt } from './json.js';
import { parseReference } from './references.js';

/** Where a resource names its patient, if it is not in `subject` or `patient`. */
const PATIENT_PATHS: Record<string, readonly string[]> = {
  Appointment: ['participant.actor'],
  Coverage: ['beneficiary'],
  Provenance: ['target'],
  Task: ['for'],
};

/** About no patient in particular, hence readable whoever the patient is. */
const SHARED_TYPES: ReadonlySet<string> = new Set([
  'Location',
  'Medication',
  'Organization',
  'Practitioner',
  'PractitionerRole',
  'Questionnaire',
]);

export function isShared(type: string): boolean {
  return SHARED_TYPES.has(type);
}

export function isInCompartment(resource: FhirResource, patient: string, base: string): boolean {
  if (resource.resourceType === 'Patient') return resource.id === patient;
  const paths = PATIENT_PATHS[resource.resourceType] ?? ['subject', 'patient'];
  return paths
    .flatMap((path) => valuesAt(resource, path))
    .some((value) => {
      const reference = isObject(value) ? value['reference'] : undefined;
      const key = typeof reference === 'string' ? parseReference(reference, base) : null;
      return key?.type === 'Patient' && key.id === patient;
    });
}
