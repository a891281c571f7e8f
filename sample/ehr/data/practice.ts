import type { Organization, Practitioner } from 'fhir/r4.js';

/** Where and by whom the synthetic patients are seen. */
export const PRACTICE: Organization = {
  resourceType: 'Organization',
  id: 'hillside-practice',
  active: true,
  identifier: [{ system: 'https://ehr.example/organizations', value: 'hillside' }],
  type: [
    {
      coding: [
        {
          system: 'http://terminology.hl7.org/CodeSystem/organization-type',
          code: 'prov',
          display: 'Healthcare Provider',
        },
      ],
    },
  ],
  name: 'Hillside Family Practice',
  address: [{ line: ['12 Orchard Lane'], city: 'Hillside', country: 'US' }],
};

export const PRACTITIONERS: readonly Practitioner[] = [
  practitioner('noemi-szabo', 'Noémi', 'Szabó', 'female'),
  practitioner('oskar-lindqvist', 'Oskar', 'Lindqvist', 'male'),
];

function practitioner(id: string, given: string, family: string, gender: 'female' | 'male'): Practitioner {
  return {
    resourceType: 'Practitioner',
    id,
    active: true,
    identifier: [{ system: 'https://ehr.example/practitioners', value: id }],
    name: [{ use: 'official', family, given: [given], prefix: ['Dr.'] }],
    gender,
  };
}
