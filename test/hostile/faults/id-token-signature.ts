import { shortRsaKey, forged } from '../../support/openid-provider.js';
import { decodeJwt } from 'jose';
import { handmade, hmac, publicPem, resigned, scratched, tampered, unsigned } from '../ehr/forgery.js';
import { ACCEPTED, refused } from '../ehr/fault.js';
import type { Fault } from '../ehr/fault.js';
import { CLIENT_SECRET } from '../ehr/profiles.js';

const REFUSED = refused('invalid_id_token', 502, { token: 1 });
const short = shortRsaKey('short');

export const SIGNATURE_FAULTS: Fault[] = [
  { id: 'B-12', name: 'one bit of the signature is scratched', idToken: scratched, expect: REFUSED },
  {
    id: 'B-12',
    name: 'the signature is of other claims',
    idToken: (jwt) => tampered(jwt, { sub: 'admin' }),
    expect: REFUSED,
  },
  {
    id: 'B-12',
    name: 'the signature is cut off',
    idToken: (jwt) => jwt.slice(0, jwt.lastIndexOf('.') + 1),
    expect: REFUSED,
  },
  {
    id: 'B-12',
    name: 'signed by somebody else under the good kid',
    idToken: (jwt, { server }) => resigned(jwt, server.keys.attacker),
    expect: REFUSED,
  },
  {
    id: 'B-12',
    name: 'HS256 with the client secret',
    idToken: (jwt) => hmac(jwt, CLIENT_SECRET),
    expect: REFUSED,
  },
  {
    id: 'B-12',
    name: 'HS256 with the public key as PEM',
    idToken: (jwt, ehr) => hmac(jwt, publicPem(ehr)),
    expect: REFUSED,
  },
  {
    id: 'B-12',
    name: 'HS256 with the public key as JWK',
    idToken: (jwt, ehr) => hmac(jwt, JSON.stringify(ehr.keys[0])),
    expect: REFUSED,
  },
  {
    id: 'B-12',
    name: 'HS256 with a symmetric key that the JWKS offers',
    jwks: (keys) => [
      ...keys,
      { kty: 'oct', kid: 'oct-1', alg: 'HS256', k: Buffer.from(CLIENT_SECRET).toString('base64url') },
    ],
    idToken: (jwt) => hmac(jwt, CLIENT_SECRET, { kid: 'oct-1' }),
    expect: REFUSED,
  },
  {
    id: 'B-12 B-14',
    name: 'HS256, which the EHR says it signs with',
    discovery: (document) => ({ ...document, id_token_signing_alg_values_supported: ['HS256'] }),
    idToken: (jwt) => hmac(jwt, CLIENT_SECRET),
    expect: REFUSED,
  },
  {
    id: 'B-12',
    name: 'ES256 with a tampered signature',
    jwks: (_keys, { server }) => [server.keys.ec.publicJwk],
    idToken: async (jwt, { server }) => scratched(await resigned(jwt, server.keys.ec)),
    expect: REFUSED,
  },
  {
    id: 'B-12',
    name: 'ES256 with the signature of all zeros',
    jwks: (_keys, { server }) => [server.keys.ec.publicJwk],
    idToken: (jwt) => forged({ alg: 'ES256', kid: 'ec-1' }, decodeJwt(jwt), () => Buffer.alloc(64)),
    expect: REFUSED,
  },
  { id: 'B-13', name: 'alg is none', idToken: (jwt) => unsigned(jwt), expect: REFUSED },
  { id: 'B-13', name: 'alg is NoNe', idToken: (jwt) => unsigned(jwt, 'NoNe'), expect: REFUSED },
  {
    id: 'B-13 B-14',
    name: 'alg is none, which the EHR says it uses',
    discovery: (document) => ({ ...document, id_token_signing_alg_values_supported: ['none'] }),
    idToken: (jwt) => unsigned(jwt),
    expect: REFUSED,
  },
  {
    id: 'B-14',
    name: 'alg is missing',
    idToken: (jwt, { server }) => handmade(jwt, { kid: 'rsa-1' }, server.keys.rsa),
    expect: REFUSED,
  },
  {
    id: 'B-14',
    name: 'alg is one that the EHR does not list',
    discovery: (document) => ({ ...document, id_token_signing_alg_values_supported: ['ES256'] }),
    expect: REFUSED,
  },
  {
    id: 'B-14',
    name: 'alg is ES384 at an EHR that lists none',
    jwks: (_keys, { server }) => [server.keys.ec384.publicJwk],
    idToken: (jwt, { server }) => resigned(jwt, server.keys.ec384),
    claims: ({ at_hash: _left, ...claims }) => claims,
    expect: ACCEPTED,
  },
  {
    id: 'B-11 B-14',
    name: 'the header says RS512, the signature is RS256',
    idToken: (jwt, { server }) => handmade(jwt, { alg: 'RS512', kid: 'rsa-1' }, server.keys.rsa),
    expect: REFUSED,
  },
  ...headers(),
  ...keyRules(),
  ...noTokenAtAll(),
];

