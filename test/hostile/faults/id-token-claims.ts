import { ALIAS } from '../ehr/hostile-ehr.js';
import type { Json } from '../ehr/exchange.js';
import { ACCEPTED, refused } from '../ehr/fault.js';
import type { Fault } from '../ehr/fault.js';
import { CLIENT_ID } from '../ehr/profiles.js';

const REFUSED = refused('invalid_id_token', 502, { token: 1 });
const WEEK = 7 * 24 * 3600;
const now = () => Math.floor(Date.now() / 1000);

/** An id_token without a claim. */
function without(name: string): Pick<Fault, 'claims'> {
  return { claims: ({ [name]: _left, ...others }) => others };
}

function withClaims(change: Json | ((claims: Json) => Json)): Pick<Fault, 'claims'> {
  return { claims: (claims) => ({ ...claims, ...(typeof change === 'function' ? change(claims) : change) }) };
}

export const CLAIM_FAULTS: Fault[] = [
  { id: 'B-2', name: 'iss is missing', ...without('iss'), expect: REFUSED },
  {
    id: 'B-2',
    name: 'iss is another issuer',
    ...withClaims({ iss: 'https://evil.example' }),
    expect: REFUSED,
  },
  {
    id: 'B-2',
    name: 'iss has one slash more',
    ...withClaims(({ iss }) => ({ iss: `${String(iss)}/` })),
    expect: REFUSED,
  },
  {
    id: 'B-2',
    name: 'iss is a list with the right one',
    ...withClaims(({ iss }) => ({ iss: [iss] })),
    expect: REFUSED,
  },
  {
    id: 'B-2',
    name: 'iss is the issuer in capitals',
    ...withClaims(({ iss }) => ({ iss: String(iss).toUpperCase() })),
    expect: REFUSED,
  },
  {
    id: 'B-2 E-MISC-8',
    name: 'iss is an alias nobody configured',
    ...withClaims({ iss: ALIAS }),
    expect: REFUSED,
  },
  {
    id: 'B-2 E-MISC-8',
    name: 'iss is the alias that is configured',
    profile: 'aliased',
    ...withClaims({ iss: ALIAS }),
    expect: ACCEPTED,
  },
  { id: 'B-3', name: 'sub is missing', ...without('sub'), expect: REFUSED },
  { id: 'B-3', name: 'sub is empty', ...withClaims({ sub: '' }), expect: REFUSED },
  { id: 'B-3', name: 'sub is a number', ...withClaims({ sub: 42 }), expect: REFUSED },
  { id: 'B-3', name: 'sub has 256 characters', ...withClaims({ sub: 'x'.repeat(256) }), expect: REFUSED },
  { id: 'B-3', name: 'sub has 255 characters', ...withClaims({ sub: 'x'.repeat(255) }), expect: ACCEPTED },
  { id: 'B-4', name: 'aud is missing', ...without('aud'), expect: REFUSED },
  { id: 'B-4', name: 'aud is another client', ...withClaims({ aud: 'somebody-else' }), expect: REFUSED },
  {
    id: 'B-4',
    name: 'aud begins with this client',
    ...withClaims({ aud: `${CLIENT_ID}-2` }),
    expect: REFUSED,
  },
  { id: 'B-4', name: 'aud is an object', ...withClaims({ aud: { [CLIENT_ID]: true } }), expect: REFUSED },
  { id: 'B-5', name: 'aud is a list of this client', ...withClaims({ aud: [CLIENT_ID] }), expect: ACCEPTED },
  { id: 'B-5', name: 'aud is a list of others', ...withClaims({ aud: ['a', 'b'] }), expect: REFUSED },
  {
    id: 'B-5',
    name: 'aud lists two and azp is missing',
    ...withClaims({ aud: [CLIENT_ID, 'other'] }),
    expect: REFUSED,
  },
  {
    id: 'B-5',
    name: 'aud lists two and azp is the other',
    ...withClaims({ aud: [CLIENT_ID, 'other'], azp: 'other' }),
    expect: REFUSED,
  },
  {
    id: 'B-5',
    name: 'aud lists two and azp is this client',
    ...withClaims({ aud: [CLIENT_ID, 'other'], azp: CLIENT_ID }),
    expect: ACCEPTED,
  },
  { id: 'B-5', name: 'azp is another client', ...withClaims({ azp: 'other' }), expect: REFUSED },
  { id: 'B-6', name: 'iat is missing', ...without('iat'), expect: REFUSED },
  {
    id: 'B-6',
    name: 'iat is a week ago',
    ...withClaims(() => ({ iat: now() - WEEK, exp: now() + WEEK })),
    expect: REFUSED,
  },
  {
    id: 'B-6',
    name: 'iat is eleven minutes ago',
    ...withClaims(() => ({ iat: now() - 660 })),
    expect: REFUSED,
  },
  {
    id: 'B-6',
    name: 'iat is nine minutes ago',
    ...withClaims(() => ({ iat: now() - 540 })),
    expect: ACCEPTED,
  },
  {
    id: 'B-6',
    name: 'iat is in an hour',
    ...withClaims(() => ({ iat: now() + 3600, exp: now() + 7200 })),
    expect: REFUSED,
  },
  { id: 'B-6', name: 'iat is a text', ...withClaims(() => ({ iat: String(now()) })), expect: REFUSED },
  { id: 'B-7', name: 'exp is missing', ...without('exp'), expect: REFUSED },
  {
    id: 'B-7',
    name: 'exp was five minutes ago',
    ...withClaims(() => ({ iat: now() - 400, exp: now() - 300 })),
    expect: REFUSED,
  },
  {
    id: 'B-7',
    name: 'exp was 10 s ago, within the tolerance',
    ...withClaims(() => ({ exp: now() - 10 })),
    expect: ACCEPTED,
  },
  {
    id: 'B-7',
    name: 'exp was 61 s ago',
    ...withClaims(() => ({ iat: now() - 200, exp: now() - 61 })),
    expect: REFUSED,
  },
  { id: 'B-7', name: 'exp is a text', ...withClaims(() => ({ exp: String(now() + 300) })), expect: REFUSED },
  { id: 'B-7', name: 'nbf is in an hour', ...withClaims(() => ({ nbf: now() + 3600 })), expect: REFUSED },
  { id: 'B-8', name: 'nonce is another', ...withClaims({ nonce: 'x'.repeat(43) }), expect: REFUSED },
  {
    id: 'B-8',
    name: 'nonce begins right',
    ...withClaims(({ nonce }) => ({ nonce: String(nonce).slice(0, -1) })),
    expect: REFUSED,
  },
  {
    id: 'B-8',
    name: 'nonce is a list with the right one',
    ...withClaims(({ nonce }) => ({ nonce: [nonce] })),
    expect: REFUSED,
  },
  { id: 'B-9', name: 'nonce is missing', ...without('nonce'), expect: REFUSED },
  {
    id: 'B-9',
    name: 'nonce is missing where none was sent',
    profile: 'inferno',
    ...without('nonce'),
    expect: ACCEPTED,
  },
  {
    id: 'B-23',
    name: 'at_hash is another token’s',
    ...withClaims({ at_hash: 'A'.repeat(22) }),
    expect: REFUSED,
  },
  { id: 'B-23', name: 'at_hash is a number', ...withClaims({ at_hash: 1 }), expect: REFUSED },
  { id: 'B-23', name: 'at_hash is missing', ...without('at_hash'), expect: ACCEPTED },
  ...fhirUsers(),
];

