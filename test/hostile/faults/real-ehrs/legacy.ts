import type { Json } from '../../ehr/exchange.js';
import { ok } from '../../ehr/exchange.js';
import { ACCEPTED, notLaunched, refused } from '../../ehr/fault.js';
import type { Fault } from '../../ehr/fault.js';
import { LEGACY_ISSUER } from '../../ehr/real-profiles.js';
import type { Tenant } from '../../ehr/tenant.js';
import { shows, LAUNCH, noIssuer } from './shared.js';

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

export function legacy(): Fault[] {
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
