import { SmartError } from '../smart-error.js';
import type { PatientCompartment } from './patient-compartment.js';
import type { FetchPage } from './pages-ahead.js';
import { checkedPage, searchPages } from './search-pages.js';
import type { Page, PageLimits } from './search-pages.js';
import { queryEntries } from './search-parameters.js';
import type { QueryEntry, SearchQuery } from './search-parameters.js';
import { countRequest, searchRequest } from './search-request.js';
import type { SearchMethod, SearchRequest } from './search-request.js';

/** How a search is sent and how far it is read. */
export interface SearchOptions extends PageLimits {
  /**
   * `auto` (default) searches by GET, and by POST to `_search` where the URL would be longer than 2,000 bytes.
   * Next pages are always a GET, as the server links them.
   */
  method?: SearchMethod | undefined;
}

/** A history as it is sent: read like a search, and every resource in it is a match. */
export interface History extends Pick<Search, 'send'> {
  options: PageLimits;
  path: string | SmartError;
}

/** A search as it is sent. */
export interface Search {
  /** of what is searched for */
  resourceType: string;
  query: SearchQuery;
  options: SearchOptions;
  /** answers the body, or a SmartError */
  send: (request: SearchRequest, signal: AbortSignal) => Promise<unknown>;
  /** keeps it to one patient */
  compartment?: PatientCompartment | SmartError;
}

const MAX_COLLECTED = 10_000;

/**
 * A search that is read as it is iterated; the next page is on its way while you work on one. What goes wrong is
 * thrown as a SmartError when the iteration gets there. OperationOutcome entries (`search.mode` `outcome`) are left
 * out. Each iteration asks the server anew.
 *
 * @example
 * for await (const observation of fhir.search('Observation', { category: 'vital-signs' })) …
 */
export class SearchResult<Match, Bundle, Included = never> implements AsyncIterable<Match | Included> {
  // Private to the runtime: a query holds what is searched for, and loggers print what they can see.
  readonly #search: Search | (History & { compartment?: undefined; resourceType?: undefined });
  readonly #entries: readonly QueryEntry[] | SmartError;

  /** @internal */
  constructor(search: Search | History) {
    this.#search = search;
    this.#entries = 'path' in search ? [] : sentEntries(search);
  }

