import { underFhirBase } from './ehr/fhir-base-url.js';
import { isFhirId } from './ehr/launch-context.js';
import type { Registration } from './ehr/registrations.js';

const USER_TYPES = ['Practitioner', 'PractitionerRole', 'Patient', 'RelatedPerson', 'Person'] as const;

export type FhirUserType = (typeof USER_TYPES)[number];

/**
 * The `fhirUser` claim as a reference: `Practitioner/1` when it lies under the FHIR base of the launch,
 * whether it came absolute or relative (SMART 2.2 "Scopes for requesting identity data"), else the absolute
 * URL. Null when there is none that can be used.
 */
export function readFhirUser(claims: Record<string, unknown>, registration: Registration): string | null {
  const { profileClaim, bareFhirUserType } = registration.switches;
  const claim = claims.fhirUser ?? (profileClaim ? claims.profile : undefined);
  if (typeof claim !== 'string') return null;
  if (bareFhirUserType && isFhirId(claim)) return `${bareFhirUserType}/${claim}`;
  const base = underFhirBase(registration.iss, '').href;
  const reference = claim.startsWith(base) ? claim.slice(base.length) : claim;
  const [, origin = '', type, id] = /^(https?:\/\/.+\/)?([A-Za-z]+)\/([^/?#]+)$/.exec(reference) ?? [];
  if (!isFhirId(id) || !(USER_TYPES as readonly (string | undefined)[]).includes(type)) return null;
  return `${origin}${type}/${id}`;
}

/** Type and id of a reference that `readFhirUser` made. */
export function splitFhirUser(reference: string): { type: FhirUserType; id: string } {
  const [type, id] = reference.split('/').slice(-2);
  return { type: type as FhirUserType, id: id! };
}
