import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { SmartError } from '../smart-error.js';
import { PagesAhead } from './pages-ahead.js';
import type { FetchPage } from './pages-ahead.js';
import type { SearchRequest } from './search-request.js';

/** A page of a search as this package reads it. */
export interface Page {
  resourceType: string;
  total?: unknown;
  link?: { relation?: unknown; url?: unknown }[] | null;
  entry?: PageEntry[] | null;
}

export interface PageEntry {
  fullUrl?: unknown;
  resource?: { resourceType?: string } | null;
  search?: { mode?: string } | null;
}

export interface PageLimits {
  signal?: AbortSignal | undefined;
  /** pages the caller wants; no more are asked for. Left out or 0: all */
  pageLimit?: number | undefined;
  /** pages after which a search that goes on is an error. Default 10,000 */
  maxPages?: number | undefined;
  /**
   * Pages that may be on their way while the caller works on one. Default 2; 0: none. The first is the server's next link; more are
   * guessed where the server gives a `total` and its next links count on (`offset=50`, `offset=100`), and used only if
   * the server then links to the very same; a wrong guess is a request in vain.
   */
  pagesAhead?: number | undefined;
}

const MAX_PAGES = 10_000;

/**
 * The pages, in order. While the caller works on one, the next is on its way, unless `wantsNext` says that this one is
 * enough; it is aborted when the caller stops. What goes wrong with a page is thrown when its turn comes.
 */
export async function* searchPages(
  first: SearchRequest,
  fetchPage: FetchPage,
  limits: PageLimits,
  wantsNext: (page: Page) => boolean = () => true,
): AsyncGenerator<Page, void, undefined> {
  const { signal, pageLimit, maxPages = MAX_PAGES, pagesAhead = 2 } = limits;
  const lastPage = Math.min(pageLimit || Infinity, maxPages);
  const ahead = new PagesAhead(fetchPage);
  const onAbort = () => ahead.stop();
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  // Links may be of several kB, and pages many.
  const seen = new Set([fingerprint(first.target)]);
  let [request, found] = [first, 0];
  try {
    for (let count = 1; ; count += 1) {
      const page = await ahead.take(request);
      const next = count === pageLimit ? undefined : nextRequest(page, seen, count, maxPages);
      found += page.entry?.length ?? 0;
      if (next !== undefined && !(next instanceof SmartError) && wantsNext(page)) {
        ahead.prepare(next, Math.min(pagesAhead, lastPage - count, pagesLeft(page, found)));
        // out with the request, before the caller may compute
        await setImmediate();
      }
      yield page;
      if (next === undefined) return;
      if (next instanceof SmartError) throw next;
      request = next;
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    ahead.stop();
  }
}

/** At least one, since there is a next link. */
function pagesLeft({ total, entry }: Page, found: number): number {
  const perPage = entry?.length ?? 0;
  return typeof total === 'number' && perPage > 0 ? Math.max(1, Math.ceil((total - found) / perPage)) : 1;
}

/** @throws SmartError where the answer is an error, or no Bundle */
export function checkedPage(answer: unknown): Page {
  if (answer instanceof SmartError) throw answer;
  if (isBundle(answer)) return answer;
  throw unusable('A search was answered with something that is not a Bundle');
}

function nextRequest(
  page: Page,
  seen: Set<string>,
  count: number,
  maxPages: number,
): SearchRequest | undefined | SmartError {
  const target = page.link?.find(({ relation }) => relation === 'next')?.url;
  if (target === undefined) return undefined;
  if (typeof target !== 'string') return unusable('The next link of a search is not a URL');
  const link = fingerprint(target);
  if (seen.has(link)) return unusable('The pages of the search do not end: a next link repeats');
  seen.add(link);
  if (count < maxPages) return { method: 'GET', target };
  return unusable(
    `The search has more than ${maxPages} pages; narrow it, ask for larger pages (_count), or set maxPages`,
  );
}

function unusable(message: string): SmartError {
  return new SmartError('invalid_fhir_response', message);
}

function fingerprint(link: string): string {
  return createHash('sha256').update(link).digest('base64');
}

function isBundle(page: unknown): page is Page {
  const { resourceType, link, entry } = (page ?? {}) as Record<string, unknown>;
  return resourceType === 'Bundle' && areObjects(link ?? []) && areObjects(entry ?? []);
}

function areObjects(list: unknown): boolean {
  return Array.isArray(list) && list.every((item) => typeof item === 'object' && item !== null);
}
