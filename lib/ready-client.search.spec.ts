import { EventEmitter, once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Bundle, Observation } from 'fhir/r4.js';
import { clientWith } from '../test/support/client-with.js';
import { EhrServer } from '../test/support/ehr-server.js';
import type { EhrAnswer } from '../test/support/ehr-server.js';
import { httpClient } from '../test/support/launch-parts.js';
import { RecordingServer, json } from '../test/support/recording-server.js';
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

  it('are aborted where the caller stops before they came', async () => {
    const server = await new RecordingServer().start();
    const [asked, closed] = [new EventEmitter(), new EventEmitter()];
    server.answer = ({ url }, response) => {
      if (!url.includes('page=2')) return json(page('one', 'Observation?page=2'))({} as never, response);
      response.once('close', () => closed.emit('page'));
      asked.emit('page');
    };
    // no time-out of its own would do it
    const unhurried = httpClient(120_000);
    const { fhir: client } = clientWith(`${server.url}/fhir`, unhurried);
    const [isAsked, isClosed] = [once(asked, 'page'), once(closed, 'page')];
    for await (const { id } of client.search('Observation')) {
      expect(id).toBe('one');
      await isAsked;
      break;
    }
    await isClosed;
    expect(server.requests).toHaveLength(2);
    await server.close();
    await unhurried.close();
  });

  it('are POSTed for where the query is long, with the token, and linked by GET', async () => {
    ehr.respondWith(({ method }) => ({
      json: method === 'POST' ? page('one', 'Observation?_getpages=1') : page('two'),
    }));
    const code = Array.from({ length: 300 }, (_, n) => `http://loinc.org|${n}-0`).join(',');
    const found = await fhir.search('Observation', { code, _count: 1 }).toArray();
    expect(found.map(({ id }) => id)).toEqual(['one', 'two']);
    const [posted, linked] = ehr.requests;
    expect(posted).toMatchObject({
      method: 'POST',
      target: '/fhir/Observation/_search',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/fhir+json',
        authorization: 'Bearer access-1',
      },
    });
    expect([...posted!.form]).toEqual([
      ['code', code],
      ['_count', '1'],
    ]);
    expect(linked).toMatchObject({ method: 'GET', target: '/fhir/Observation?_getpages=1', body: '' });
  });

  it('have the headers of the caller, every one of them', async () => {
    ehr.respondWith(({ query }) => ({
      json: query.has('page') ? page('two') : page('one', 'Observation?page=2'),
    }));
    await fhir.search('Observation', {}, { headers: { 'x-request-id': 'abc' } }).toArray();
    expect(ehr.requests.map(({ headers }) => headers['x-request-id'])).toEqual(['abc', 'abc']);
  });

  it.each([null, '', Number.NaN, []])('are not asked for with a filter that is none: %p', async (patient) => {
    await expect(fhir.search('Observation', { patient: patient as never }).toArray()).rejects.toMatchObject({
      error: 'invalid_request',
    });
    expect(ehr.requests).toEqual([]);
  });

  it('are counted without being read', async () => {
    ehr.respondWith(() => ({ json: { resourceType: 'Bundle', type: 'searchset', total: 7 } }));
    expect(await fhir.search('Observation', { code: 'a', _count: 3 }).total()).toBe(7);
    expect(ehr.requests.map(({ target }) => target)).toEqual([
      '/fhir/Observation?code=a&_summary=count&_total=accurate',
    ]);
    ehr.respondWith(() => ({ status: 403 }));
    await expect(fhir.search('Observation').total()).rejects.toMatchObject({ status: 403 });
  });
});

describe('a page that is guessed', () => {
  /** Pages of one by offset, up to 3, of a server that counts four times as many and answers guesses with `status`. */
  function answersGuesses(status: number, headers: Record<string, string> = {}) {
    ehr.respondWith(({ query }): EhrAnswer => {
      const offset = Number(query.get('offset') ?? 0);
      if (offset > 3) return { status, headers };
      const next = `${ehr.url}/fhir/Observation?code=a%7Cb&offset=${offset + 1}`;
      return { json: { ...page(`o${offset}`, offset < 3 ? next : undefined), total: 12 } };
    });
  }
  const guessed = () => ehr.requests.filter(({ query }) => Number(query.get('offset')) > 3);

  /** Reads all, slowly enough for the guess to be answered. */
  async function readSlowly(reader: ReadyClient): Promise<unknown[]> {
    const found: unknown[] = [];
    for await (const { id } of reader.search('Observation', { code: 'a|b' })) {
      found.push(id);
      while (id === 'o2' && guessed().length === 0) await new Promise((resolve) => setImmediate(resolve));
      if (id === 'o3') await reader.request('Observation/o3');
    }
    return found;
  }

  it('A8-5 and refused with a 401 neither renews the token nor ends the session', async () => {
    const { fhir: reader, asked } = clientWith(`${ehr.url}/fhir`, http);
    answersGuesses(401);
    expect(await readSlowly(reader)).toEqual(['o0', 'o1', 'o2', 'o3']);
    expect(guessed()).toHaveLength(1);
    expect(asked).toEqual([]);
  });

  it.each([429, 503])('is not tried again after a %s', async (status) => {
    answersGuesses(status, { 'retry-after': '0' });
    expect(await readSlowly(fhir)).toEqual(['o0', 'o1', 'o2', 'o3']);
    expect(guessed()).toHaveLength(1);
  });

  it('A8-5 and refused since the token is no longer good is asked for again with a new one', async () => {
    const { fhir: reader, asked } = clientWith(`${ehr.url}/fhir`, http);
    let isOver = false;
    ehr.respondWith(({ query, headers }): EhrAnswer => {
      const offset = Number(query.get('offset') ?? 0);
      if (offset === 3) isOver = true;
      if (isOver && headers.authorization === 'Bearer access-1') return { status: 401 };
      const next = `${ehr.url}/fhir/Observation?code=a%7Cb&offset=${offset + 1}`;
      return { json: { ...page(`o${offset}`, offset < 5 ? next : undefined), total: 6 } };
    });
    const found = await reader.search('Observation', { code: 'a|b' }).toArray();
    expect(found.map(({ id }) => id)).toEqual(['o0', 'o1', 'o2', 'o3', 'o4', 'o5']);
    expect(asked).toEqual(['renew access-1']);
  });
});
