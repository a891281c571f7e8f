import type { Answer, Seen } from '../ehr/exchange.js';
import { ACCEPTED } from '../ehr/fault.js';
import type { Expectation, Fault } from '../ehr/fault.js';
import { outcome } from '../ehr/fhir-data.js';
import type { Tenant } from '../ehr/tenant.js';

/** No data, but the session lives on. */
export function failed(error: string, status = 502, fhir = 1, message?: string): Expectation {
  return { at: 'data', status, error, calls: { token: 1, fhir }, session: true, ...(message && { message }) };
}

export const NO_JSON = failed('invalid_fhir_response');

export const FHIR_FAULTS: Fault[] = [
  ...statuses(),
  ...bodies(),
  ...redirects(),
  ...foreignTargets(),
  ...writes(),
];

type FhirAnswer = (good: Answer, ehr: Tenant, request: Seen) => Answer;

export function row(
  id: string,
  name: string,
  fhir: FhirAnswer,
  expect: Expectation,
  visits?: string[],
): Fault {
  return { id, name, answer: { fhir }, expect, ...(visits && { visits }) };
}

function statuses(): Fault[] {
  const unauthorized = ({ server }: Tenant) =>
    outcome(401, 'login', `Bearer error="invalid_token" ${server.canary}`);
  return [
    row(
      'A8-5 E-ORA-7',
      'the token is refused once: one refresh, one retry',
      (good, ehr) => (ehr.count('fhir') === 1 ? unauthorized(ehr) : good),
      { ...ACCEPTED, calls: { token: 2, fhir: 2 } },
    ),
    row('A8-5', 'the token is refused twice: the session ends', (_good, ehr) => unauthorized(ehr), {
      at: 'data',
      status: 401,
      error: 'session_expired',
      calls: { token: 2, fhir: 2 },
      session: false,
    }),
    {
      ...row(
        'A8-5',
        'the token is refused and there is no refresh token',
        (_good, ehr) => unauthorized(ehr),
        { at: 'data', status: 401, error: 'session_expired', calls: { token: 1, fhir: 1 }, session: false },
      ),
      profile: 'noRefresh',
    },
    row(
      'A8-5 A8-7',
      'a 403 with an OperationOutcome: no refresh, no text of it',
      (_good, { server }) => outcome(403, 'forbidden', server.canary),
      failed('fhir_request_failed', 403, 1, '(forbidden)'),
    ),
    row('A8-7', 'a 403 without a body', () => ({ status: 403 }), failed('fhir_request_failed', 403)),
    row('A8-7 E-MPL-2', 'a 404', () => outcome(404, 'not-found'), failed('fhir_request_failed', 404)),
    row('A8-7', 'a 410', () => outcome(410, 'deleted'), failed('fhir_request_failed', 410)),
    row(
      'D-b',
      'a 400 with an OperationOutcome',
      () => outcome(400, 'invalid'),
      failed('fhir_request_failed', 400),
    ),
    row(
      'A8-7',
      'a 500 with a secret',
      (_good, { server }) => outcome(500, `e-${server.canary}`, server.canary),
      failed('fhir_request_failed'),
    ),
    row(
      'A8-7',
      'a 503 as HTML',
      (_good, { server }) => ({ status: 503, body: `<html>${server.canary}</html>` }),
      failed('fhir_request_failed'),
    ),
    row('A8-7', 'a 599', () => ({ status: 599, body: 'x' }), failed('fhir_request_failed')),
    row(
      'A8-7',
      'an OperationOutcome with nothing in it',
      () => ({ status: 422, body: { resourceType: 'OperationOutcome', issue: null } }),
      failed('fhir_request_failed', 422),
    ),
    row(
      'A8-7',
      'an OperationOutcome with a script for a code',
      () => outcome(422, '<script>'),
      failed('fhir_request_failed', 422),
    ),
    ...['60', '-1', '1e306', 'Infinity', 'soon', '0x10', '9'.repeat(300)].map((after) =>
      row(
        'E-ECW-1',
        `a 429 with Retry-After ${after.slice(0, 10)}`,
        () => ({ status: 429, headers: { 'retry-after': after } }),
        failed('fhir_request_failed', 429),
      ),
    ),
    row(
      'E-ECW-1',
      'a 429 that lets us come again at once',
      (good, ehr) => (ehr.count('fhir') === 1 ? { status: 429, headers: { 'retry-after': '0' } } : good),
      { ...ACCEPTED, calls: { token: 1, fhir: 2 } },
    ),
    row(
      'E-ECW-1',
      'a 429 that lets us come again at once, for ever',
      () => ({ status: 429, headers: { 'retry-after': '0' } }),
      failed('fhir_request_failed', 429, 2),
    ),
  ];
}

