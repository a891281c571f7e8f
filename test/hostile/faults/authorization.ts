import { ACCEPTED, refused } from '../ehr/fault.js';
import type { Expectation, Fault } from '../ehr/fault.js';
import type { Json } from '../ehr/exchange.js';

type Parameters = Record<string, string>;

const NO_CALL = { token: 0, fhir: 0 };
const INVALID_STATE = refused('invalid_state', 400, NO_CALL);
const INVALID = refused('invalid_callback', 400, NO_CALL);
const FOREIGN = refused('issuer_mismatch', 400, NO_CALL);
const FAILED = refused('authorization_failed', 502, NO_CALL);
const DENIED = refused('access_denied', 403, NO_CALL);
const requiresIss = {
  discovery: (document: Json) => ({ ...document, authorization_response_iss_parameter_supported: true }),
};

export const AUTHORIZATION_FAULTS: Fault[] = [
  ...states(),
  ...issuers(),
  ...errors(),
  ...codes(),
  ...extras(),
];

function changed(change: Parameters | ((parameters: Parameters) => Parameters)): Pick<Fault, 'callback'> {
  return {
    callback: (parameters) => ({
      ...parameters,
      ...(typeof change === 'function' ? change(parameters) : change),
    }),
  };
}

function left(name: string): Pick<Fault, 'callback'> {
  return { callback: ({ [name]: _left, ...others }) => others };
}

/** The good parameters, and one of them once more. */
function twice(name: string, value?: string): Pick<Fault, 'callback'> {
  return {
    callback: (parameters) =>
      new URLSearchParams([...Object.entries(parameters), [name, value ?? parameters[name]!]]),
  };
}

function states(): Fault[] {
  return [
    { id: 'A6-1', name: 'state is missing', ...left('state'), expect: INVALID_STATE },
    { id: 'A6-1', name: 'state is empty', ...changed({ state: '' }), expect: INVALID_STATE },
    { id: 'A6-1', name: 'state is another', ...changed({ state: 'A'.repeat(43) }), expect: INVALID_STATE },
    {
      id: 'A6-1',
      name: 'state is cut',
      ...changed(({ state }) => ({ state: state!.slice(0, -1) })),
      expect: INVALID_STATE,
    },
    {
      id: 'A6-1',
      name: 'state is longer',
      ...changed(({ state }) => ({ state: `${state}x` })),
      expect: INVALID_STATE,
    },
    {
      id: 'A6-1',
      name: 'state is in capitals',
      ...changed(({ state }) => ({ state: state!.toUpperCase() })),
      expect: INVALID_STATE,
    },
    {
      id: 'A6-1 C-27',
      name: 'state is __proto__',
      ...changed({ state: '__proto__' }),
      expect: INVALID_STATE,
    },
    { id: 'A6-1 A6-7', name: 'state comes twice', ...twice('state'), expect: INVALID_STATE },
    {
      id: 'A6-1',
      name: 'state is in brackets',
      callback: ({ state, ...others }) => ({ ...others, 'state[]': state! }),
      expect: INVALID_STATE,
    },
    {
      id: 'A6-1 A6-5',
      name: 'an error without state',
      callback: () => ({ error: 'access_denied' }),
      expect: INVALID_STATE,
    },
  ];
}

function issuers(): Fault[] {
  const rows: [name: string, change: (parameters: Parameters) => Parameters][] = [
    ['another server’s', () => ({ iss: 'https://evil.example' })],
    ['one slash longer', ({ iss }) => ({ iss: `${iss}/` })],
    ['the FHIR base', ({ iss }) => ({ iss: `${iss}/fhir` })],
    ['in capitals', ({ iss }) => ({ iss: iss!.toUpperCase() })],
    ['another server’s, with an error', () => ({ iss: 'https://evil.example', error: 'access_denied' })],
  ];
  return [
    ...rows.map(([name, change]): Fault => ({
      id: 'C-2 B-25',
      name: `iss is ${name}`,
      ...changed(change),
      expect: FOREIGN,
    })),
    {
      id: 'C-2 B-25',
      name: 'iss is missing where it was promised',
      ...left('iss'),
      ...requiresIss,
      expect: FOREIGN,
    },
    { id: 'C-2', name: 'iss is missing where nobody promised it', ...left('iss'), expect: ACCEPTED },
    { id: 'C-2', name: 'iss is there as promised', ...requiresIss, expect: ACCEPTED },
    {
      id: 'C-2',
      name: 'iss comes twice, right and wrong',
      ...twice('iss', 'https://evil.example'),
      expect: INVALID,
    },
    { id: 'C-2', name: 'iss is empty', ...changed({ iss: '' }), expect: INVALID },
  ];
}

