import { expect } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { Answer, Json, Seen } from '../ehr/exchange.js';
import { oauthError, ok } from '../ehr/exchange.js';
import { ACCEPTED, notLaunched, refused } from '../ehr/fault.js';
import type { Expectation, Fault, Misbehaviour } from '../ehr/fault.js';
import { fhir, outcome } from '../ehr/fhir-data.js';
import { ENTRA_SCOPES, LEGACY_ISSUER } from '../ehr/real-profiles.js';
import type { Tenant } from '../ehr/tenant.js';

/** within the last minute of a token that lives five */
const DUE = 270_000;
const EXPIRED = 310_000;

const REFRESHED: Expectation = { ...ACCEPTED, calls: { token: 2, fhir: 1 } };
const GRANT_OVER: Expectation = {
  at: 'data',
  status: 401,
  error: 'session_expired',
  calls: { token: 2, fhir: 0 },
  session: false,
};
const NOT_AUTHORIZED = refused('authorization_failed', 502, { token: 0 });

const isRefresh = ({ form }: Seen) => form.get('grant_type') === 'refresh_token';
const shows = (part: Json): Expectation => ({ ...ACCEPTED, shows: expect.objectContaining(part) });
const LAUNCH = ['/api/launch'];

/** What servers of SMART 1 do not say on the callback. */
const noIssuer: Misbehaviour['callback'] = ({ iss: _left, ...parameters }) => parameters;

/** What real EHRs do, one row or more for each that a client notices (section E of the checklist). */
export const REAL_EHRS: Fault[] = [
  ...epic(),
  ...oracleHealth(),
  ...athenahealth(),
  ...portals(),
  ...norway(),
  ...platforms(),
  ...launcher(),
  ...legacy(),
  ...patients(),
];

/** Grants only what this takes. */
function takesScopes(isTaken: (scope: string) => boolean): Pick<Fault, 'instead'> {
  return {
    instead: {
      authorize: (_ehr, { query }) => {
        if (query.get('scope')!.split(' ').every(isTaken)) return undefined;
        const answer = new URLSearchParams({ error: 'invalid_scope', state: query.get('state')! });
        return {
          status: 302,
          headers: { location: `${query.get('redirect_uri')}?${answer.toString()}` },
        };
      },
    },
  };
}

function isNotV1(scope: string): boolean {
  return !/\.(read|write|\*)$/.test(scope);
}

function isNotV2(scope: string): boolean {
  return !/\.c?r?u?d?s?$/.test(scope);
}

