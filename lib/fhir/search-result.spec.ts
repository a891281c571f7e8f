import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Bundle, Patient, Practitioner } from 'fhir/r4.js';
import { SmartError } from '../smart-error.js';
import { PatientCompartment } from './patient-compartment.js';
import type { SearchRequest } from './search-request.js';
import { SearchResult } from './search-result.js';
import type { SearchOptions } from './search-result.js';

const patient = (id: string): Patient => ({ resourceType: 'Patient', id });

function page(ids: string[], next?: string): Bundle {
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    link: [{ relation: 'self', url: 'Patient?self' }, ...(next ? [{ relation: 'next', url: next }] : [])],
    entry: ids.map((id) => ({ resource: patient(id), search: { mode: 'match' } })),
  };
}

/** A search over these pages by target; `asked` are the targets that were fetched, `signals` theirs. */
function searchOf(pages: Record<string, unknown>, options: SearchOptions = {}) {
  const asked: string[] = [];
  const signals: AbortSignal[] = [];
  const send = ({ target }: SearchRequest, signal: AbortSignal) => {
    asked.push(target);
    signals.push(signal);
    return pages[target] instanceof Error && !(pages[target] instanceof SmartError)
      ? Promise.reject(pages[target])
      : Promise.resolve(pages[target]);
  };
  const search = new SearchResult<Patient, Bundle<Patient>>({
    resourceType: 'Patient',
    query: {},
    options,
    send,
  });
  return { search, asked, signals };
}

const THREE_PAGES = { Patient: page(['1', '2'], 'second'), second: page(['3'], 'third'), third: page(['4']) };
const GONE = new SmartError('fhir_request_failed', 'gone', { status: 404 });

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => void unhandled.push(reason);
beforeEach(() => void process.on('unhandledRejection', onUnhandled));
afterEach(async () => {
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled.splice(0)).toEqual([]);
});

