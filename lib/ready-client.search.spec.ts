import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Bundle, Observation } from 'fhir/r4.js';
import { clientWith } from '../test/support/client-with.js';
import { EhrServer } from '../test/support/ehr-server.js';
import { httpClient } from '../test/support/launch-parts.js';
import type { ReadyClient } from './ready-client.js';
import { SmartError } from './smart-error.js';

const http = httpClient();
let ehr: EhrServer;
let evil: EhrServer;
let fhir: ReadyClient;

beforeAll(async () => {
  [ehr, evil] = [await EhrServer.start(), await EhrServer.start()];
});
afterAll(async () => {
  await http.close();
  await ehr.close();
  await evil.close();
});
beforeEach(() => {
  ehr.reset();
  evil.reset();
  const over = new SmartError('session_expired', 'over');
  ({ fhir } = clientWith(`${ehr.url}/fhir`, http, {}, over));
});

function page(id: string, next?: string): Bundle<Observation> {
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    ...(next !== undefined && { link: [{ relation: 'next', url: next }] }),
    entry: [{ resource: { resourceType: 'Observation', id, status: 'final', code: {} } }],
  };
}

const ids = async () => (await fhir.search('Observation', { code: 'a|b' }).toArray()).map(({ id }) => id);

describe('the pages of a search', () => {
  it.each<[string, (base: string) => string]>([
    ['absolute', (base) => `${base}/Observation?page=2`],
    ['E-AID-1 relative to the base', () => 'Observation?page=2'],
    ['E-AID-1 relative to the host', () => '/fhir/Observation?page=2'],
    ['E-MISC-6 at the base itself', (base) => `${base}?_getpages=1&page=2`],
    ['E-AZ-2 longer than 2 kB', (base) => `${base}/Observation?page=2&ct=${'x'.repeat(4_000)}`],
  ])('A8-3 %s: a next link that is followed with the token', async (_what, next) => {
    ehr.respondWith(({ query }) => ({
      json: query.get('page') === '2' ? page('two') : page('one', next(`${ehr.url}/fhir`)),
    }));
    expect(await ids()).toEqual(['one', 'two']);
    expect(ehr.requests[0]!.target).toBe('/fhir/Observation?code=a%7Cb');
    expect(ehr.requests[1]!.path).toMatch(/^\/fhir(\/Observation)?$/);
    expect(new Set(ehr.requests.map(({ headers }) => headers.authorization))).toEqual(
      new Set(['Bearer access-1']),
    );
  });

  it.each<[string, () => string]>([
    ['another server', () => `${evil.url}/fhir/Observation?page=2`],
    ['an internal address', () => 'http://10.0.66.99/fhir/Observation?page=2'],
    ['beside the base', () => `${ehr.url}/fhir-evil/Observation?page=2`],
    ['above the base', () => '../admin'],
  ])(
    'A8-3 are refused when a next link leads elsewhere, and no token goes there: %s',
    async (_what, next) => {
      ehr.respondWith(() => ({ json: page('one', next()) }));
      await expect(ids()).rejects.toMatchObject({ error: 'invalid_request' });
      expect(ehr.requests).toHaveLength(1);
      expect(evil.requests).toEqual([]);
    },
  );

  it('A8-3 end when a next link repeats', async () => {
    ehr.respondWith(() => ({ json: page('one', 'Observation?page=2') }));
    await expect(ids()).rejects.toMatchObject({ error: 'invalid_fhir_response' });
    expect(ehr.requests).toHaveLength(2);
  });

  it('E-AZ-2 are not silently cut short when one of them is gone', async () => {
    ehr.respondWith(({ query }) =>
      query.has('page') ? { status: 404 } : { json: page('one', 'Observation?page=2') },
    );
    await expect(ids()).rejects.toMatchObject({ error: 'fhir_request_failed', status: 404 });
  });

  it('A8-5 end with the session', async () => {
    ehr.respondWith(({ query }) =>
      query.has('page') ? { status: 401 } : { json: page('one', 'Observation?page=2') },
    );
    await expect(ids()).rejects.toMatchObject({ error: 'session_expired' });
  });

  it('are not fetched beyond the limit', async () => {
    ehr.respondWith(() => ({ json: page('one', 'Observation?page=2') }));
    expect(await fhir.search('Observation').first()).toMatchObject({ id: 'one' });
    expect(await fhir.search('Observation').toArray({ limit: 1 })).toHaveLength(1);
    expect(ehr.requests).toHaveLength(2);
  });
});
