import { oauthError } from '../../ehr/exchange.js';
import { ACCEPTED } from '../../ehr/fault.js';
import type { Fault } from '../../ehr/fault.js';
import { EXPIRED, REFRESHED, isRefresh } from './shared.js';

export function athenahealth(): Fault[] {
  const profile = 'athena';
  return [
    { id: 'E-ATH-2', name: 'the client id is a JWT of 900 characters', profile, expect: ACCEPTED },
    {
      id: 'E-ATH-3',
      name: 'a state of other characters comes back broken',
      profile,
      callback: (parameters) => ({ ...parameters, state: parameters.state!.replace(/[^\w-]/g, '_') }),
      expect: ACCEPTED,
    },
    {
      id: 'E-ATH-3',
      name: 'a refresh without redirect_uri is refused',
      profile,
      instead: {
        token: (_ehr, request) =>
          isRefresh(request) && !request.form.get('redirect_uri')?.endsWith('/fhir/callback')
            ? oauthError('invalid_request')
            : undefined,
      },
      later: EXPIRED,
      expect: REFRESHED,
    },
  ];
}
