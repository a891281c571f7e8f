import { expect } from '@jest/globals';
import type { Answer, Json } from '../ehr/exchange.js';
import { oauthError } from '../ehr/exchange.js';
import { ACCEPTED } from '../ehr/fault.js';
import type { Expectation, Fault } from '../ehr/fault.js';
import { hmac, resigned, tampered } from '../ehr/forgery.js';
import { CLIENT_SECRET } from '../ehr/profiles.js';
import type { Tenant } from '../ehr/tenant.js';

/** within the last minute of a token that lives five */
const DUE = 270_000;
const EXPIRED = 310_000;

const REFRESHED: Expectation = { ...ACCEPTED, calls: { token: 2, fhir: 1 } };
const ENDED: Expectation = {
  at: 'data',
  status: 401,
  error: 'patient_changed',
  calls: { token: 2, fhir: 0 },
  session: false,
};
const GRANT_OVER: Expectation = { ...ENDED, error: 'session_expired' };
const down = (error = 'token_request_failed'): Expectation => ({
  at: 'data',
  status: 502,
  error,
  calls: { token: 2, fhir: 0 },
  session: 'unreachable',
});

/** an EHR that rotates has spent the refresh token with that answer */
const UNUSABLE: Expectation = { ...down('invalid_token_response'), session: 'unreachable' };

const SAME_USER = expect.objectContaining({ sub: 'user-1' });

export const REFRESH_FAULTS: Fault[] = [...contexts(), ...identities(), ...tokens(), ...refusals()];

function refreshed(
  id: string,
  name: string,
  change: (body: Json) => Json,
  expect: Expectation = REFRESHED,
): Fault {
  return { id, name, refresh: (body) => ({ ...body, ...change(body) }), later: DUE, expect };
}

function contexts(): Fault[] {
  const gone = {
    patient: undefined,
    encounter: undefined,
    fhirContext: undefined,
    need_patient_banner: undefined,
  };
  return [
    {
      ...refreshed('A9-5 E-MISC-7', 'the refresh says nothing of the launch', () => gone),
      visits: ['/api/patient'],
    },
    refreshed('A9-5', 'the refresh says nothing of the scope', () => ({ scope: undefined })),
    refreshed('A9-6', 'the refresh names another patient', () => ({ patient: 'p2' }), ENDED),
    refreshed('A9-6', 'the refresh names another encounter', () => ({ encounter: 'e2' }), ENDED),
    refreshed('A9-6', 'the refresh names the patient in capitals', () => ({ patient: 'P1' }), ENDED),
    refreshed('A9-6 A7-8', 'the refresh names a path for a patient', () => ({ patient: '../Patient/p2' }), {
      ...ACCEPTED,
      calls: { token: 2 },
    }),
    {
      ...refreshed(
        'A9-6',
        'the expired token’s refresh names a path for a patient',
        () => ({ patient: '../x' }),
        UNUSABLE,
      ),
      later: EXPIRED,
    },
    {
      id: 'A9-6 E-MISC-4',
      name: 'the refresh names a patient where the launch had none',
      token: (body) => ({ ...body, patient: undefined, scope: 'user/Practitioner.rs' }),
      later: DUE,
      visits: ['/api/user'],
      expect: ENDED,
    },
  ];
}

