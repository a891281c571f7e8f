import type { Answer } from '../../ehr/exchange.js';
import { oauthError } from '../../ehr/exchange.js';
import { ACCEPTED, refused } from '../../ehr/fault.js';
import type { Fault } from '../../ehr/fault.js';
import { fhir } from '../../ehr/fhir-data.js';
import { ENTRA_SCOPES } from '../../ehr/real-profiles.js';
import {
  DUE,
  EXPIRED,
  GRANT_OVER,
  isNotV2,
  isRefresh,
  noIssuer,
  strictAboutAssertions,
  takesScopes,
} from './shared.js';

export function platforms(): Fault[] {
  const unknownDiscovery = { discovery: () => ({ status: 404 }) };
  const entra = (scope: unknown) =>
    Object.entries(ENTRA_SCOPES).reduce((text, [smart, own]) => text.replace(smart, own), String(scope));
  const empty: Answer = fhir(200, {
    resourceType: 'Bundle',
    type: 'searchset',
    total: 0,
    entry: [
      {
        search: { mode: 'outcome' },
        resource: {
          resourceType: 'OperationOutcome',
          issue: [{ severity: 'information', code: 'suppressed', diagnostics: 'filtered by scope' }],
        },
      },
    ],
  } as Parameters<typeof fhir>[1]);
  return [
    {
      id: 'E-MPL-1',
      name: 'refresh tokens rotate, and assertions name the token endpoint',
      profile: 'asymmetric',
      instead: { token: strictAboutAssertions },
      later: DUE,
      visits: ['/api/patient', '/api/patient'],
      expect: { ...ACCEPTED, calls: { token: 3, fhir: 2 } },
    },
    {
      id: 'E-MPL-1',
      name: 'a wrong secret is invalid_request',
      instead: { token: () => oauthError('invalid_request') },
      expect: refused('token_request_failed', 502, { token: 1 }, 'invalid_request'),
    },
    {
      id: 'E-AID-1 A3-2',
      name: 'the launch handle is a JWT',
      launch: 'eyJhbGciOiJub25lIn0.eyJwYXRpZW50IjoicDIifQ.c2ln~+/=',
      expect: ACCEPTED,
    },
    {
      id: 'E-AZ-1',
      name: 'there is no discovery, and scopes have names of its own',
      profile: 'azure',
      instead: {
        ...unknownDiscovery,
        ...takesScopes((scope) => !/^(patient|user|system)\//.test(scope)).instead,
      },
      callback: noIssuer,
      token: (body) => ({ ...body, scope: entra(body.scope) }),
      refresh: (body) => ({ ...body, scope: entra(body.scope) }),
      later: EXPIRED,
      visits: ['/api/vitals'],
      expect: { ...ACCEPTED, calls: { discovery: 0, token: 2, fhir: 1 } },
    },
    {
      id: 'E-AZ-1 A7-9',
      name: 'scopes of its own names are granted without a patient',
      profile: 'azure',
      callback: noIssuer,
      token: (body) => ({ ...body, scope: entra(body.scope), patient: undefined }),
      expect: refused('missing_patient_context', 502, { token: 1 }),
    },
    {
      id: 'E-GOO-1',
      name: 'it launches standalone alone, without discovery, with v1 scopes',
      profile: 'google',
      launch: null,
      instead: { ...unknownDiscovery, ...takesScopes(isNotV2).instead },
      callback: noIssuer,
      expect: { ...ACCEPTED, calls: { discovery: 0, fhir: 1 } },
    },
    {
      id: 'E-ISC-1 A8-7',
      name: 'everything is filtered by scope',
      instead: { fhir: () => empty },
      visits: ['/api/search'],
      expect: { ...ACCEPTED, shows: { ids: [] }, calls: { fhir: 1 } },
    },
    {
      id: 'E-MISC-10',
      name: 'an offline token was not used for 90 days',
      instead: {
        token: (_ehr, request) => (isRefresh(request) ? oauthError('invalid_grant') : undefined),
      },
      later: EXPIRED,
      expect: GRANT_OVER,
    },
  ];
}

/** Each error that the SMART launcher simulates (`auth_error` of its launch options), as its code answers it. */
