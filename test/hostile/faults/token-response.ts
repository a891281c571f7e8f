import { expect } from '@jest/globals';
import type { Json } from '../ehr/exchange.js';
import { ACCEPTED, refused } from '../ehr/fault.js';
import type { Expectation, Fault } from '../ehr/fault.js';

const UNUSABLE = refused('invalid_token_response', 502, { token: 1 });
const REFUSED = refused('token_request_failed', 502, { token: 1 });

const LAUNCH = ['/api/launch'];

/** What a 200 of the token endpoint may hold. */
export const TOKEN_RESPONSE_FAULTS: Fault[] = [
  ...accessTokens(),
  ...tokenTypes(),
  ...scopes(),
  ...contexts(),
  ...fhirContexts(),
  ...extensions(),
];

function body(id: string, name: string, change: Json, expectation: Expectation, visits?: string[]): Fault {
  return {
    id,
    name,
    token: (good) => ({ ...good, ...change }),
    expect: expectation,
    ...(visits && { visits }),
  };
}

/** Accepted, and the app sees this of the launch. */
function seen(part: Json): Expectation {
  return { ...ACCEPTED, shows: expect.objectContaining(part) };
}

function accessTokens(): Fault[] {
  const rows: [name: string, token: unknown, expectation?: Expectation][] = [
    ['missing', undefined, REFUSED],
    ['null', null],
    ['empty', ''],
    ['a number', 42],
    ['a list', ['token']],
    ['an object', { token: 'x' }],
    ['two lines', 'token\r\nX-Injected: 1'],
    ['two words', 'token other'],
    ['not ASCII', 'tökén'],
    ['a null character', 'a\u0000b'],
  ];
  return rows.map(([name, access_token, expectation = UNUSABLE]) =>
    body('A7-4', `access_token is ${name}`, { access_token }, expectation),
  );
}

function tokenTypes(): Fault[] {
  return [
    body('A7-4', 'token_type is bEARER', { token_type: 'bEARER' }, ACCEPTED),
    ...[undefined, null, 'mac', 'DPoP', '', 'Bearer ', 5, ['Bearer'], { type: 'Bearer' }].map((token_type) =>
      body('A7-4', `token_type is ${JSON.stringify(token_type)}`, { token_type }, UNUSABLE),
    ),
  ];
}

function scopes(): Fault[] {
  const granted = (scope: string) => ({ scopes: scope === '' ? [] : scope.split(' ') });
  return [
    body('A7-6', 'scope is missing: what was asked for', { scope: undefined }, seen({ missing: [] }), LAUNCH),
    body(
      'A7-6',
      'scope is empty: nothing',
      { scope: '' },
      seen({ scopes: [], missing: ['patient/Patient.rs', 'patient/Observation.cruds'] }),
      LAUNCH,
    ),
    body(
      'A17-6',
      'scopes are granted as URIs',
      {
        scope:
          'http://openid.net/specs/openid-connect-core-1_0#openid http://smarthealthit.org/fhir/scopes/patient/Patient.rs',
      },
      seen({ ...granted('openid patient/Patient.rs'), missing: ['patient/Observation.cruds'] }),
      LAUNCH,
    ),
    body('A7-6', 'scope is a list', { scope: ['openid'] }, UNUSABLE),
    body('A7-6', 'scope is a number', { scope: 1 }, UNUSABLE),
    body(
      'A7-7',
      'less is granted',
      { scope: 'patient/Observation.rs patient/Patient.r' },
      seen({ missing: ['patient/Patient.s', 'patient/Observation.cud'] }),
      LAUNCH,
    ),
    body(
      'A7-7',
      'the same is granted in other words',
      { scope: 'patient/*.r patient/*.s patient/*.cud' },
      seen({ missing: [] }),
      LAUNCH,
    ),
    body(
      'A7-7',
      'other things are granted',
      { scope: 'system/*.* admin __proto__' },
      seen({
        ...granted('system/*.* admin __proto__'),
        missing: ['patient/Patient.rs', 'patient/Observation.cruds'],
      }),
      LAUNCH,
    ),
    body(
      'A7-7 C-17',
      'half a megabyte of scopes is granted',
      { scope: Array.from({ length: 20_000 }, (_, n) => `patient/X.rs?a=${n}`).join(' ') },
      ACCEPTED,
    ),
  ];
}

