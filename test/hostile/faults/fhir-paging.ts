import type { Json } from '../ehr/exchange.js';
import { ACCEPTED } from '../ehr/fault.js';
import type { Expectation, Fault } from '../ehr/fault.js';
import type { Tenant } from '../ehr/tenant.js';
import { NO_JSON, failed, row } from './fhir.js';

const SEARCH = ['/api/search'];

/** Next links that lead where the token must not go, and Bundles that are none. */
export function pagingFaults(): Fault[] {
  const next = (name: string, url: (ehr: Tenant) => unknown, expect: Expectation): Fault =>
    row(
      'A8-3 A8-2',
      `the next link is ${name}`,
      (good, ehr, { query }) =>
        query.has('page')
          ? good
          : { ...good, body: { ...(good.body as Json), link: [{ relation: 'next', url: url(ehr) }] } },
      expect,
      SEARCH,
    );
  const elsewhere = failed('invalid_request', 400);
  const found = (calls: number): Expectation => ({
    ...ACCEPTED,
    calls: { fhir: calls },
    shows: { ids: ['o0', 'o1', 'o2', 'o3', 'o4'] },
  });
  const bundle = (name: string, change: Json, expect = NO_JSON): Fault =>
    row(
      'A8-3',
      `the Bundle’s ${name}`,
      (good) => ({ ...good, body: { ...(good.body as Json), ...change } }),
      expect,
      SEARCH,
    );
  return [
    next('at another server', ({ evil }) => `${evil.fhirBaseUrl}/Observation?page=1`, elsewhere),
    next(
      'at another server, under the same path',
      ({ evil, root }) => `${evil.server.url}${root}/fhir/Observation?page=1`,
      elsewhere,
    ),
    next(
      'of another scheme',
      ({ fhirBaseUrl }) => `${fhirBaseUrl.replace('http:', 'https:')}/Observation?page=1`,
      elsewhere,
    ),
    next(
      'at another server, without a scheme',
      ({ evil }) => `//${evil.url.slice(7)}/Observation?page=1`,
      elsewhere,
    ),
    next(
      'at another server, with backslashes',
      ({ evil }) => `\\\\${evil.url.slice(7)}/Observation`,
      elsewhere,
    ),
    next(
      'at another port of this host',
      ({ evil }) => `http://127.0.0.1:${evil.server.port}/fhir/Observation`,
      elsewhere,
    ),
    next(
      'with another user',
      ({ fhirBaseUrl }) => `${fhirBaseUrl.replace('//', '//evil@')}/Observation?page=1`,
      elsewhere,
    ),
    next(
      'at a base that begins alike',
      ({ fhirBaseUrl }) => `${fhirBaseUrl}-evil/Observation?page=1`,
      elsewhere,
    ),
    next('at the token endpoint', ({ url }) => `${url}/token?page=1`, elsewhere),
    next('climbing out', ({ fhirBaseUrl }) => `${fhirBaseUrl}/../token?page=1`, elsewhere),
    next('climbing out, encoded', ({ fhirBaseUrl }) => `${fhirBaseUrl}/%2e%2e/token?page=1`, elsewhere),
    next('a script', () => 'javascript:alert(1)', elsewhere),
    next('a file', () => 'file:///etc/passwd', elsewhere),
    next('an IP address nobody named', () => 'http://10.0.66.99/fhir/Observation?page=1', elsewhere),
    next('relative', () => 'Observation?page=1', found(3)),
    next('relative, from the base', () => '/Observation?page=1', found(3)),
    next(
      'of the base itself (HAPI)',
      ({ fhirBaseUrl }) => `${fhirBaseUrl}/Observation?_getpages=x&page=1`,
      found(3),
    ),
    next('a number', () => 7, NO_JSON),
    next('null', () => null, NO_JSON),
    next('an object', () => ({ href: 'x' }), NO_JSON),
    row(
      'A8-3',
      'the next link is the page itself',
      (good, { fhirBaseUrl }) => ({
        ...good,
        body: {
          ...(good.body as Json),
          link: [{ relation: 'next', url: `${fhirBaseUrl}/Observation?page=0` }],
        },
      }),
      failed('invalid_fhir_response', 502, 2),
      SEARCH,
    ),
    bundle('link is no list', { link: { relation: 'next', url: 'x' } }),
    bundle('link holds nulls', { link: [null, 1, 'next'] }),
    bundle('entry is no list', { entry: { resource: {} } }),
    bundle('entry holds nulls', { entry: [null, 1, 'x'] }),
    bundle(
      'entries have no resource',
      { entry: [{}, { resource: null, search: null }], link: null },
      {
        ...ACCEPTED,
        shows: { ids: [] },
      },
    ),
    bundle('resourceType is another', { resourceType: 'Patient' }),
    row('A8-3', 'the Bundle is null', (good) => ({ ...good, body: 'null' }), NO_JSON, SEARCH),
    row('A8-3', 'the Bundle is empty', () => ({ status: 200 }), NO_JSON, SEARCH),
    row(
      'A8-7',
      'the Bundle has an OperationOutcome among its entries',
      (good) => ({
        ...good,
        body: {
          ...(good.body as Json),
          link: [],
          entry: [
            { resource: { resourceType: 'OperationOutcome', id: 'oo' } },
            { resource: { resourceType: 'Observation', id: 'x' }, search: { mode: 'outcome' } },
          ],
        },
      }),
      { ...ACCEPTED, shows: { ids: [] } },
      SEARCH,
    ),
  ];
}

const ABOUT_PATIENT = ['/api/patient-search'];

/** Searches about the patient of the launch, answered with what is about somebody else. */
export function foreignResultFaults(): Fault[] {
  type Entry = { resource: Json };
  const entriesOf = (body: unknown) => (body as { entry: Entry[] }).entry;
  const changed = (name: string, change: (resource: Json, ehr: Tenant) => Json, ids: string[]): Fault =>
    row(
      'C-19',
      `a search about the patient finds ${name}`,
      (good, ehr) => ({
        ...good,
        body: {
          ...(good.body as Json),
          entry: entriesOf(good.body).map(({ resource }, index) => ({
            resource: index === 0 ? change(resource, ehr) : resource,
          })),
        },
      }),
      { ...ACCEPTED, calls: { fhir: 3 }, shows: { ids } },
      ABOUT_PATIENT,
    );
  const about = (name: string, subject: (ehr: Tenant) => unknown): Fault =>
    changed(name, (resource, ehr) => ({ ...resource, subject: subject(ehr) }), ['o1', 'o3']);
  const reference = (text: (ehr: Tenant) => string) => (ehr: Tenant) => ({ reference: text(ehr) });
  return [
    changed('nothing but the patient’s', (resource) => resource, ['o0', 'o1', 'o2', 'o3', 'o4']),
    about(
      'another patient’s',
      reference(() => 'Patient/somebody-else'),
    ),
    about(
      'another server’s, with the patient’s id',
      reference(({ evil, patient }) => `${evil.fhirBaseUrl}/Patient/${patient}`),
    ),
    about(
      'what climbs to the patient',
      reference(({ patient }) => `Patient/somebody-else/../${patient}`),
    ),
    about('nobody’s', () => undefined),
    about('a list of nobody', () => [null, 1, 'x', {}, { reference: 7 }]),
    about('a prototype', () => JSON.parse('{"__proto__":{"reference":"Patient/somebody-else"}}') as Json),
    changed('another patient', () => ({ resourceType: 'Patient', id: 'somebody-else' }), ['o1', 'o3']),
  ];
}