/** Members of the header that would choose the key, or that nobody understands. */
function headers(): Fault[] {
  const evilHeader = (name: string, member: (evil: string, jwk: object) => object): Fault => ({
    id: 'B-26',
    name: `the header’s ${name} names the attacker’s key`,
    idToken: (jwt, { evil, server }) =>
      resigned(jwt, server.keys.attacker, {
        kid: 'evil',
        ...member(`${evil.url}/jwks`, server.keys.attacker.publicJwk),
      }),
    expect: REFUSED,
  });
  return [
    evilHeader('jku', (jku) => ({ jku })),
    evilHeader('x5u', (x5u) => ({ x5u })),
    evilHeader('jwk', (_url, jwk) => ({ jwk })),
    {
      id: 'B-26 C-19',
      name: 'crit names an extension nobody knows',
      idToken: (jwt, { server }) =>
        handmade(
          jwt,
          { alg: 'RS256', kid: 'rsa-1', crit: [server.canary], [server.canary]: 1 },
          server.keys.rsa,
        ),
      expect: REFUSED,
    },
    {
      id: 'B-26',
      name: 'crit is not a list',
      idToken: (jwt, { server }) =>
        handmade(jwt, { alg: 'RS256', kid: 'rsa-1', crit: 'exp' }, server.keys.rsa),
      expect: REFUSED,
    },
    {
      id: 'B-26',
      name: 'b64 is false, so that the payload is signed as it is',
      idToken: (jwt, { server }) =>
        handmade(jwt, { alg: 'RS256', kid: 'rsa-1', crit: ['b64'], b64: false }, server.keys.rsa),
      expect: REFUSED,
    },
  ];
}

/** Keys that must not verify an id_token, although the JWKS offers them. */
function keyRules(): Fault[] {
  const members = (name: string, change: object): Fault => ({
    id: 'B-26',
    name: `the key ${name}`,
    jwks: (keys) => keys.map((key) => ({ ...key, ...change })),
    expect: REFUSED,
  });
  return [
    members('is for encryption', { use: 'enc' }),
    members('is not for verifying', { use: undefined, key_ops: ['encrypt'] }),
    members('is for another algorithm', { alg: 'RS384' }),
    members('has no modulus', { n: undefined }),
    members('has an exponent that is no number', { e: '!!' }),
    {
      id: 'B-26',
      name: 'the key is the EHR’s private key',
      jwks: (keys) => keys.map((key) => ({ ...key, d: 'AQAB' })),
      expect: REFUSED,
    },
    {
      id: 'B-26',
      name: 'the key has 1024 bits',
      jwks: () => [short.publicJwk],
      idToken: (jwt) => forged({ alg: 'RS256', kid: 'short' }, decodeJwt(jwt), short.sign),
      expect: REFUSED,
    },
    {
      id: 'B-26',
      name: 'the key is on another curve',
      jwks: (_keys, { server }) => [{ ...server.keys.ec384.publicJwk, alg: 'ES256', kid: 'ec-1' }],
      idToken: (jwt, { server }) => resigned(jwt, server.keys.ec),
      expect: REFUSED,
    },
  ];
}

function noTokenAtAll(): Fault[] {
  const token = (name: string, id_token: unknown): Fault => ({
    id: 'A7-18 B-12',
    name: `the id_token is ${name}`,
    token: (body) => ({ ...body, id_token }),
    expect: REFUSED,
  });
  return [
    token('no JWT', 'not-a-jwt'),
    token('two dots', '..'),
    token('encrypted, as it seems', 'a.b.c.d.e'),
    token('a JWT of a list', `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.W10.AA`),
    token('a megabyte of dots', '.'.repeat(900_000)),
    {
      id: 'A7-18',
      name: 'the id_token is missing, and nobody is the user',
      token: ({ id_token: _left, ...body }) => body,
      visits: ['/api/user'],
      expect: { at: 'data', status: 403, error: 'missing_context', calls: { fhir: 0 }, session: true },
    },
  ];
}
