import { describe, expect, it } from '@jest/globals';
import type { Bundle, Patient } from 'fhir/r4.js';
import { SmartError } from '../smart-error.js';
import { SearchResult, searchPath } from './search-result.js';

const patient = (id: string): Patient => ({ resourceType: 'Patient', id });

function page(ids: string[], next?: string): Bundle {
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    link: [{ relation: 'self', url: 'Patient?self' }, ...(next ? [{ relation: 'next', url: next }] : [])],
    entry: ids.map((id) => ({ resource: patient(id), search: { mode: 'match' } })),
  };
}

/** A search over these pages by target; `asked` are the targets that were fetched. */
function searchOf(pages: Record<string, unknown>) {
  const asked: string[] = [];
  const search = new SearchResult<Patient, Bundle<Patient>>('first', (target) => {
    asked.push(target);
    return Promise.resolve(pages[target]);
  });
  return { search, asked };
}

const THREE_PAGES = { first: page(['1', '2'], 'second'), second: page(['3'], 'third'), third: page(['4']) };

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('a search', () => {
  it('reads every page, in order', async () => {
    const { search, asked } = searchOf(THREE_PAGES);
    expect((await collected(search)).map(({ id }) => id)).toEqual(['1', '2', '3', '4']);
    expect(asked).toEqual(['first', 'second', 'third']);
  });

  it('reads nothing before it is iterated, and everything again the next time', async () => {
    const { search, asked } = searchOf(THREE_PAGES);
    expect(asked).toEqual([]);
    expect(await search.toArray()).toHaveLength(4);
    expect(await search.toArray()).toHaveLength(4);
    expect(asked).toHaveLength(6);
  });

  it('gives the Bundles as they came', async () => {
    expect(await collected(searchOf(THREE_PAGES).search.pages())).toEqual(Object.values(THREE_PAGES));
  });

  it.each([
    [1, ['1'], 1],
    [2, ['1', '2'], 1],
    [3, ['1', '2', '3'], 2],
    [99, ['1', '2', '3', '4'], 3],
    [0, [], 0],
    [-1, [], 0],
  ])('fetches no page after the limit: %d', async (limit, ids, fetched) => {
    const { search, asked } = searchOf(THREE_PAGES);
    expect((await search.toArray({ limit })).map(({ id }) => id)).toEqual(ids);
    expect(asked).toHaveLength(fetched);
  });

  it('fetches no page after the one at which the caller stops', async () => {
    const { search, asked } = searchOf(THREE_PAGES);
    for await (const { id } of search) if (id === '2') break;
    expect(asked).toEqual(['first']);
  });

  it('finds the first, on whatever page it is', async () => {
    const { search, asked } = searchOf({ first: page([], 'second'), second: page(['3'], 'third') });
    expect((await search.first())?.id).toBe('3');
    expect(asked).toEqual(['first', 'second']);
    expect(await searchOf({ first: page([]) }).search.first()).toBeUndefined();
  });

  it('leaves out what the server says about the search', async () => {
    const outcome = { resourceType: 'OperationOutcome', issue: [] };
    const entry = [
      { resource: outcome, search: { mode: 'outcome' } },
      { resource: outcome },
      { resource: patient('1'), search: { mode: 'outcome' } },
      { resource: patient('2'), search: { mode: 'include' } },
      { fullUrl: 'urn:uuid:1' },
      { resource: patient('3') },
    ];
    const { search } = searchOf({ first: { resourceType: 'Bundle', entry } });
    expect((await search.toArray()).map(({ id }) => id)).toEqual(['2', '3']);
  });

  it.each([
    ['no link', { resourceType: 'Bundle', entry: [] }],
    ['no entry', { resourceType: 'Bundle', link: [] }],
    ['a next link without URL', { resourceType: 'Bundle', link: [{ relation: 'next' }] }],
    ['a previous link', { resourceType: 'Bundle', link: [{ relation: 'previous', url: 'first' }] }],
  ])('ends where a page has %s', async (_what, only) => {
    expect(await searchOf({ first: only }).search.toArray()).toEqual([]);
  });
});

describe('a search that goes wrong', () => {
  it.each<[string, Record<string, unknown>]>([
    ['leads to itself', { first: page(['1'], 'first') }],
    ['leads back', { first: page(['1'], 'second'), second: page(['2'], 'first') }],
  ])('A8-3 ends where a next link %s', async (_what, pages) => {
    const { search, asked } = searchOf(pages);
    await expect(search.toArray()).rejects.toMatchObject({
      error: 'invalid_fhir_response',
      message: expect.stringContaining('repeats'),
    });
    expect(asked).toHaveLength(Object.keys(pages).length);
  });

  it('E-AZ-2 throws the error of a page, after what came before it', async () => {
    const error = new SmartError('fhir_request_failed', 'gone', { status: 404 });
    const { search } = searchOf({ first: page(['1', '2'], 'second'), second: error });
    const seen: (string | undefined)[] = [];
    const reading = (async () => {
      for await (const { id } of search) seen.push(id);
    })();
    await expect(reading).rejects.toBe(error);
    expect(seen).toEqual(['1', '2']);
  });

  it.each([
    ['a resource', patient('1')],
    ['nothing', undefined],
    ['null', null],
    ['text', 'Bundle'],
    ['a list', []],
  ])('throws when a page is no Bundle: %s', async (_what, body) => {
    await expect(searchOf({ first: body }).search.toArray()).rejects.toMatchObject({
      error: 'invalid_fhir_response',
    });
  });

  it.each([
    ['links that are no list', { resourceType: 'Bundle', link: {} }],
    ['a link that is null', { resourceType: 'Bundle', link: [null] }],
    ['entries that are no list', { resourceType: 'Bundle', entry: {} }],
    ['an entry that is null', { resourceType: 'Bundle', entry: [null] }],
    ['a next link that is no text', { resourceType: 'Bundle', link: [{ relation: 'next', url: 7 }] }],
  ])('throws a SmartError when a Bundle has %s', async (_what, body) => {
    await expect(searchOf({ first: body }).search.toArray()).rejects.toMatchObject({
      error: 'invalid_fhir_response',
    });
  });
});

describe('the path of a search', () => {
  it.each([
    [{}, 'Observation'],
    [{ code: undefined }, 'Observation'],
    [{ code: [] }, 'Observation'],
    [{ code: 'a|b,c' }, 'Observation?code=a%7Cb%2Cc'],
    [{ _count: 20, active: false }, 'Observation?_count=20&active=false'],
    [{ date: ['ge2020', 'lt2021'] }, 'Observation?date=ge2020&date=lt2021'],
    [{ name: 'a&b=c#d?é' }, 'Observation?name=a%26b%3Dc%23d%3F%C3%A9'],
    [{ 'code:in': 'http://x/y' }, 'Observation?code%3Ain=http%3A%2F%2Fx%2Fy'],
  ])('encodes names and values: %j', (parameters, path) => {
    expect(searchPath('Observation', parameters)).toBe(path);
  });
});
