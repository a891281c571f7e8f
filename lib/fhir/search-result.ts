import { SmartError } from '../smart-error.js';

/** A page of a search as this file reads it; nothing about its shape is certain. */
interface Page {
  resourceType?: unknown;
  link?: unknown;
  entry?: unknown;
}

interface Link {
  relation?: unknown;
  url?: unknown;
}

interface Entry {
  resource?: { resourceType?: unknown } | null;
  search?: { mode?: unknown } | null;
}

export type FetchPage = (target: string) => Promise<unknown>;

const MAX_PAGES = 10_000;

/**
 * A search that is read as it is iterated: resources with `for await`, pages with `pages()`. What goes wrong
 * on the way is thrown as a SmartError. OperationOutcome entries (`search.mode` `outcome`) are left out.
 *
 * @example
 * for await (const observation of fhir.search('Observation', { category: 'vital-signs' })) …
 */
export class SearchResult<Resource, Bundle> implements AsyncIterable<Resource> {
  constructor(
    private readonly first_: string,
    private readonly fetchPage: FetchPage,
  ) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Resource, void, undefined> {
    for await (const page of this.pages()) {
      for (const { resource, search } of listOf<Entry>((page as Page).entry)) {
        if (resource && search?.mode !== 'outcome' && resource.resourceType !== 'OperationOutcome') {
          yield resource as Resource;
        }
      }
    }
  }

  /** The searchset Bundles, in order. */
  async *pages(): AsyncGenerator<Bundle, void, undefined> {
    const seen = new Set<string>();
    for (let target: string | undefined = this.first_; target !== undefined;) {
      if (seen.has(target) || seen.size >= MAX_PAGES) {
        throw new SmartError(
          'invalid_fhir_response',
          'The pages of the search do not end: a next link repeats',
        );
      }
      seen.add(target);
      const page: unknown = await this.fetchPage(target);
      if (page instanceof SmartError) throw page;
      if ((page as Page | null | undefined)?.resourceType !== 'Bundle') throw notABundle();
      yield page as Bundle;
      target = nextLink(page as Page);
    }
  }

  /** @param options.limit the most resources to read; pages after it are not fetched */
  async toArray(options: { limit?: number } = {}): Promise<Resource[]> {
    const { limit = Number.POSITIVE_INFINITY } = options;
    const resources: Resource[] = [];
    if (limit <= 0) return resources;
    for await (const resource of this) {
      resources.push(resource);
      if (resources.length >= limit) break;
    }
    return resources;
  }

  async first(): Promise<Resource | undefined> {
    return (await this.toArray({ limit: 1 }))[0];
  }
}

/** A next link that cannot be read is an error: a search cut short looks like one that found less. */
function nextLink(page: Page): string | undefined {
  const next = listOf<Link>(page.link).find(({ relation }) => relation === 'next');
  if (next !== undefined && typeof next.url !== 'string') throw notABundle();
  return next?.url as string | undefined;
}

function listOf<Item extends object>(value: unknown): Item[] {
  const items: unknown = value ?? [];
  const isList = Array.isArray(items) && items.every((item) => typeof item === 'object' && item !== null);
  if (!isList) throw notABundle();
  return items as Item[];
}

function notABundle(): SmartError {
  return new SmartError('invalid_fhir_response', 'A search was answered with something that is not a Bundle');
}

/** Search parameters: a list is repeated (AND); commas in a string are OR, as in FHIR. */
export type SearchParameters = Record<
  string,
  string | number | boolean | readonly (string | number)[] | undefined
>;

function isList(value: SearchParameters[string]): value is readonly (string | number)[] {
  return Array.isArray(value);
}

export function searchPath(resourceType: string, parameters: SearchParameters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const item of isList(value) ? value : [value]) {
      if (item !== undefined) query.append(name, String(item));
    }
  }
  const text = query.toString();
  return text === '' ? resourceType : `${resourceType}?${text}`;
}
