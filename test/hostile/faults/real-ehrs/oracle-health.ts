import { ACCEPTED } from '../../ehr/fault.js';
import { expect } from '@jest/globals';
import type { Fault } from '../../ehr/fault.js';
import { outcome } from '../../ehr/fhir-data.js';
import { EXPIRED, GRANT_OVER, isRefresh } from './shared.js';

export function oracleHealth(): Fault[] {
  const profile = 'oracle';
  const errorUri = 'https://authorization.cerner.com/errors/oauth2/token/invalid-grant';
  return [
    {
      id: 'E-ORA-2',
      name: 'tokens live 570 s, their refresh token stays and is named once',
      profile,
      token: ({ scope: _left, ...body }) => ({ ...body, expires_in: 570 }),
      refresh: ({ scope: _left, refresh_token: rotated, ...body }, ehr, { form }) => {
        ehr.refreshTokens.set(form.get('refresh_token')!, ehr.refreshTokens.get(String(rotated))!);
        return { ...body, expires_in: 570 };
      },
      later: 520_000,
      visits: ['/api/patient', '/api/patient', '/api/vitals'],
      expect: { ...ACCEPTED, calls: { token: 4, fhir: 3 } },
    },
    {
      id: 'E-ORA-3',
      name: 'an online refresh fails once the session at the EHR is over',
      profile,
      instead: {
        token: (_ehr, request) =>
          isRefresh(request)
            ? { status: 400, body: { error: 'invalid_grant', error_uri: errorUri } }
            : undefined,
      },
      later: EXPIRED,
      expect: GRANT_OVER,
    },
    {
      id: 'E-ORA-6',
      name: 'no scope for data is granted: the refusal names what is missing',
      profile,
      token: (body) => ({ ...body, scope: 'launch openid profile online_access' }),
      visits: ['/api/vitals'],
      expect: {
        at: 'data',
        status: 403,
        error: 'insufficient_scope',
        message: 'patient/Observation.rs',
        shows: expect.objectContaining({ missing: ['patient/Observation.rs'] }),
        calls: { fhir: 0 },
        session: true,
      },
    },
    {
      id: 'E-ORA-7',
      name: 'the reason of a 401 is in the diagnostics: the token is renewed',
      profile,
      instead: {
        fhir: (ehr) =>
          ehr.tick('fhir') === 1
            ? outcome(401, 'login', 'Bearer realm="fhir", error="invalid_token"')
            : undefined,
      },
      expect: { ...ACCEPTED, calls: { token: 2, fhir: 2 } },
    },
    {
      id: 'E-ORA-8 B-29',
      name: 'the user is the claim profile',
      profile,
      claims: ({ fhirUser, ...claims }) => ({ ...claims, profile: fhirUser }),
      visits: ['/api/user'],
      expect: { ...ACCEPTED, calls: { fhir: 1 } },
    },
  ];
}
