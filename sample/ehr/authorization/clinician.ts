import type { Account } from 'oidc-provider';

/** The user of this demo EHR: one Practitioner, always logged in. */
export interface Clinician {
  id: string;
  name: string;
  /** Absolute URL of the Practitioner resource. */
  fhirUser: string;
}

export function clinicianAccount(clinician: Clinician): Account {
  return {
    accountId: clinician.id,
    claims: () => ({ sub: clinician.id, name: clinician.name, fhirUser: clinician.fhirUser }),
  };
}
