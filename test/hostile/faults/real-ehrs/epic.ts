import type { Answer } from '../../ehr/exchange.js';
import { oauthError } from '../../ehr/exchange.js';
import { ACCEPTED, refused } from '../../ehr/fault.js';
import type { Fault } from '../../ehr/fault.js';
import {
  EXPIRED,
  NOT_AUTHORIZED,
  REFRESHED,
  isNotV1,
  shows,
  strictAboutAssertions,
  takesScopes,
} from './shared.js';

export function epic(): Fault[] {
  const refusal = (): Answer => ({
    status: 401,
    body: { error: 'invalid_client', error_description: null },
  });
  return [
    {
      id: 'E-EPIC-1',
      name: 'Basic is compared unencoded',
      instead: {
        token: (_ehr, { headers }) => {
          const encoded = headers.authorization!.replace(/^Basic /, '');
          const credentials = Buffer.from(encoded, 'base64').toString();
          return credentials.includes('%') ? oauthError('invalid_client', 401) : undefined;
        },
      },
      expect: ACCEPTED,
    },
    {
      id: 'E-EPIC-7 E-EPIC-6',
      name: 'a key that has not spread yet: the error says what to check',
      profile: 'asymmetric',
      instead: { token: refusal },
      expect: refused(
        'token_request_failed',
        502,
        { token: 1 },
        'new registrations can take a day to reach every server; a client assertion also fails when this clock is off',
      ),
    },
    {
      id: 'E-EPIC-7',
      name: 'assertions live five minutes at most, and each is taken once',
      profile: 'asymmetric',
      instead: { token: strictAboutAssertions },
      later: EXPIRED,
      expect: REFRESHED,
    },
    {
      id: 'E-EPIC-8',
      name: 'fhirUser is an absolute URL',
      claims: (claims, ehr) => ({ ...claims, fhirUser: `${ehr.fhirBaseUrl}/Practitioner/dr1` }),
      visits: ['/api/user', '/api/launch'],
      expect: { ...shows({ user: 'Practitioner/dr1' }), calls: { fhir: 1 } },
    },
    {
      id: 'E-EPIC-9',
      name: 'the app is registered for v2 scopes, and asks for them',
      ...takesScopes(isNotV1),
      expect: ACCEPTED,
    },
    {
      id: 'E-EPIC-9',
      name: 'the app is registered for v2 scopes, and asks for v1 scopes',
      profile: 'veradigm',
      ...takesScopes(isNotV1),
      expect: NOT_AUTHORIZED,
    },
  ];
}