function epic(): Fault[] {
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

/** As Epic is: an `exp` within five minutes, and a `jti` that is new. */
function strictAboutAssertions(ehr: Tenant, { form }: Seen): Answer | undefined {
  const { aud, exp, iat, jti } = decodeJwt(form.get('client_assertion')!);
  const lifetime = exp! - iat!;
  const isGood = aud === `${ehr.url}/token` && lifetime >= 60 && lifetime <= 240;
  return isGood && ehr.tick(`jti ${jti}`) === 1 ? undefined : oauthError('invalid_client', 401);
}

function oracleHealth(): Fault[] {
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

function athenahealth(): Fault[] {
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

function portals(): Fault[] {
  return [
    {
      id: 'E-ECW-1',
      name: 'assertions are signed with RS384 or refused, PKCE is required, aud is iss',
      profile: 'eClinicalWorks',
      discovery: (document) => ({
        ...document,
        token_endpoint_auth_methods_supported: ['private_key_jwt'],
        token_endpoint_auth_signing_alg_values_supported: ['RS384'],
      }),
      instead: {
        token: (_ehr, { form }) => {
          const { alg } = decodeProtectedHeader(form.get('client_assertion')!);
          const isGood = alg === 'RS384' && form.has('code_verifier');
          return isGood ? undefined : oauthError('invalid_client', 401);
        },
      },
      expect: ACCEPTED,
    },
    {
      id: 'E-VER-1',
      name: 'scopes of v1 alone are taken, below a deep base path',
      profile: 'veradigm',
      ...takesScopes(isNotV2),
      expect: { ...ACCEPTED, calls: { discovery: 1, fhir: 1 } },
    },
    {
      id: 'E-VER-1',
      name: 'scopes of v1 alone are taken, and v2 scopes are asked for',
      ...takesScopes(isNotV2),
      expect: NOT_AUTHORIZED,
    },
    {
      id: 'E-MED-1',
      name: 'a standalone launch asks for the patient, or gets none',
      launch: null,
      token: (body) =>
        String(body.scope).includes('launch/patient') ? body : { ...body, patient: undefined },
      expect: ACCEPTED,
    },
  ];
}

function norway(): Fault[] {
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

function platforms(): Fault[] {
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
function launcher(): Fault[] {
  const id = 'E-LCH-4';
  const text = (body: string): Answer => ({ status: 401, headers: { 'content-type': 'text/plain' }, body });
  const authorize = ['invalid_client', 'invalid_request', 'invalid_scope'].map((error): Fault => ({
    id,
    name: `authorize: ${error}`,
    callback: ({ state }) => ({ error, error_description: `Simulated ${error} error`, state: state! }),
    expect: NOT_AUTHORIZED,
  }));
  const token = (name: string, error: string, profile: Fault['profile'] = 'basic'): Fault => ({
    id,
    name,
    profile,
    instead: { token: () => ({ status: 401, body: { error, error_description: `Simulated ${name}` } }) },
    expect: refused('token_request_failed', 502, { token: 1 }, error),
  });
  const request = (name: string, body: string): Fault => ({
    id,
    name,
    instead: { fhir: () => text(body) },
    expect: { ...GRANT_OVER, calls: { token: 2, fhir: 2 } },
  });
  return [
    ...authorize,
    token('auth_invalid_client_secret', 'invalid_client'),
    token('token_invalid_token', 'invalid_client'),
    token('token_invalid_scope', 'invalid_scope'),
    token('token_invalid_jti', 'invalid_client', 'asymmetric'),
    token('token_expired_registration_token', 'invalid_client', 'asymmetric'),
    {
      id,
      name: 'token_expired_refresh_token',
      instead: {
        token: (_ehr, seen) => (isRefresh(seen) ? oauthError('invalid_grant', 403) : undefined),
      },
      later: EXPIRED,
      expect: GRANT_OVER,
    },
    request('request_invalid_token', 'Invalid token'),
    request('request_expired_token', 'Token expired'),
  ];
}

const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris';

/** A server of DSTU2: no SMART configuration, a conformance statement, and its own media type. */
function dstu2(): Pick<Fault, 'instead' | 'callback'> {
  return {
    callback: noIssuer,
    instead: {
      discovery: () => ({ status: 404, body: 'Not found' }),
      fhir: (ehr, { path, headers }) => {
        if (path === '/fhir/metadata') return ok(conformance(ehr));
        const isTaken =
          headers.accept === 'application/json+fhir' &&
          ['application/json+fhir', undefined].includes(headers['content-type']);
        return isTaken ? undefined : { status: 406 };
      },
    },
  };
}

function conformance({ url }: Tenant): Json {
  const extension = ['authorize', 'token'].map((name) => ({ url: name, valueUri: `${url}/${name}` }));
  const security = { extension: [{ url: OAUTH_URIS, extension }] };
  return { resourceType: 'Conformance', rest: [{ mode: 'server', security }] };
}

function legacy(): Fault[] {
  return [
    {
      id: 'E-LEG-1',
      name: 'endpoints are in the capability statement',
      profile: 'dstu2',
      ...dstu2(),
      token: ({ id_token: _left, ...body }) => body,
      expect: { ...ACCEPTED, calls: { discovery: 1, fhir: 2 } },
    },
    {
      id: 'E-LEG-1',
      name: 'endpoints are in the capability statement, and nobody said to look there',
      ...dstu2(),
      expect: { ...notLaunched(), calls: { discovery: 1, authorize: 0, token: 0, fhir: 0 } },
    },
    {
      id: 'E-LEG-2',
      name: 'other media types than that of DSTU2 are refused',
      profile: 'dstu2',
      ...dstu2(),
      token: ({ id_token: _left, ...body }) => body,
      visits: ['/api/patient', '/api/search', '/api/create'],
      // metadata, the patient, three pages, the new resource
      expect: { ...ACCEPTED, calls: { fhir: 6 } },
    },
    {
      id: 'E-LEG-3',
      name: 'an id_token of an issuer that nobody configured',
      profile: 'dstu2',
      ...dstu2(),
      expect: refused('invalid_id_token', 502, { token: 1, jwks: 0, fhir: 1 }, 'set endpoints.issuer'),
    },
    {
      id: 'E-LEG-3',
      name: 'an id_token of the configured issuer',
      profile: 'dstu2Identity',
      ...dstu2(),
      claims: (claims) => ({ ...claims, iss: LEGACY_ISSUER }),
      visits: LAUNCH,
      expect: shows({ user: 'Practitioner/dr1', sub: 'user-1' }),
    },
  ];
}

/** A searchset of these patients. */
function found(ids: string[], members: Json = {}): Answer {
  const entry = ids.map((id) => ({ resource: { resourceType: 'Patient', id } }));
  return fhir(200, { resourceType: 'Bundle', type: 'searchset', entry, ...members } as Parameters<
    typeof fhir
  >[1]);
}

function patients(): Fault[] {
  const blueButton = {
    profile: 'blueButton',
    token: (body: Json): Json => ({ ...body, patient: undefined }),
  } as const;
  const medent = { ...blueButton, profile: 'medent' } as const;
  const search = (answer: Answer): Pick<Fault, 'instead'> => ({
    instead: { fhir: (_ehr, { path }) => (path === '/fhir/Patient' ? answer : undefined) },
  });
  const NO_PATIENT = refused('missing_patient_context', 502, { token: 1, fhir: 1 });
  const isPatient = (fhirUser: string): Pick<Fault, 'claims'> => ({
    claims: (claims) => ({ ...claims, fhirUser }),
  });
  const next = [{ relation: 'next', url: '?page=2' }];
  return [
    {
      id: 'E-MISC-4',
      name: 'no patient is named, and the token finds one',
      ...blueButton,
      expect: { ...ACCEPTED, calls: { token: 1, fhir: 2 } },
    },
    {
      id: 'E-MISC-4',
      name: 'no patient is named at first, and the refresh names the same',
      ...blueButton,
      later: EXPIRED,
      expect: { ...ACCEPTED, calls: { token: 2, fhir: 2 } },
    },
    {
      id: 'E-MISC-4 A9-6',
      name: 'no patient is named at first, and the refresh names another',
      ...blueButton,
      refresh: (body) => ({ ...body, patient: 'p2' }),
      later: DUE,
      expect: { ...GRANT_OVER, error: 'patient_changed', calls: { token: 2, fhir: 1 } },
    },
    ...(
      [
        ['none', found([])],
        ['two', found(['p1', 'p2'])],
        ['one of two', found(['p1'], { total: 2 })],
        ['one on the first page', found(['p1'], { link: next })],
        ['one whose id is a path', found(['../Binary/1'])],
        ['no Bundle', fhir(200, { resourceType: 'Patient', id: 'p1' })],
        ['a refusal', outcome(403, 'forbidden')],
        ['a 401', outcome(401, 'login')],
      ] as const
    ).map(([name, answer]): Fault => ({
      id: 'E-MISC-4 A7-9',
      name: `no patient is named, and the token finds ${name}`,
      ...blueButton,
      ...search(answer),
      expect: NO_PATIENT,
    })),
    {
      id: 'E-MISC-4 A7-9',
      name: 'no patient is named to a clinician, whose token finds one',
      ...blueButton,
      token: (body) => ({ ...body, scope: `${String(body.scope)} user/Patient.read`, patient: undefined }),
      expect: { ...NO_PATIENT, calls: { token: 1, fhir: 0 } },
    },
    {
      id: 'E-MISC-4 A7-9',
      name: 'no patient is named, and nobody said to search',
      token: blueButton.token,
      // refused before any key is fetched
      expect: { ...NO_PATIENT, calls: { token: 1, jwks: 0, fhir: 0 } },
    },
    {
      id: 'E-MISC-4',
      name: 'no patient is named, the user is another, and nobody said that it counts',
      ...blueButton,
      ...isPatient('Patient/p9'),
      expect: { ...ACCEPTED, calls: { token: 1, fhir: 2 } },
    },
    {
      id: 'E-MISC-5',
      name: 'the patient is the user',
      ...medent,
      ...isPatient('Patient/p1'),
      expect: { ...ACCEPTED, calls: { fhir: 1 } },
    },
    ...(
      [
        ['a practitioner', 'Practitioner/p1'],
        ['a relative', 'RelatedPerson/p1'],
        ['a patient of another server', 'https://other.example.org/fhir/Patient/p1'],
      ] as const
    ).map(([name, fhirUser]): Fault => ({
      id: 'E-MISC-5 A7-9',
      name: `no patient is named, and the user is ${name}`,
      ...medent,
      ...isPatient(fhirUser),
      expect: { ...NO_PATIENT, calls: { token: 1, fhir: 0 } },
    })),
    {
      id: 'E-MISC-5 A7-9',
      name: 'the patient is the user, and nobody said so',
      token: medent.token,
      ...isPatient('Patient/p1'),
      expect: { ...NO_PATIENT, calls: { token: 1, fhir: 0 } },
    },
  ];
}