describe('a search', () => {
  it('reads every page, in order', async () => {
    const { search, asked } = searchOf(THREE_PAGES);
    expect((await collected(search)).map(({ id }) => id)).toEqual(['1', '2', '3', '4']);
    expect(asked).toEqual(['Patient', 'second', 'third']);
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

  it('has the next page on its way while the caller works on one', async () => {
    const { search, asked } = searchOf(THREE_PAGES);
    const seen: [string | undefined, number][] = [];
    for await (const { id } of search) seen.push([id, asked.length]);
    expect(seen).toEqual([
      ['1', 2],
      ['2', 2],
      ['3', 3],
      ['4', 3],
    ]);
  });

  it('has sent for the next page before a caller may compute', async () => {
    const sent: string[] = [];
    const send = async ({ target }: SearchRequest) => {
      // what a client does before it writes to the socket
      for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
      sent.push(target);
      return THREE_PAGES[target as keyof typeof THREE_PAGES];
    };
    const search = new SearchResult({ resourceType: 'Patient', query: {}, options: {}, send });
    await search.pages().next();
    expect(sent).toEqual(['Patient', 'second']);
  });

  it('is one page ahead of the caller, and no further', async () => {
    const { search, asked } = searchOf(THREE_PAGES);
    const pages = search.pages();
    await pages.next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toEqual(['Patient', 'second']);
    await pages.return(undefined);
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

  it.each<[number | undefined, string[]]>([
    [1, ['1', '2']],
    [2, ['1', '2', '3']],
    [3, ['1', '2', '3', '4']],
    [99, ['1', '2', '3', '4']],
    [0, ['1', '2', '3', '4']],
    [undefined, ['1', '2', '3', '4']],
  ])('reads as many pages as the caller wants: %p', async (pageLimit, ids) => {
    const { search, asked } = searchOf(THREE_PAGES, { pageLimit });
    expect((await search.toArray()).map(({ id }) => id)).toEqual(ids);
    expect(asked).toHaveLength(Math.min(pageLimit || 3, 3));
  });

  it('finds the first, on whatever page it is, and fetches none after it', async () => {
    const { search, asked } = searchOf({ Patient: page([], 'second'), second: page(['3'], 'third') });
    expect((await search.first())?.id).toBe('3');
    expect(asked).toEqual(['Patient', 'second']);
    expect(await searchOf({ Patient: page([]) }).search.first()).toBeUndefined();
    const one = searchOf(THREE_PAGES);
    expect((await one.search.first())?.id).toBe('1');
    expect(one.asked).toEqual(['Patient']);
  });

  it('leaves out what the server says about the search', async () => {
    const outcome = { resourceType: 'OperationOutcome', issue: [] };
    const entry = [
      { resource: outcome, search: { mode: 'outcome' } },
      { resource: outcome },
      { resource: patient('1'), search: { mode: 'outcome' } },
      { resource: patient('2'), search: { mode: 'include' } },
      { fullUrl: 'urn:uuid:1' },
      { resource: null },
      { resource: patient('3') },
    ];
    const { search } = searchOf({ Patient: { resourceType: 'Bundle', entry } });
    expect((await search.toArray()).map(({ id }) => id)).toEqual(['2', '3']);
  });

  it('tells matches from what was included', async () => {
    const doctor: Practitioner = { resourceType: 'Practitioner', id: 'dr' };
    const entry = [
      { resource: doctor, search: { mode: 'include' } },
      { resource: patient('0'), search: { mode: 'include' } },
      { resource: patient('1'), search: { mode: 'match' } },
      { resource: doctor },
      { resource: patient('2') },
    ];
    const { search } = searchOf({ Patient: { resourceType: 'Bundle', entry } });
    expect((await search.toArray()).map(({ id }) => id)).toEqual(['dr', '0', '1', 'dr', '2']);
    expect((await collected(search.matches())).map(({ id }) => id)).toEqual(['1', '2']);
    expect((await search.first())?.id).toBe('1');
  });

  it.each([
    ['no link', { resourceType: 'Bundle', entry: [] }],
    ['no entry', { resourceType: 'Bundle', link: [] }],
    ['a next link without URL', { resourceType: 'Bundle', link: [{ relation: 'next' }] }],
    ['a previous link', { resourceType: 'Bundle', link: [{ relation: 'previous', url: 'Patient' }] }],
  ])('ends where a page has %s', async (_what, only) => {
    expect(await searchOf({ Patient: only }).search.toArray()).toEqual([]);
  });

  it('C-19 shows a log neither what is searched for nor what was found', async () => {
    const { search } = searchOf(THREE_PAGES);
    expect(JSON.stringify(search)).toBe('{}');
    expect(Object.keys(search)).toEqual([]);
  });
});

describe('a caller that stops', () => {
  it.each<[string, (search: AsyncIterable<Patient>) => Promise<void>]>([
    ['breaks', async (search) => void (await takeOne(search))],
    ['throws', async (search) => void (await expect(failing(search)).rejects.toThrow('its own'))],
    ['returns', async (search) => void (await search[Symbol.asyncIterator]().return?.())],
  ])('has the page that is on its way aborted: %s', async (_how, stop) => {
    const { search, signals } = searchOf({ ...THREE_PAGES, second: new Promise(() => undefined) });
    await stop(search);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true].slice(0, signals.length));
  });

  it.each<[string, unknown]>([
    ['an error', GONE],
    ['a rejection', new Error('unexpected')],
    ['no Bundle', 'text'],
  ])('never hears of the page that was on its way: %s', async (_what, second) => {
    const { search, asked } = searchOf({ ...THREE_PAGES, second });
    expect(await takeOne(search)).toBe('1');
    expect(asked).toEqual(['Patient', 'second']);
  });

  it('stops by its signal too', async () => {
    const caller = new AbortController();
    const pages = { ...THREE_PAGES, second: new Promise(() => undefined) };
    const { search, signals } = searchOf(pages, { signal: caller.signal });
    for await (const { id } of search) {
      if (id === '2') {
        caller.abort();
        expect(signals[1]?.aborted).toBe(true);
        break;
      }
    }
    const late = searchOf(THREE_PAGES, { signal: caller.signal });
    await late.search.first();
    expect(late.signals[0]?.aborted).toBe(true);
  });
});

async function takeOne(search: AsyncIterable<Patient>): Promise<string | undefined> {
  for await (const { id } of search) return id;
  return undefined;
}

async function failing(search: AsyncIterable<Patient>): Promise<void> {
  for await (const { id } of search) throw new Error(`its own ${id}`);
}

describe('pages further ahead', () => {
  /** Ten pages of one, by offset; links and total as the test has them. */
  function counted(options: SearchOptions, linkTo = (n: number) => `?offset=${n}&x=9`, total: unknown = 10) {
    const pages = Array.from({ length: 10 }, (_, n) => ({
      ...page([String(n)], n < 9 ? linkTo(n + 1) : undefined),
      total,
    }));
    return searchOf(
      Object.fromEntries(pages.map((one, n) => [n === 0 ? 'Patient' : linkTo(n), one])),
      options,
    );
  }
  const ALL = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
  const idsOf = async (search: AsyncIterable<Patient>) => (await collected(search)).map(({ id }) => id);

  it('are guessed where the links count on, and each is asked for once', async () => {
    const { search, asked } = counted({ pagesAhead: 3 });
    const seen: [string | undefined, number][] = [];
    for await (const { id } of search) seen.push([id, asked.length]);
    expect(seen.map(([id]) => id)).toEqual(ALL);
    // two links are needed to guess the third
    expect(seen.map(([, fetched]) => fetched)).toEqual([2, 5, 6, 7, 8, 9, 10, 10, 10, 10]);
    expect(asked).toEqual(['Patient', ...ALL.slice(1).map((n) => `?offset=${n}&x=9`)]);
  });

  it.each<[string, (n: number) => string, unknown]>([
    ['links without a number', (n) => `?cursor=${'abcdefghijk'[n]}`, 10],
    ['two numbers that change', (n) => `?offset=${n}&page=${n}`, 10],
    ['a number that falls', (n) => `?left=${100 - n}`, 10],
    ['a number with zeros before it', (n) => `?offset=00${n}`, 10],
    ['a number that is too large', (n) => `?offset=1000000000000000000000${n}`, 10],
    ['no total', (n) => `?offset=${n}`, null],
    ['a total of this page', (n) => `?offset=${n}`, 1],
  ])('are not guessed with %s', async (_what, linkTo, total) => {
    const { search, asked } = counted({ pagesAhead: 3 }, linkTo, total);
    const seen: number[] = [];
    for await (const { id } of search) seen.push(id === undefined ? 0 : asked.length);
    expect(seen).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 10]);
  });

  it('are given up where the server links elsewhere, and never read', async () => {
    const pages = {
      Patient: { ...page(['0'], '?offset=1'), total: 9 },
      '?offset=1': { ...page(['1'], '?offset=2'), total: 9 },
      '?offset=2': { ...page(['2'], '?offset=7'), total: 9 },
      '?offset=3': new Promise(() => undefined),
      '?offset=7': { ...page(['7'], '?offset=8'), total: 9 },
      '?offset=8': { ...page(['8']), total: 9 },
    };
    const { search, asked, signals } = searchOf(pages, { pagesAhead: 2 });
    expect(await idsOf(search)).toEqual(['0', '1', '2', '7', '8']);
    expect(asked).toEqual(['Patient', '?offset=1', '?offset=2', '?offset=3', '?offset=7', '?offset=8']);
    expect(signals[3]?.aborted).toBe(true);
  });

  it('do not pass the limits', async () => {
    const wanted = counted({ pagesAhead: 5, pageLimit: 3 });
    expect(await idsOf(wanted.search)).toEqual(['0', '1', '2']);
    expect(wanted.asked).toHaveLength(3);
    const guarded = counted({ pagesAhead: 5, maxPages: 3 });
    await expect(idsOf(guarded.search)).rejects.toMatchObject({ error: 'invalid_fhir_response' });
    expect(guarded.asked).toHaveLength(3);
  });

  it('are none where the caller wants none', async () => {
    const { search, asked } = counted({ pagesAhead: 0 });
    const seen: number[] = [];
    for await (const { id } of search) seen.push(id === undefined ? 0 : asked.length);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('that failed when they were guessed are asked for again once the server links there', async () => {
    const { search, requests } = failingOnce('?offset=3');
    expect(await idsOf(search)).toEqual(['0', '1', '2', '3', '4']);
    expect(requests.filter(({ target }) => target === '?offset=3')).toEqual([
      { method: 'GET', target: '?offset=3', isGuess: true },
      { method: 'GET', target: '?offset=3' },
    ]);
    // a server that refuses one is spared the others
    expect(requests.filter(({ isGuess }) => isGuess).map(({ target }) => target)).toEqual(['?offset=3']);
  });

  it('that fail after the server linked there are asked for again, too', async () => {
    const { search, requests, fail } = failingOnce('?offset=3', true);
    const ids: (string | undefined)[] = [];
    for await (const { id } of search) {
      ids.push(id);
      if (id === '2') setImmediate(fail);
    }
    expect(ids).toEqual(['0', '1', '2', '3', '4']);
    expect(requests.filter(({ target }) => target === '?offset=3')).toHaveLength(2);
  });

  it('that fail a second time are an error', async () => {
    const { search } = failingOnce('?offset=3', false, true);
    await expect(idsOf(search)).rejects.toBe(GONE);
  });

  /** Five pages by offset; the first request for one of them fails, at once or when it is told to. */
  function failingOnce(failing: string, isLate = false, isForGood = false) {
    const requests: SearchRequest[] = [];
    let fail = () => undefined as void;
    const failed = new Promise<SmartError>((resolve) => (fail = () => resolve(GONE)));
    const search = new SearchResult<Patient, Bundle<Patient>>({
      resourceType: 'Patient',
      query: {},
      options: { pagesAhead: 2 },
      send: async (request) => {
        requests.push(request);
        const { target } = request;
        const isFirst = requests.filter((sent) => sent.target === target).length === 1;
        if (target === failing && (isFirst || isForGood)) return isLate ? failed : GONE;
        const at = Number(/offset=(\d)/.exec(target)?.[1] ?? 0);
        return { ...page([String(at)], at < 4 ? `?offset=${at + 1}` : undefined), total: 5 };
      },
    });
    return { search, requests, fail: () => fail() };
  }

  it('are aborted where the caller stops', async () => {
    const never = new Promise(() => undefined);
    const pages = {
      Patient: { ...page(['0'], '?offset=1'), total: 9 },
      '?offset=1': { ...page(['1'], '?offset=2'), total: 9 },
      ...{ '?offset=2': never, '?offset=3': never, '?offset=4': never },
    };
    const { search, signals } = searchOf(pages, { pagesAhead: 3 });
    for await (const { id } of search) if (id === '1') break;
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, true, true, true]);
  });
});