function errors(): Fault[] {
  const answered = (id: string, name: string, parameters: Parameters, expect: Expectation): Fault => ({
    id,
    name: `the EHR answers ${name}`,
    callback: ({ state, iss }) => ({ state: state!, iss: iss!, ...parameters }),
    expect,
  });
  return [
    answered('A6-5', 'access_denied', { error: 'access_denied' }, DENIED),
    answered(
      'A6-5 C-28',
      'access_denied with a script',
      {
        error: 'access_denied',
        error_description: '<script>alert(1)</script>',
        error_uri: 'javascript:alert(1)',
      },
      DENIED,
    ),
    answered('A6-5', 'login_required', { error: 'login_required' }, FAILED),
    answered('A6-5', 'server_error', { error: 'server_error' }, FAILED),
    answered('A6-5 C-28', 'a script for an error', { error: '"><script>alert(1)</script>' }, FAILED),
    answered('A6-5', 'an error of a thousand letters', { error: 'e'.repeat(1000) }, FAILED),
    answered('A6-5', 'an error with a line break', { error: 'access\r\nSet-Cookie: a=b' }, FAILED),
    answered('A6-5', 'an empty error and no code', { error: '' }, INVALID),
    {
      id: 'A6-5 C-19',
      name: 'the EHR answers an error with secrets in it',
      callback: ({ state, iss }, { server }) => ({
        state: state!,
        iss: iss!,
        error: `e-${server.canary}`,
        error_description: server.canary,
        error_uri: `https://x.example/${server.canary}`,
      }),
      expect: FAILED,
    },
    {
      id: 'A6-5',
      name: 'the EHR answers an error and a code',
      ...changed({ error: 'access_denied' }),
      expect: DENIED,
    },
    {
      id: 'A6-7',
      name: 'the error comes twice',
      callback: ({ state }) =>
        new URLSearchParams([
          ['state', state!],
          ['error', 'a'],
          ['error', 'b'],
        ]),
      expect: INVALID,
    },
    {
      id: 'E-EPIC-6 E-ATH-4',
      name: 'the EHR shows a page of its own and never comes back',
      answer: { authorize: () => ({ status: 400, body: 'Invalid OAuth 2.0 request' }) },
      expect: { at: 'ehr', status: 400, calls: NO_CALL },
    },
  ];
}

function codes(): Fault[] {
  /** the same grant under another code */
  const renamed = (name: string, code: string, id = 'E-EPIC-5'): Fault => ({
    id,
    name: `the code is ${name}`,
    callback: (parameters, ehr) => {
      ehr.codes.set(code, ehr.codes.get(parameters.code!)!);
      return { ...parameters, code };
    },
    expect: ACCEPTED,
  });
  const jwt = ['e30', 'x'.repeat(7_500), 'sig'].join('.');
  return [
    renamed('a JWT of 7.5 kB', jwt),
    renamed('full of reserved characters', 'a+b/c==&d=%25 é#"\'<>'),
    { id: 'A6-7', name: 'code is missing', ...left('code'), expect: INVALID },
    { id: 'A6-7', name: 'code is empty', ...changed({ code: '' }), expect: INVALID },
    { id: 'A6-7', name: 'code comes twice', ...twice('code', 'another'), expect: INVALID },
    {
      id: 'C-1',
      name: 'code is invented',
      ...changed({ code: 'invented' }),
      expect: refused('token_request_failed', 502, { token: 1, fhir: 0 }),
    },
    {
      id: 'C-1',
      name: 'code is of somebody else’s login, and PKCE says so',
      callback: (parameters, ehr) => {
        const code = ehr.secret('stolen');
        ehr.codes.set(code, { ...ehr.codes.get(parameters.code!)!, challenge: 'A'.repeat(43) });
        return { ...parameters, code };
      },
      expect: refused('token_request_failed', 502, { token: 1, fhir: 0 }),
    },
  ];
}

function extras(): Fault[] {
  return [
    {
      id: 'A6-7',
      name: 'parameters nobody asked for',
      ...changed({
        session_state: 'x',
        scope: 'everything',
        patient: 'evil',
        '__proto__[x]': '1',
        returnTo: 'https://evil.example',
      }),
      expect: ACCEPTED,
    },
    ...['access_token', 'id_token', 'token'].map((name): Fault => ({
      id: 'B-30',
      name: `${name} comes with the code`,
      ...changed({ [name]: 'forged' }),
      expect: INVALID,
    })),
    {
      id: 'B-30',
      name: 'id_token comes instead of the code',
      callback: ({ state, iss }) => ({ state: state!, iss: iss!, id_token: 'forged' }),
      expect: INVALID,
    },
    {
      id: 'A3-4 A6-7',
      name: 'the callback names another patient',
      ...changed({ patient: 'evil', encounter: 'evil' }),
      expect: { ...ACCEPTED, shows: { resourceType: 'Patient', id: 'p1', name: [{ family: 'Family-p1' }] } },
    },
  ];
}
