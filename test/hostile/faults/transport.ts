import type { Endpoint, Json } from '../ehr/exchange.js';
import { ACCEPTED, notLaunched, refused } from '../ehr/fault.js';
import type { Expectation, Fault } from '../ehr/fault.js';
import { BROKEN, HANGING, HUGE, UNREADABLE } from '../ehr/wire.js';
import type { Wire } from '../ehr/wire.js';

/** What a user sees when an endpoint has one of the four kinds of trouble. */
interface Place {
  endpoint: Endpoint;
  hanging: Expectation;
  broken: Expectation;
  huge: Expectation;
  unreadable: Expectation;
  /** what brings the endpoint into play */
  with?: Partial<Fault>;
}

function noData(error: string, status = 502): Expectation {
  return { at: 'data', status, error, session: true };
}

const withoutJwksUri = ({ jwks_uri: _left, ...document }: Json) => document;

const PLACES: Place[] = [
  {
    endpoint: 'discovery',
    hanging: notLaunched('discovery_timeout', 504),
    broken: notLaunched(),
    huge: notLaunched(),
    unreadable: notLaunched(),
  },
  {
    endpoint: 'token',
    hanging: refused('ehr_timeout', 504),
    broken: refused('ehr_unavailable'),
    huge: refused('ehr_unavailable'),
    unreadable: refused('token_request_failed'),
  },
  {
    endpoint: 'jwks',
    hanging: refused('ehr_timeout', 504),
    broken: refused('ehr_unavailable'),
    huge: refused('ehr_unavailable'),
    unreadable: refused('invalid_id_token'),
  },
  {
    endpoint: 'openid',
    hanging: refused('ehr_timeout', 504),
    broken: refused('ehr_unavailable'),
    huge: refused('ehr_unavailable'),
    unreadable: refused('invalid_id_token'),
    with: { discovery: withoutJwksUri },
  },
  {
    endpoint: 'fhir',
    hanging: noData('ehr_timeout', 504),
    broken: noData('ehr_unavailable'),
    huge: noData('invalid_fhir_response'),
    unreadable: noData('invalid_fhir_response'),
  },
  {
    endpoint: 'style',
    hanging: noData('ehr_timeout', 504),
    broken: noData('ehr_unavailable'),
    huge: noData('ehr_unavailable'),
    unreadable: noData('invalid_fhir_response'),
    with: { visits: ['/api/style'] },
  },
];

/** Every trouble at every endpoint, each asked once and never again, except a read whose connection breaks. */
export const TRANSPORT_FAULTS: Fault[] = PLACES.flatMap((place) => [
  ...troubles(place, HANGING, place.hanging),
  ...troubles(place, BROKEN, place.broken),
  ...troubles(place, HUGE, place.huge),
  ...troubles(place, UNREADABLE, place.unreadable),
]);

function troubles(place: Place, wires: Record<string, Wire>, expect: Expectation): Fault[] {
  const { endpoint } = place;
  return Object.entries(wires).map(([name, wire]) => ({
    id: endpoint === 'discovery' ? 'C-17 A2-12' : endpoint === 'token' ? 'C-17 A7-3' : 'C-17',
    name: `${endpoint} ${name}`,
    ...place.with,
    transport: { [endpoint]: wire },
    expect: { ...expect, calls: { ...expect.calls, [endpoint]: isReadAgain(endpoint, name) ? 2 : 1 } },
  }));
}

/** A FHIR read goes out once more where the connection itself broke, and nowhere else. */
function isReadAgain(endpoint: Endpoint, wire: string): boolean {
  return (
    endpoint === 'fhir' && ['breaks off in the middle', 'hangs up', 'resets the connection'].includes(wire)
  );
}

/** A refresh that gets no answer is no logout: the token is good for half a minute more. */
export const LATE_TRANSPORT_FAULTS: Fault[] = Object.entries({ ...HANGING, ...BROKEN, ...UNREADABLE }).map(
  ([name, wire]) => ({
    id: 'A9-8 C-17',
    name: `the refresh ${name}`,
    transport: {
      token: (response, ehr, request) =>
        request.form.has('refresh_token') ? wire(response) : void ehr.serveWell(request, response),
    },
    later: 270_000,
    expect: { ...ACCEPTED, calls: { token: 2, fhir: 1 } },
  }),
);