describe('a search that goes wrong', () => {
  it.each<[string, Record<string, unknown>]>([
    ['leads to itself', { Patient: page(['1'], 'Patient') }],
    ['leads back', { Patient: page(['1'], 'second'), second: page(['2'], 'Patient') }],
    [
      'runs in a circle',
      { Patient: page(['1'], 'second'), second: page(['2'], 'third'), third: page(['3'], 'second') },
    ],
  ])('A8-3 ends where a next link %s', async (_what, pages) => {
    const { search, asked } = searchOf(pages);
    await expect(search.toArray()).rejects.toMatchObject({
      error: 'invalid_fhir_response',
      message: expect.stringContaining('repeats'),
    });
    expect(asked).toHaveLength(Object.keys(pages).length);
  });

  it('A8-3 does not go on for ever', async () => {
    const endless = (options: SearchOptions) =>
      new SearchResult<Patient, Bundle>({
        resourceType: 'Patient',
        query: {},
        options,
        send: ({ target }) => Promise.resolve(page([target], `${target}1`)),
      });
    let pages = 0;
    const reading = (async () => {
      for await (const { entry } of endless({ maxPages: 3 }).pages()) pages += entry ? 1 : 0;
    })();
    await expect(reading).rejects.toMatchObject({
      error: 'invalid_fhir_response',
      message: expect.stringContaining('more than 3 pages'),
    });
    expect(pages).toBe(3);
    expect(await collected(endless({ maxPages: 3, pageLimit: 3 }).pages())).toHaveLength(3);
  });

  it('A8-3 collects no more than fits, unless the caller says how many', async () => {
    const many = page(Array.from({ length: 10_001 }, (_, n) => String(n)));
    const { search } = searchOf({ Patient: many });
    await expect(search.toArray()).rejects.toMatchObject({
      error: 'invalid_fhir_response',
      message: expect.stringContaining('iterate'),
    });
    expect(await search.toArray({ limit: 20_000 })).toHaveLength(10_001);
    const enough = searchOf({ Patient: { ...many, entry: many.entry?.slice(1) } });
    expect(await enough.search.toArray()).toHaveLength(10_000);
  });

  it.each<[string, unknown]>([
    ['an error', GONE],
    ['a rejection', new Error('unexpected')],
  ])('E-AZ-2 throws the error of a page, after what came before it: %s', async (_what, second) => {
    const { search } = searchOf({ Patient: page(['1', '2'], 'second'), second });
    const seen: (string | undefined)[] = [];
    const reading = (async () => {
      for await (const { id } of search) {
        seen.push(id);
        // the page that was fetched ahead has failed by now
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await expect(reading).rejects.toBe(second);
    expect(seen).toEqual(['1', '2']);
  });

  it.each([
    ['a resource', patient('1')],
    ['nothing', undefined],
    ['null', null],
    ['text', 'Bundle'],
    ['a list', []],
  ])('throws when a page is no Bundle: %s', async (_what, body) => {
    await expect(searchOf({ Patient: body }).search.toArray()).rejects.toMatchObject({
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
    await expect(searchOf({ Patient: body }).search.toArray()).rejects.toMatchObject({
      error: 'invalid_fhir_response',
    });
  });

  it.each<[string, SearchOptions]>([
    ['pageLimit', { pageLimit: Number.NaN }],
    ['pageLimit', { pageLimit: -1 }],
    ['maxPages', { maxPages: Number.NaN }],
    ['maxPages', { maxPages: 0 }],
    ['pagesAhead', { pagesAhead: Number.NaN }],
    ['pagesAhead', { pagesAhead: -1 }],
  ])('sends nothing with a %s that is none', async (_name, options) => {
    const { search, asked } = searchOf(THREE_PAGES, options);
    await expect(search.first()).rejects.toMatchObject({ error: 'invalid_request' });
    expect(asked).toEqual([]);
  });

  it('sends nothing with a limit that is no number', async () => {
    const { search, asked } = searchOf(THREE_PAGES);
    await expect(search.toArray({ limit: Number('ten') })).rejects.toMatchObject({
      error: 'invalid_request',
    });
    expect(asked).toEqual([]);
  });
});

describe('a search about one patient', () => {
  it('takes what another server’s entry says for that server’s', async () => {
    const base = 'https://ehr.example/fhir';
    const foreign: string[] = [];
    const compartment = new PatientCompartment(base, '1', (type, count) => foreign.push(`${type} ${count}`));
    const entry = [
      { fullUrl: 'https://other.example/fhir/Patient/1', resource: { ...patient('1'), active: false } },
      { fullUrl: `${base}/Patient/1`, resource: patient('1') },
      { fullUrl: 'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0', resource: patient('1') },
    ];
    const send = () => Promise.resolve({ resourceType: 'Bundle', type: 'searchset', entry });
    const search = new SearchResult({ resourceType: 'Patient', query: {}, options: {}, send, compartment });
    expect(await search.toArray()).toEqual([patient('1'), patient('1')]);
    expect(foreign).toEqual(['Patient 1']);
  });
});

describe('the total of a search', () => {
  const counted = (answer: unknown) => {
    const requests: SearchRequest[] = [];
    const search = new SearchResult({
      resourceType: 'Patient',
      query: {
        active: true,
        _count: 5,
        _sort: '-birthdate',
        _include: 'Patient:organization',
        '_include:iterate': 'a:b',
      },
      options: {},
      send: (request) => {
        requests.push(request);
        return Promise.resolve(answer);
      },
    });
    return { search, requests };
  };

  it('is asked for without the resources', async () => {
    const { search, requests } = counted({ resourceType: 'Bundle', total: 42 });
    expect(await search.total()).toBe(42);
    expect(requests).toEqual([
      { method: 'GET', target: 'Patient?active=true&_summary=count&_total=accurate' },
    ]);
  });

  it.each([undefined, null, -1, 1.5, '3', Number.NaN])('is undefined where it is %p', async (total) => {
    expect(await counted({ resourceType: 'Bundle', total }).search.total()).toBeUndefined();
    expect(await counted({ resourceType: 'Bundle', total: 0 }).search.total()).toBe(0);
  });

  it('is thrown where it cannot be had', async () => {
    await expect(counted(GONE).search.total()).rejects.toBe(GONE);
    await expect(counted('text').search.total()).rejects.toMatchObject({ error: 'invalid_fhir_response' });
  });
});

describe('the parameters of a search', () => {
  it('are those of the moment it was made', async () => {
    const asked: string[] = [];
    const query = { code: 'a' };
    const send = ({ target }: SearchRequest) => Promise.resolve((asked.push(target), page([])));
    const search = new SearchResult({ resourceType: 'Observation', query, options: {}, send });
    query.code = 'b';
    await search.toArray();
    expect(asked).toEqual(['Observation?code=a']);
  });

  it('are checked before anything is sent, and thrown by every way to read', async () => {
    const asked: string[] = [];
    const send = ({ target }: SearchRequest) => Promise.resolve(asked.push(target));
    const query = { patient: null } as never;
    const search = new SearchResult({ resourceType: 'Observation', query, options: {}, send });
    const refused = { error: 'invalid_request', message: expect.stringContaining('patient') };
    await expect(collected(search)).rejects.toMatchObject(refused);
    await expect(collected(search.pages())).rejects.toMatchObject(refused);
    await expect(search.first()).rejects.toMatchObject(refused);
    await expect(search.toArray()).rejects.toMatchObject(refused);
    await expect(search.total()).rejects.toMatchObject(refused);
    expect(asked).toEqual([]);
  });
});