/** id_tokens that come with a refresh never change who the user is (OIDC Core 12.2). */
function identities(): Fault[] {
  const claims = (name: string, change: (claims: Json) => Json, expect: Expectation = REFRESHED): Fault => ({
    id: 'B-24',
    name: `the refreshed id_token has ${name}`,
    refreshClaims: (good) => ({ ...good, ...change(good) }),
    later: DUE,
    expect,
  });
  const forged = (name: string, forge: (jwt: string, ehr: Tenant) => string | Promise<string>): Fault => ({
    id: 'B-24 B-12',
    name: `the refreshed id_token names another user, ${name}: it says nothing`,
    refreshClaims: (good) => ({ ...good, sub: 'admin' }),
    idToken: (jwt, ehr) => (ehr.count('token') > 1 ? forge(jwt, ehr) : jwt),
    later: DUE,
    visits: ['/api/launch'],
    expect: { ...ACCEPTED, shows: SAME_USER },
  });
  return [
    claims('the same sub and no nonce', () => ({})),
    claims('an old iat', ({ iat }) => ({ iat: Number(iat) - 3600 })),
    { ...claims('no aud and no nonce (launcher v2)', () => ({ aud: undefined })), id: 'B-24 E-LCH-2' },
    claims('another iss: it says nothing', () => ({ iss: 'https://evil.example', sub: 'admin' })),
    claims('another sub', () => ({ sub: 'user-2' }), ENDED),
    claims('a sub in capitals', () => ({ sub: 'USER-1' }), ENDED),
    forged('signed by nobody', (jwt) => tampered(jwt, { sub: 'root' })),
    forged('signed by somebody else', (jwt, { server }) => resigned(jwt, server.keys.attacker)),
    forged('signed with the client secret', (jwt) => hmac(jwt, CLIENT_SECRET)),
  ];
}

function tokens(): Fault[] {
  return [
    refreshed('A9-3', 'the refresh token is not replaced', () => ({ refresh_token: undefined })),
    refreshed('A9-3', 'the refresh token is replaced by nothing', () => ({ refresh_token: '' })),
    refreshed('A9-7 E-EPIC-2', 'offline_access is not in the scope', () => ({ scope: 'patient/Patient.rs' })),
    {
      ...refreshed('A9-7', 'no access scope was ever granted', () => ({})),
      token: (body) => ({ ...body, scope: 'patient/Patient.rs' }),
    },
    refreshed('A7-4', 'the token type is mac', () => ({ token_type: 'mac' }), {
      ...ACCEPTED,
      calls: { token: 2, fhir: 1 },
    }),
    {
      ...refreshed(
        'A7-4',
        'the expired token’s refresh is of type mac',
        () => ({ token_type: 'mac' }),
        UNUSABLE,
      ),
      later: EXPIRED,
    },
    {
      ...refreshed(
        'A7-4',
        'the expired token’s refresh has two lines',
        () => ({ access_token: 'a\r\nb' }),
        UNUSABLE,
      ),
      later: EXPIRED,
    },
  ];
}

function refusals(): Fault[] {
  const onRefresh = (answer: (ehr: Tenant) => Answer) => ({
    token: (ehr: Tenant) => (ehr.count('token') > 1 ? answer(ehr) : undefined),
  });
  const row = (
    id: string,
    name: string,
    answer: (ehr: Tenant) => Answer,
    expect: Expectation,
    later = EXPIRED,
  ): Fault => ({
    id,
    name: `${later === DUE ? 'a due' : 'an expired'} token’s refresh is answered with ${name}`,
    instead: onRefresh(answer),
    later,
    expect,
  });
  const gateway = ({ server }: Tenant) => ({ status: 503, body: `<html>${server.canary}</html>` });
  return [
    row('A9-8', 'invalid_grant', () => oauthError('invalid_grant'), GRANT_OVER),
    row('A9-8', 'invalid_grant', () => oauthError('invalid_grant'), GRANT_OVER, DUE),
    row('A9-8 E-MISC-1', '200 and invalid_grant', () => oauthError('invalid_grant', 200), GRANT_OVER),
    row(
      'A9-8 C-19',
      'invalid_grant and a secret',
      ({ server }) => ({ status: 400, body: { error: 'invalid_grant', error_description: server.canary } }),
      GRANT_OVER,
    ),
    row('A9-8', 'a 503', gateway, { ...ACCEPTED, calls: { token: 2, fhir: 1 } }, DUE),
    row('A9-8', 'a 503', gateway, down()),
    row(
      'A9-8',
      'invalid_client',
      () => oauthError('invalid_client', 401),
      { ...ACCEPTED, calls: { token: 2, fhir: 1 } },
      DUE,
    ),
    row('A9-8', 'a 401 without JSON', () => ({ status: 401, body: 'no' }), down()),
    row(
      'A9-1 C-16',
      'a redirect to another server',
      ({ evil }) => ({ status: 307, headers: { location: `${evil.url}/token` } }),
      down(),
    ),
  ];
}
