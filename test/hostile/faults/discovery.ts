import type { Answer, Json, Seen } from '../ehr/exchange.js';
import { ACCEPTED, notLaunched, refused } from '../ehr/fault.js';
import type { Expectation, Fault } from '../ehr/fault.js';
import type { Tenant } from '../ehr/tenant.js';

const NOT_LAUNCHED = notLaunched();

export const DISCOVERY_FAULTS: Fault[] = [
  ...endpoints(),
  ...pkce(),
  ...capabilities(),
  ...answers(),
  ...redirects(),
];

function changed(change: Json): Pick<Fault, 'discovery'> {
  return { discovery: (document) => ({ ...document, ...change }) };
}

function endpoints(): Fault[] {
  const bad: [name: string, url: (ehr: Tenant) => unknown][] = [
    ['a script', () => 'javascript:alert(1)'],
    ['a file', () => 'file:///etc/passwd'],
    ['data', () => 'data:text/html,x'],
    ['ftp', ({ evil }) => evil.url.replace('http', 'ftp')],
    ['with a password', ({ evil }) => evil.url.replace('//', '//user:pass@')],
    ['with a fragment', ({ url }) => `${url}/token#top`],
    ['no URL', () => 'http://['],
    ['a list', ({ url }) => [`${url}/token`]],
    ['an object', () => ({ href: 'https://ehr.example' })],
    ['a number', () => 7],
  ];
  const members = ['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'revocation_endpoint'];
  return [
    ...members.flatMap((member) =>
      bad.map(([name, url]): Fault => ({
        id: member === 'authorization_endpoint' && name === 'with a fragment' ? 'A2-11 A5-6' : 'A2-11',
        name: `${member} is ${name}`,
        discovery: (document, ehr) => ({ ...document, [member]: url(ehr) }),
        expect: NOT_LAUNCHED,
      })),
    ),
    {
      id: 'A2-11',
      name: 'an associated endpoint is a script',
      ...changed({ associated_endpoints: [{ url: 'javascript:alert(1)' }] }),
      expect: NOT_LAUNCHED,
    },
    {
      id: 'A2-4',
      name: 'token_endpoint is missing',
      discovery: ({ token_endpoint: _left, ...document }) => document,
      expect: NOT_LAUNCHED,
    },
    {
      id: 'A2-4',
      name: 'token_endpoint is null',
      ...changed({ token_endpoint: null }),
      expect: NOT_LAUNCHED,
    },
    {
      id: 'A2-4',
      name: 'authorization_endpoint is missing',
      discovery: ({ authorization_endpoint: _left, ...document }) => document,
      expect: NOT_LAUNCHED,
    },
    {
      id: 'A2-4',
      name: 'there is nothing but the two endpoints and the issuer',
      discovery: ({ issuer, authorization_endpoint, token_endpoint }) => ({
        issuer,
        authorization_endpoint,
        token_endpoint,
      }),
      expect: ACCEPTED,
    },
    {
      id: 'A2-3',
      name: 'endpoints are relative, to the host and to the FHIR base',
      discovery: (document, { root }) => ({
        ...document,
        token_endpoint: `${root}/token`,
        authorization_endpoint: 'authorize',
      }),
      expect: ACCEPTED,
    },
    {
      id: 'A5-6',
      name: 'authorization_endpoint has a query, which is kept',
      discovery: (document) => ({
        ...document,
        authorization_endpoint: `${String(document.authorization_endpoint)}?tenant=a%26b&x`,
      }),
      answer: {
        authorize: onlyIf(
          ({ query }) =>
            query.get('tenant') === 'a&b' && query.has('x') && query.getAll('client_id').length === 1,
        ),
      },
      expect: ACCEPTED,
    },
    {
      id: 'A2-6',
      name: 'scopes_supported lists next to nothing, and all scopes are asked for',
      ...changed({ scopes_supported: ['openid'] }),
      answer: {
        authorize: onlyIf(({ query }) => query.get('scope')?.includes('patient/Observation.cruds') === true),
      },
      expect: ACCEPTED,
    },
    {
      id: 'A5-10 A5-11',
      name: 'the authorization request has no secret and no max_age in it',
      answer: {
        authorize: onlyIf(
          ({ query }) =>
            !['client_secret', 'code_verifier', 'max_age', 'claims'].some((name) => query.has(name)),
        ),
      },
      expect: ACCEPTED,
    },
  ];
}

function onlyIf(isGood: (request: Seen) => boolean) {
  return (answer: Answer, _ehr: Tenant, request: Seen): Answer =>
    isGood(request) ? answer : { status: 400 };
}

function pkce(): Fault[] {
  const methods = (
    id: string,
    name: string,
    value: unknown,
    expect: Expectation,
    profile?: Fault['profile'],
  ): Fault => ({
    id,
    name: `code_challenge_methods_supported is ${name}`,
    ...changed({ code_challenge_methods_supported: value }),
    expect,
    ...(profile && { profile }),
  });
  return [
    methods('A2-5 C-4', 'plain alone', ['plain'], NOT_LAUNCHED),
    methods('A2-5 C-4', 'empty', [], NOT_LAUNCHED),
    methods('A2-5 C-4', 's256 in lower case', ['s256'], NOT_LAUNCHED),
    methods('A2-5 C-4', 'a list of lists', [['S256']], NOT_LAUNCHED),
    methods('A2-5', 'missing: S256 all the same', undefined, ACCEPTED),
    methods('A5-5', 'missing where the app requires it', undefined, NOT_LAUNCHED, 'pkce'),
    methods('A5-5 C-4', 'plain alone, for a public client', ['plain'], NOT_LAUNCHED, 'public'),
  ];
}

function capabilities(): Fault[] {
  const listed = (name: string, value: unknown): Fault => ({
    id: 'A2-7',
    name: `capabilities are ${name}`,
    ...changed({ capabilities: value }),
    expect: ACCEPTED,
  });
  return [
    listed('unknown', ['http://example.org/x', 'launch-mars', '__proto__', 'constructor']),
    listed('no strings', [null, 1, {}, []]),
    listed('no list', 'launch-ehr'),
    listed('named as in SMART 1', ['context-passthrough-banner']),
    {
      id: 'C-27',
      name: 'the configuration sets __proto__',
      answer: {
        discovery: (answer) => ({
          ...answer,
          body: JSON.stringify(answer.body).replace(
            '{',
            '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},',
          ),
        }),
      },
      visits: ['/api/launch'],
      expect: ACCEPTED,
    },
  ];
}

/** No SMART configuration at all, or one nobody can read. */
function answers(): Fault[] {
  const rows: [name: string, answer: (good: Answer, ehr: Tenant) => Answer, expect?: Expectation][] = [
    ...[204, 400, 401, 403, 404, 410, 500, 503].map((status): [string, (good: Answer) => Answer] => [
      `is answered with ${status}`,
      (good) => ({ ...good, status }),
    ]),
    [
      'is HTML with a secret in it',
      (_good, { server }) => ({ status: 200, body: `<html>${server.canary}</html>` }),
    ],
    [
      'is a 500 with a secret in it',
      (_good, { server }) => ({ status: 500, body: { error: server.canary } }),
    ],
    ['is cut off', ({ body }) => ({ status: 200, body: JSON.stringify(body).slice(0, -1) })],
    ['is a list', ({ body }) => ({ status: 200, body: [body] })],
    ['is null', () => ({ status: 200, body: null })],
    ['is a number', () => ({ status: 200, body: '7' })],
    ['is empty', () => ({ status: 200, body: '' })],
    [
      'is called text/html and JSON',
      ({ body }) => ({ status: 200, headers: { 'content-type': 'text/html' }, body }),
      ACCEPTED,
    ],
    [
      'begins with a byte order mark',
      ({ body }) => ({ status: 200, body: `\uFEFF${JSON.stringify(body)}` }),
      ACCEPTED,
    ],
    [
      'comes with cookies',
      ({ body }) => ({ status: 200, headers: { 'set-cookie': ['a=1; Path=/', 'smart-session=x'] }, body }),
      ACCEPTED,
    ],
  ];
  return rows.map(([name, answer, expect = NOT_LAUNCHED]) => ({
    id: 'A2-12',
    name: `the SMART configuration ${name}`,
    answer: { discovery: answer },
    expect,
  }));
}

function redirects(): Fault[] {
  const to = (status: number, location: (ehr: Tenant, hop: number) => string | undefined, hops = 99) => ({
    answer: {
      discovery: (good: Answer, ehr: Tenant): Answer => {
        const hop = ehr.tick('hops');
        const next = location(ehr, hop);
        if (hop > hops) return good;
        return { status, headers: next === undefined ? {} : { location: next } };
      },
    },
  });
  const own = ({ fhirBaseUrl }: Tenant, hop: number) =>
    `${fhirBaseUrl}/.well-known/smart-configuration?hop=${hop}`;
  return [
    ...[301, 302, 303, 307, 308].map((status): Fault => ({
      id: 'C-16',
      name: `a ${status} to another server`,
      ...to(status, ({ evil }) => evil.url.replace('127.0.0.1', 'localhost')),
      expect: { ...NOT_LAUNCHED, calls: { ...NOT_LAUNCHED.calls, discovery: 1 } },
    })),
    {
      id: 'C-16',
      name: 'three redirects on the EHR’s own host',
      ...to(302, own, 3),
      expect: { ...ACCEPTED, calls: { discovery: 4 } },
    },
    {
      id: 'C-16',
      name: 'four redirects',
      ...to(302, own, 4),
      expect: { ...NOT_LAUNCHED, calls: { discovery: 4 } },
    },
    {
      id: 'C-16',
      name: 'redirects without end',
      ...to(302, own),
      expect: { ...NOT_LAUNCHED, calls: { discovery: 4 } },
    },
    {
      id: 'C-16',
      name: 'a redirect to a file',
      ...to(302, () => 'file:///etc/passwd'),
      expect: NOT_LAUNCHED,
    },
    { id: 'C-16', name: 'a redirect to no URL', ...to(302, () => 'http://['), expect: NOT_LAUNCHED },
    { id: 'C-16', name: 'a redirect to nowhere', ...to(302, () => undefined), expect: NOT_LAUNCHED },
    {
      id: 'C-16',
      name: 'a redirect with another user',
      ...to(302, ({ url }) => url.replace('//', '//evil@')),
      expect: NOT_LAUNCHED,
    },
    {
      id: 'C-16 A7-3',
      name: 'the token endpoint redirects to the good one',
      discovery: (document, { url }) => ({ ...document, token_endpoint: `${url}/moved` }),
      answer: { other: (_answer, { url }) => ({ status: 307, headers: { location: `${url}/token` } }) },
      expect: refused('token_request_failed', 502, { token: 0, other: 1 }),
    },
  ];
}
