import { expect } from '@jest/globals';
import type { Fault } from '../../ehr/fault.js';
import { shows, LAUNCH } from './shared.js';

export function norway(): Fault[] {
  return [
    {
      id: 'E-NO-1',
      name: 'fhirUser is a bare id, and the token response has a practitioner',
      profile: 'webmed',
      claims: (claims) => ({ ...claims, fhirUser: 'dr1' }),
      token: (body) => ({ ...body, practitioner: 'dr1' }),
      visits: LAUNCH,
      expect: shows({
        user: 'Practitioner/dr1',
        context: expect.objectContaining({ extra: { practitioner: 'dr1' } }),
      }),
    },
    {
      id: 'E-NO-4',
      name: 'there is neither an id_token nor a refresh token nor a context',
      token: ({ access_token, token_type }) => ({
        access_token,
        token_type,
        scope: 'user/Practitioner.rs',
      }),
      visits: LAUNCH,
      expect: shows({ user: null, patient: null, encounter: null, sub: null }),
    },
  ];
}
