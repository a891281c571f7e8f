import { isFhirId } from './ehr/launch-context.js';
import type { LaunchContext } from './ehr/launch-context.js';
import type { LaunchOverrides } from './launch-parameters.js';
import { SmartError } from './smart-error.js';

/** The context that a launch must end with. */
export interface ExpectedContext {
  patient?: string;
  encounter?: string;
}

export function expectedContext({
  patientId,
  encounterId,
}: LaunchOverrides): ExpectedContext | undefined | SmartError {
  for (const [name, id] of Object.entries({ patientId, encounterId })) {
    if (id !== undefined && !isFhirId(id))
      return new SmartError('invalid_launch_request', `${name} is not a FHIR id`);
  }
  if (patientId === undefined && encounterId === undefined) return undefined;
  return {
    ...(patientId !== undefined && { patient: patientId }),
    ...(encounterId !== undefined && { encounter: encounterId }),
  };
}

/** The app asked for one patient; whoever got another one was shown somebody else's data. */
export function unexpectedContext(
  expected: ExpectedContext | undefined,
  context: LaunchContext,
): SmartError | undefined {
  for (const name of ['patient', 'encounter'] as const) {
    if (expected?.[name] !== undefined && context[name] !== expected[name]) {
      const found = context[name] === null ? `no ${name}` : `another ${name}`;
      return new SmartError('patient_changed', `The launch was for one ${name}, and the EHR named ${found}`, {
        status: 502,
      });
    }
  }
  return undefined;
}