function contexts(): Fault[] {
  const bad = [
    '../Binary/1',
    'a/b',
    '.',
    '..',
    'Patient/p1',
    'p1?x=1',
    'p1#x',
    'p1%2f..',
    'p 1',
    'é',
    'x'.repeat(65),
    1,
    true,
    {},
    ['p1'],
  ];
  return [
    ...['patient', 'encounter'].flatMap((name) =>
      bad.map((value) =>
        body('A7-8', `${name} is ${JSON.stringify(value).slice(0, 20)}`, { [name]: value }, UNUSABLE),
      ),
    ),
    ...[undefined, null, ''].map((patient) =>
      body(
        'A7-9',
        `patient is ${JSON.stringify(patient)} with patient scopes`,
        { patient },
        refused('missing_patient_context', 502, { token: 1 }),
      ),
    ),
    body(
      'A7-9',
      'patient is missing without patient scopes',
      { patient: undefined, scope: 'user/Practitioner.rs' },
      seen({ patient: null, encounter: 'e1' }),
      LAUNCH,
    ),
    ...[
      [false, false],
      ['false', false],
      ['true', true],
      [undefined, true],
      ['no', true],
      [0, true],
      [{}, true],
    ].map(([given, shown]) =>
      body(
        'A7-12',
        `need_patient_banner is ${JSON.stringify(given)}`,
        { need_patient_banner: given },
        seen({ context: expect.objectContaining({ needPatientBanner: shown }) }),
        LAUNCH,
      ),
    ),
    ...[undefined, null, '', 5, ['x'], {}].map((intent) =>
      body(
        'A7-13 A7-14',
        `intent and tenant are ${JSON.stringify(intent)}`,
        { intent, tenant: intent },
        seen({ context: expect.objectContaining({ intent: null, tenant: null }) }),
        LAUNCH,
      ),
    ),
    body(
      'A7-14',
      'tenant is a path',
      { tenant: '../other' },
      seen({ context: expect.objectContaining({ tenant: '../other' }) }),
      LAUNCH,
    ),
  ];
}

function fhirContexts(): Fault[] {
  const rows: [id: string, name: string, given: unknown, read: unknown][] = [
    [
      'A7-10',
      'a list of strings (SMART 2.0)',
      ['ImagingStudy/1'],
      [{ reference: 'ImagingStudy/1', role: 'launch' }],
    ],
    [
      'A7-10',
      'full of nonsense',
      [
        null,
        1,
        {},
        [],
        { role: 'launch' },
        { reference: 5 },
        { reference: 'X/1', role: '' },
        { reference: 'X/1', role: 'other' },
        { reference: 'X/1', role: 5 },
      ],
      [],
    ],
    ['A7-10', 'one object', { reference: 'X/1' }, []],
    ['A7-10', 'a string', 'X/1', []],
    [
      'A7-10',
      'with a role of its own',
      [{ canonical: 'http://x/Questionnaire/1', role: 'http://x/role' }],
      [{ canonical: 'http://x/Questionnaire/1', role: 'http://x/role' }],
    ],
    [
      'A7-11',
      'another patient',
      [
        { reference: 'Patient/evil' },
        { reference: 'Encounter/evil' },
        { reference: 'https://evil.example/fhir/Patient/evil', role: 'launch' },
        { identifier: {}, type: 'Patient' },
      ],
      [],
    ],
  ];
  return rows.map(([id, name, fhirContext, read]) =>
    body(
      id,
      `fhirContext is ${name}`,
      { fhirContext },
      seen({ patient: 'p1', encounter: 'e1', context: expect.objectContaining({ fhirContext: read }) }),
      LAUNCH,
    ),
  );
}

function extensions(): Fault[] {
  const extra = {
    __department: 'ICU',
    'https://x.example/y': { z: [1] },
    loginDepartment: '1',
    toString: 'x',
    hasOwnProperty: 1,
  };
  return [
    body(
      'A7-15 E-EPIC-4',
      'members nobody knows are kept',
      extra,
      seen({ context: expect.objectContaining({ extra }) }),
      LAUNCH,
    ),
    {
      id: 'C-27',
      name: 'members that would change every object',
      answer: {
        token: (answer) => ({
          ...answer,
          body: JSON.stringify(answer.body).replace(
            '{',
            '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"x":{"__proto__":{"polluted":1}},',
          ),
        }),
      },
      visits: LAUNCH,
      expect: seen({ patient: 'p1', polluted: null, context: expect.objectContaining({ extra: { x: {} } }) }),
    },
    body('E-EPIC-3', 'refresh_token is missing', { refresh_token: undefined }, ACCEPTED),
    body('E-EPIC-3', 'refresh_token is no text', { refresh_token: { token: 1 } }, ACCEPTED),
    ...[-1, 0, '3600', 'abc', 1e400, null, {}, [], true, '0x10'].map((expires_in) =>
      body('A7-5', `expires_in is ${JSON.stringify(expires_in)}`, { expires_in }, ACCEPTED),
    ),
  ];
}
