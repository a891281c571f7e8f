import type { Bundle, BundleEntry, FhirResource } from 'fhir/r4.js';

import type { FhirStore, ResourceType } from './fhir-store.js';
import { isObject, valuesAt } from './json.js';
import { parseReference } from './references.js';
import { timeRangeOf } from './search-date.js';
import { matchesFilter } from './search-filter.js';
import { fold, textsOf, tokensOf } from './search-match.js';
import { isResourceType } from './search-parameters.js';
import type { SearchParameter } from './search-parameters.js';
import { parseSearch } from './search-query.js';
import type { Include, SearchQuery, SortKey } from './search-query.js';

export interface SearchContext {
  /** the FHIR base URL, without a trailing slash */
  base?: string;
  strict?: boolean;
  /** what the caller may see; the rest is left out as if it were not there */
  visible?: (resource: FhirResource) => boolean;
  /** what may come along with `_include` and `_revinclude`; without it, what is visible */
  includable?: (resource: FhirResource) => boolean;
}

/** Answers a search with a searchset Bundle. */
export function searchResources(
  store: FhirStore,
  type: ResourceType,
  parameters: URLSearchParams,
  context: SearchContext = {},
): Bundle {
  const query = parseSearch(type, parameters, { strict: context.strict ?? false });
  const matches = findMatches(store, query, context);
  const page = query.countOnly ? [] : matches.slice(query.offset, query.offset + query.count);
  const included = includedWith(store, page, query, context);
  return searchset(page, matches.length, query, context.base ?? '', included);
}

export function findMatches(store: FhirStore, query: SearchQuery, context: SearchContext): FhirResource[] {
  const matches = store
    .list(query.type)
    .filter((resource) => query.filters.every((filter) => matchesFilter(resource, filter, context.base)))
    .filter((resource) => context.visible?.(resource) ?? true);
  return query.sort.length > 0 ? sorted(matches, query.sort) : matches;
}

/** One page of resources as a Bundle; `path` is where further pages are asked for. */
export function searchset(
  page: FhirResource[],
  total: number,
  query: Pick<SearchQuery, 'type' | 'count' | 'offset' | 'used' | 'withTotal' | 'countOnly'>,
  base: string,
  included: FhirResource[] = [],
  path: string = query.type,
): Bundle {
  const linkTo = (offset: number): string => {
    const parameters = new URLSearchParams(query.used);
    if (offset > 0) parameters.set('_offset', String(offset));
    else parameters.delete('_offset');
    const search = parameters.toString();
    return `${base}/${path}${search === '' ? '' : `?${search}`}`;
  };
  const bundle: Bundle = { resourceType: 'Bundle', type: 'searchset' };
  if (query.withTotal || query.countOnly) bundle.total = total;
  bundle.link = [{ relation: 'self', url: linkTo(query.offset) }];
  if (query.countOnly) return bundle;
  const next = query.offset + query.count;
  if (next < total) bundle.link.push({ relation: 'next', url: linkTo(next) });
  if (query.offset > 0) {
    bundle.link.push({ relation: 'previous', url: linkTo(Math.max(0, query.offset - query.count)) });
  }
  const entry =
    (mode: 'match' | 'include') =>
    (resource: FhirResource): BundleEntry => ({
      fullUrl: `${base}/${resource.resourceType}/${resource.id}`,
      resource,
      search: { mode },
    });
  bundle.entry = [...page.map(entry('match')), ...included.map(entry('include'))];
  return bundle;
}

function includedWith(
  store: FhirStore,
  page: FhirResource[],
  query: SearchQuery,
  context: SearchContext,
): FhirResource[] {
  const includable = context.includable ?? context.visible ?? (() => true);
  const found = new Set<FhirResource>();
  for (const include of query.includes) {
    page
      .flatMap((resource) => targetsOf(resource, include, store, context.base))
      .forEach((r) => found.add(r));
  }
  for (const include of query.revIncludes) {
    store
      .list(include.source)
      .filter((source) => targetsOf(source, include, store, context.base).some((r) => page.includes(r)))
      .forEach((source) => found.add(source));
  }
  return [...found].filter((resource) => !page.includes(resource) && includable(resource));
}

function targetsOf(resource: FhirResource, include: Include, store: FhirStore, base = ''): FhirResource[] {
  if (resource.resourceType !== include.source) return [];
  const keys = include.parameter.paths
    .flatMap((path) => valuesAt(resource, path))
    .map((value) => (isObject(value) ? value['reference'] : value))
    .map((reference) => (typeof reference === 'string' ? parseReference(reference, base) : null));
  return keys
    .filter((key) => key !== null)
    .filter((key) => include.target === undefined || key.type === include.target)
    .map((key) => (isResourceType(key.type) ? store.find(key.type, key.id) : undefined))
    .filter((target) => target !== undefined);
}

function sorted(resources: FhirResource[], keys: SortKey[]): FhirResource[] {
  const rows = resources.map((resource) => ({
    resource,
    values: keys.map(({ parameter, descending }) => sortValue(resource, parameter, descending)),
  }));
  rows.sort((a, b) => {
    for (const [index, { descending }] of keys.entries()) {
      const order = compare(a.values[index], b.values[index], descending);
      if (order !== 0) return order;
    }
    return 0;
  });
  return rows.map(({ resource }) => resource);
}

/** Of several values the lowest counts in ascending order and the highest in descending, as R4 asks. */
function sortValue(resource: FhirResource, parameter: SearchParameter, descending: boolean): SortValue {
  const elements = parameter.paths.flatMap((path) => valuesAt(resource, path));
  const values = elements.flatMap((element) => sortableOf(element, parameter));
  return values.sort((a, b) => compare(a, b, descending))[0];
}

type SortValue = string | number | undefined;

function sortableOf(element: unknown, { type }: SearchParameter): (string | number)[] {
  if (type === 'string') return textsOf(element).map(fold);
  if (type === 'token') return tokensOf(element).map(({ code }) => code);
  if (type === 'date') return [timeRangeOf(element)?.from ?? -Infinity];
  const value = isObject(element) ? (element['value'] ?? element['reference']) : element;
  return typeof value === 'string' || typeof value === 'number' ? [value] : [];
}

/** What has no value comes last in either direction. */
function compare(a: SortValue, b: SortValue, descending: boolean): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  const order = a < b ? -1 : a > b ? 1 : 0;
  return descending ? -order : order;
}
