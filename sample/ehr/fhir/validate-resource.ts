import { FhirError } from './fhir-error.js';
import { isObject } from './json.js';
import { ID_PATTERN } from './references.js';
import { isResourceType } from './search-parameters.js';

/** The elements R4 demands, for the types apps write; `a|b` means one of the choices. */
const REQUIRED: Record<string, readonly string[]> = {
  AllergyIntolerance: ['patient'],
  Appointment: ['status', 'participant'],
  CarePlan: ['status', 'intent', 'subject'],
  Condition: ['subject'],
  DiagnosticReport: ['status', 'code'],
  DocumentReference: ['status', 'content'],
  Encounter: ['status', 'class'],
  Goal: ['lifecycleStatus', 'description', 'subject'],
  Immunization: ['status', 'vaccineCode', 'patient', 'occurrenceDateTime|occurrenceString'],
  MedicationRequest: ['status', 'intent', 'medicationCodeableConcept|medicationReference', 'subject'],
  Observation: ['status', 'code'],
  Procedure: ['status', 'subject'],
  QuestionnaireResponse: ['status'],
  ServiceRequest: ['status', 'intent', 'subject'],
  Task: ['status', 'intent'],
};

/** The checks worth making without profiles: the type, the id and what must not be missing. */
export function validateResource(resource: unknown, expectedType: string): void {
  if (!isObject(resource)) throw new FhirError(400, 'structure', 'the body is not a JSON object');
  const type = resource['resourceType'];
  if (typeof type !== 'string') throw new FhirError(400, 'required', 'the body has no resourceType');
  if (type !== expectedType) {
    throw new FhirError(400, 'invalid', `expected a ${expectedType}, the body is a ${type}`);
  }
  if (!isResourceType(type)) throw new FhirError(404, 'not-supported', `${type} is not supported`);
  const id = resource['id'];
  if (id !== undefined && (typeof id !== 'string' || !ID_PATTERN.test(id))) {
    throw new FhirError(400, 'value', `not a FHIR id: ${JSON.stringify(id)}`, [`${type}.id`]);
  }
  const missing = (REQUIRED[type] ?? []).filter((name) => name.split('|').every((n) => !(n in resource)));
  if (missing.length > 0) {
    const paths = missing.map(
      (name) => `${type}.${name.replace(/^(\w+?)(?:DateTime|CodeableConcept)\|.*/, '$1[x]')}`,
    );
    throw new FhirError(422, 'required', `required elements are missing: ${paths.join(', ')}`, paths);
  }
}