/** Who the user is never depends on where the claim points: another host is an identity, not a place to call. */
function fhirUsers(): Fault[] {
  const user = (fhirUser: unknown) => withClaims({ fhirUser });
  const found: Fault['expect'] = { ...ACCEPTED, shows: { resourceType: 'Practitioner', id: 'dr1' } };
  const none: Fault['expect'] = {
    at: 'data',
    status: 403,
    error: 'missing_context',
    calls: { fhir: 0 },
    session: true,
  };
  const elsewhere: Fault['expect'] = {
    at: 'data',
    status: 400,
    error: 'invalid_request',
    calls: { fhir: 0 },
    session: true,
  };
  const rows: [name: string, claim: unknown, expect: Fault['expect']][] = [
    ['relative', 'Practitioner/dr1', found],
    ['of another host', 'https://evil.example/fhir/Practitioner/dr1', elsewhere],
    ['a bare id', '123', none],
    ['of a type that is no user', 'Device/1', none],
    ['a pair of dots', 'Practitioner/..', none],
    ['an encoded path', 'Practitioner/%2e%2e%2ftoken', none],
    ['climbing out of the base', 'Practitioner/../../token', none],
    ['an object', { reference: 'Practitioner/dr1' }, none],
    ['a script', 'javascript:alert(1)/Practitioner/1', none],
  ];
  return rows.map(([name, claim, expect]) => ({
    id: 'B-28',
    name: `fhirUser is ${name}`,
    ...user(claim),
    visits: ['/api/user'],
    expect,
  }));
}
