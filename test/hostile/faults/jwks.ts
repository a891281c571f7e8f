import { decodeJwt } from 'jose';
import { resigned } from '../ehr/forgery.js';
import { ACCEPTED, refused } from '../ehr/fault.js';
import type { Expectation, Fault } from '../ehr/fault.js';
import type { Answer, Json } from '../ehr/exchange.js';
import type { Tenant } from '../ehr/tenant.js';

const REFUSED = refused('invalid_id_token', 502, { token: 1 });
const fetched = (jwks: number, expectation: Expectation = REFUSED): Expectation => ({
  ...expectation,
  calls: { ...expectation.calls, jwks },
});
const signedByNext = (jwt: string, { server }: Tenant) => resigned(jwt, server.keys.next);
const withoutKid = ({ kid: _left, ...others }: Json) => others;
/** the old key on the first visit, the new one afterwards */
const rotates = (_keys: unknown, ehr: Tenant) => {
  const { rsa, next } = ehr.server.keys;
  return [ehr.tick('jwks') === 1 ? rsa.publicJwk : next.publicJwk];
};

export const JWKS_FAULTS: Fault[] = [
  {
    id: 'B-15 E-LCH-2',
    name: 'neither token nor key has a kid',
    header: withoutKid,
    jwks: (keys) => keys.map((key) => withoutKid({ ...key })),
    expect: fetched(1, ACCEPTED),
  },
  {
    id: 'B-15',
    name: 'the token has no kid, the key has one',
    header: withoutKid,
    expect: fetched(1, ACCEPTED),
  },
  {
    id: 'B-16',
    name: 'no kid, and the right key is the last of several',
    header: withoutKid,
    jwks: (keys, { server }) =>
      [server.keys.ec, server.keys.next, server.keys.attacker]
        .map(({ publicJwk }) => withoutKid({ ...publicJwk }))
        .concat({ ...keys[0] }),
    expect: fetched(1, ACCEPTED),
  },
  {
    id: 'B-16',
    name: 'no kid, and none of several keys is right',
    idToken: (jwt, { server }) => resigned(jwt, server.keys.attacker, { kid: undefined }),
    jwks: (keys, { server }) => [...keys, server.keys.next.publicJwk],
    expect: fetched(2),
  },
  {
    id: 'B-16',
    name: 'two keys share a kid, the right one comes second',
    jwks: (keys, { server }) => [{ ...server.keys.next.publicJwk, kid: 'rsa-1' }, ...keys],
    expect: fetched(1, ACCEPTED),
  },
  { id: 'B-17', name: 'the kid is in no JWKS', idToken: signedByNext, expect: fetched(2) },
  {
    id: 'B-18',
    name: 'the key is rotated while the token is on its way',
    idToken: signedByNext,
    jwks: rotates,
    expect: fetched(2, ACCEPTED),
  },
  {
    id: 'B-26',
    name: 'the JWKS holds things that are no keys',
    jwks: (keys) => [null, 1, 'key', [], {}, { kty: 5, kid: 'rsa-1' }, { kty: 'RSA' }, ...keys],
    expect: fetched(1, ACCEPTED),
  },
  {
    id: 'B-27',
    name: 'another issuer, with its own valid keys',
    idToken: (jwt, { evil, server }) => evilToken(jwt, evil.issuer, server.keys.attacker),
    expect: REFUSED,
  },
  {
    id: 'B-27 B-2',
    name: 'the right issuer, signed with another issuer’s keys',
    idToken: (jwt, { server }) => resigned(jwt, server.keys.attacker, { kid: 'evil-key' }),
    expect: fetched(2),
  },
  {
    id: 'B-27',
    name: 'the SMART configuration names no issuer',
    discovery: ({ issuer: _left, ...document }) => document,
    callback: ({ iss: _left, ...parameters }) => parameters,
    expect: REFUSED,
  },
  {
    id: 'B-19',
    name: 'jwks_uri is in the OpenID configuration only',
    ...withoutJwksUri(),
    expect: { ...ACCEPTED, calls: { openid: 1, jwks: 1 } },
  },
  ...[
    ['another issuer', (document: Json, { evil }: Tenant) => ({ ...document, issuer: evil.issuer })],
    ['the issuer with a slash', (document: Json) => ({ ...document, issuer: `${String(document.issuer)}/` })],
    ['no issuer', ({ issuer: _left, ...document }: Json) => document],
    ['no jwks_uri', ({ jwks_uri: _left, ...document }: Json) => document],
    ['a jwks_uri that is no URL', (document: Json) => ({ ...document, jwks_uri: 'http://' })],
    ['a jwks_uri that is a file', (document: Json) => ({ ...document, jwks_uri: 'file:///etc/passwd' })],
    [
      'a jwks_uri with a password',
      (document: Json, { evil }: Tenant) => ({
        ...document,
        jwks_uri: evil.url.replace('//', '//user:pass@'),
      }),
    ],
    ['a jwks_uri that is a list', (document: Json) => ({ ...document, jwks_uri: [document.jwks_uri] })],
    ['a list of itself', (document: Json) => [document]],
  ].map(([name, openid]) => ({
    id: 'B-20',
    name: `the OpenID configuration has ${String(name)}`,
    ...withoutJwksUri(),
    openid: openid as Fault['openid'],
    expect: fetched(0),
  })),
  ...answers(),
];

function withoutJwksUri(): Pick<Fault, 'discovery'> {
  return { discovery: ({ jwks_uri: _left, ...document }) => document };
}

function evilToken(jwt: string, iss: string, key: Parameters<typeof resigned>[1]): Promise<string> {
  const claims = Buffer.from(JSON.stringify({ ...decodeJwt(jwt), iss })).toString('base64url');
  return resigned(`e30.${claims}.`, key);
}

/** The JWKS is there, but not as it should be. */
function answers(): Fault[] {
  const rows: [name: string, change: (answer: Answer, ehr: Tenant) => Answer][] = [
    ['is a 404', () => ({ status: 404 })],
    ['is a 500 with the keys', (answer) => ({ ...answer, status: 500 })],
    [
      'is HTML',
      ({ headers }, { server }) => ({ status: 200, headers, body: `<html>${server.canary}</html>` }),
    ],
    ['is a list', () => ({ status: 200, body: [] })],
    ['has no keys', () => ({ status: 200, body: {} })],
    ['has keys that are no list', () => ({ status: 200, body: { keys: { 0: {} } } })],
    ['is empty', () => ({ status: 200, body: '' })],
    [
      'is at another server',
      (_answer, { evil }) => ({ status: 302, headers: { location: `${evil.url}/jwks` } }),
    ],
    ['is at another path', (_answer, { url }) => ({ status: 308, headers: { location: `${url}/jwks` } })],
  ];
  return rows.map(([name, change]) => ({
    id: name.startsWith('is at') ? 'C-16' : 'B-17 C-17',
    name: `the JWKS ${name}`,
    answer: { jwks: change },
    expect: fetched(1),
  }));
}