function bodies(): Fault[] {
  const body = (name: string, body: unknown, expect = NO_JSON): Fault =>
    row('A2-12 C-17', `the Patient is ${name}`, () => ({ status: 200, body }), expect);
  return [
    body('HTML', '<html></html>'),
    body('XML', '<Patient xmlns="http://hl7.org/fhir"/>'),
    body('half a JSON', '{"resourceType":"Patient","id":"p1"'),
    body('two JSONs', '{}{}'),
    body('empty', undefined),
    body('null', 'null'),
    body('a list', []),
    body('a text', '"p1"'),
    body('another patient', { resourceType: 'Patient', id: 'p2' }),
    body('without an id', { resourceType: 'Patient' }),
    body('of another type', { resourceType: 'Practitioner', id: 'p1' }),
    row('A2-12', 'a read of the app’s own is answered with nothing', () => ({ status: 200 }), NO_JSON, [
      '/api/read?path=Patient/p1',
    ]),
    row(
      'A2-12',
      'a read of the app’s own is answered with null',
      () => ({ status: 200, body: 'null' }),
      NO_JSON,
      ['/api/read?path=Patient/p1'],
    ),
    row(
      'C-27',
      'the Patient sets __proto__',
      () => ({ status: 200, body: '{"resourceType":"Patient","id":"p1","__proto__":{"polluted":1}}' }),
      ACCEPTED,
    ),
    {
      ...row(
        'C-27',
        'the Patient sets __proto__, and nothing has it afterwards',
        () => ({ status: 200, body: '{"__proto__":{"polluted":1}}' }),
        ACCEPTED,
      ),
      visits: ['/api/patient', '/api/launch'],
    },
    row(
      'A2-2',
      'the FHIR server sets cookies, which never come back',
      (good, _ehr, { headers }) =>
        headers.cookie === undefined
          ? { ...good, headers: { 'set-cookie': ['a=1; Path=/', 'smart-session=stolen; Path=/'] } }
          : { status: 400 },
      ACCEPTED,
      ['/api/patient', '/api/patient'],
    ),
  ];
}

function redirects(): Fault[] {
  return [301, 302, 303, 307, 308].flatMap((status) => [
    row(
      'A8-4',
      `a ${status} to another server`,
      (_good, { evil }) => ({ status, headers: { location: `${evil.fhirBaseUrl}/Patient/p1` } }),
      failed('fhir_request_failed', 502, 1, 'redirect'),
    ),
    row(
      'A8-4',
      `a ${status} to itself`,
      (_good, { fhirBaseUrl }) => ({ status, headers: { location: `${fhirBaseUrl}/Patient/p1` } }),
      failed('fhir_request_failed', 502, 1, 'redirect'),
    ),
  ]);
}

/** Paths an app might take from somebody’s data. */
function foreignTargets(): Fault[] {
  const paths = [
    'https://evil.example/fhir/Patient/1',
    '//evil.example/Patient/1',
    '\\\\evil.example\\x',
    '../token',
    'Patient/../../token',
    'Patient/../Observation/o1',
    'Patient/%2e%2e/Observation/o1',
    './Patient/p1',
    'Patient/%2e%2e/%2E%2E/token',
    'Patient/1#x',
    'http:Patient/1',
    'javascript:alert(1)',
    '',
  ];
  return paths.map((path) => ({
    id: path.includes('evil') ? 'A8-2' : 'A8-6',
    name: `the app is led to ${path === '' ? 'nowhere' : path}`,
    visits: [`/api/read?path=${encodeURIComponent(path)}`],
    expect: failed('invalid_request', 400, 0),
  }));
}

function writes(): Fault[] {
  const create = (name: string, answer: FhirAnswer, expect: Expectation): Fault =>
    row('A8-4 A8-7', `a create is answered with ${name}`, answer, expect, ['/api/create']);
  return [
    create(
      'a redirect to another server',
      (_good, { evil }) => ({ status: 307, headers: { location: evil.fhirBaseUrl } }),
      failed('fhir_request_failed'),
    ),
    create(
      'a Location at another server',
      (_good, { evil }) => ({
        status: 201,
        headers: { location: `${evil.fhirBaseUrl}/Observation/evil-1/_history/1` },
      }),
      { ...ACCEPTED, shows: { id: 'evil-1' }, calls: { fhir: 1 } },
    ),
    create('a Location that is no reference', () => ({ status: 201, headers: { location: '../../x?y' } }), {
      ...ACCEPTED,
      shows: {},
    }),
    create('another resource', () => ({ status: 201, body: { resourceType: 'Patient', id: 'evil' } }), {
      ...ACCEPTED,
      shows: {},
    }),
    create('a list', () => ({ status: 201, body: [1] }), { ...ACCEPTED, shows: {} }),
    create('a 412', () => outcome(412, 'conflict'), failed('conflict', 409)),
    row(
      'A8-5',
      'a write whose token is refused once is sent once more',
      (good, ehr) => (ehr.count('fhir') === 1 ? { status: 401 } : good),
      { ...ACCEPTED, calls: { token: 2, fhir: 2 } },
      ['/api/update'],
    ),
  ];
}