  /** Matches, and what `_include` and `_revinclude` add, as the pages have them. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Match | Included, void, undefined> {
    for await (const page of this.#pages()) yield* found(page) as (Match | Included)[];
  }

  /** What was searched for, without what was included. */
  async *matches(): AsyncGenerator<Match, void, undefined> {
    for await (const page of this.#pages()) yield* this.#matchesOf(page);
  }

  /** The searchset Bundles, in order. */
  async *pages(): AsyncGenerator<Bundle, void, undefined> {
    for await (const page of this.#pages()) yield page as Bundle;
  }

  /**
   * All resources, matches and included ones. Without a `limit` more than 10,000 are an error
   * (`invalid_fhir_response`): iterate over so many.
   *
   * @param options.limit the most resources to read; pages after it are not fetched
   */
  async toArray(options: { limit?: number | undefined } = {}): Promise<(Match | Included)[]> {
    const { limit = MAX_COLLECTED + 1 } = options;
    if (Number.isNaN(limit)) throw new SmartError('invalid_request', 'The limit of a search is not a number');
    const resources: unknown[] = [];
    if (limit <= 0) return [];
    const isFull = (page: Page) => resources.length + found(page).length >= limit;
    for await (const page of this.#pages((current) => !isFull(current))) {
      for (const resource of found(page)) {
        resources.push(resource);
        if (resources.length < limit) continue;
        if (options.limit === undefined) throw tooMany();
        return resources as (Match | Included)[];
      }
    }
    return resources as (Match | Included)[];
  }

  /** The first match; no page after its own is fetched. */
  async first(): Promise<Match | undefined> {
    for await (const page of this.#pages((current) => this.#matchesOf(current).length === 0)) {
      const [match] = this.#matchesOf(page);
      if (match !== undefined) return match;
    }
    return undefined;
  }

  /**
   * How many matches the server counts, without reading them (`_summary=count`); undefined where it does not say.
   * Of a patient's search it is the server's word: what cannot be seen cannot be checked.
   */
  async total(): Promise<number | undefined> {
    const { resourceType, options, send } = this.#search;
    if (resourceType === undefined) throw new SmartError('invalid_request', 'A history is not counted');
    const request = countRequest(resourceType, this.#checkedEntries(), options.method);
    const page = checkedPage(await send(request, options.signal ?? new AbortController().signal));
    return Number.isSafeInteger(page.total) && Number(page.total) >= 0 ? Number(page.total) : undefined;
  }

  async *#pages(wantsNext: (page: Page) => boolean = () => true): AsyncGenerator<Page, void, undefined> {
    const { resourceType, options, send, compartment } = this.#search;
    checkLimits(options);
    const first = this.#first();
    const fetchPage: FetchPage = async (request, signal) => checkedPage(await send(request, signal));
    if (!compartment || compartment instanceof SmartError) {
      return yield* searchPages(first, fetchPage, options, wantsNext);
    }
    const own = (page: Page): Page => {
      const all = page.entry ?? [];
      const kept = all.filter(
        ({ resource, fullUrl }) => !resource || !compartment.isForeign(resource, resourceType, fullUrl),
      );
      return kept.length === all.length ? page : { ...page, entry: kept };
    };
    let foreign = 0;
    try {
      for await (const page of searchPages(first, fetchPage, options, (sent) => wantsNext(own(sent)))) {
        const kept = own(page);
        foreign += (page.entry?.length ?? 0) - (kept.entry?.length ?? 0);
        yield kept;
      }
    } finally {
      if (foreign > 0) compartment.onForeign(resourceType, foreign);
    }
  }

  #first(): SearchRequest {
    if ('query' in this.#search) {
      const { resourceType, options } = this.#search;
      return searchRequest(resourceType, this.#checkedEntries(), options.method);
    }
    const { path } = this.#search;
    if (path instanceof SmartError) throw path;
    return { method: 'GET', target: path };
  }

  #matchesOf(page: Page): Match[] {
    const { resourceType } = this.#search;
    if (resourceType === undefined) return found(page) as Match[];
    const matches = (page.entry ?? []).filter(
      ({ resource, search }) =>
        resource?.resourceType === resourceType && search?.mode !== 'include' && search?.mode !== 'outcome',
    );
    return matches.map(({ resource }) => resource as Match);
  }

  #checkedEntries(): readonly QueryEntry[] {
    if (this.#entries instanceof SmartError) throw this.#entries;
    return this.#entries;
  }
}

/** Read at once: what the caller changes later is no part of the search. */
function sentEntries({ resourceType, query, compartment }: Search): readonly QueryEntry[] | SmartError {
  if (compartment instanceof SmartError) return compartment;
  try {
    const entries = queryEntries(query);
    return compartment ? compartment.narrowed(resourceType, entries) : entries;
  } catch (error) {
    if (error instanceof SmartError) return error;
    throw error;
  }
}

function found(page: Page): unknown[] {
  return (page.entry ?? []).flatMap(({ resource, search }) =>
    resource && search?.mode !== 'outcome' && resource.resourceType !== 'OperationOutcome' ? [resource] : [],
  );
}

function checkLimits({ pageLimit = 0, maxPages = 1, pagesAhead = 0 }: PageLimits): void {
  if ([pageLimit, maxPages - 1, pagesAhead].every((limit) => limit >= 0)) return;
  throw new SmartError('invalid_request', 'pageLimit, maxPages or pagesAhead is no number of pages');
}

function tooMany(): SmartError {
  return new SmartError(
    'invalid_fhir_response',
    `The search has more than ${MAX_COLLECTED} resources; iterate over it, or give toArray() a limit`,
  );
}
