import { SmartError } from '../smart-error.js';
import type { QueryEntry } from './search-parameters.js';

/** One request of a search: the first, or the next page. */
export interface SearchRequest {
  method: 'GET' | 'POST';
  /** path below the FHIR base, or a next link */
  target: string;
  /** of a POST */
  body?: URLSearchParams;
  /** the server has not linked to it */
  isGuess?: true;
}

export type SearchMethod = 'GET' | 'POST' | 'auto';

/** Some gateways cut URLs at 2,048 bytes, and answer for what is left. */
const MAX_GET_BYTES = 2_000;

/** GET, or where its URL would be too long, POST to `_search` (FHIR R4 3.1.1.4.0, 3.1.0.9). */
export function searchRequest(
  resourceType: string,
  entries: readonly QueryEntry[],
  method: SearchMethod = 'auto',
): SearchRequest {
  if (!/^[A-Z][A-Za-z]{0,63}$/.test(resourceType)) {
    throw new SmartError('invalid_request', 'The resource type is not one of FHIR');
  }
  const query = new URLSearchParams(entries.map(([name, value]): [string, string] => [name, value]));
  const text = query.toString();
  const target = text === '' ? resourceType : `${resourceType}?${text}`;
  // encoded, so a character is a byte
  if (method === 'POST' || (method === 'auto' && target.length > MAX_GET_BYTES)) {
    return { method: 'POST', target: `${resourceType}/_search`, body: query };
  }
  return { method: 'GET', target };
}

/** They shape pages, and say nothing about which resources are found. */
const SHAPE = /^(_count|_sort|_summary|_total|_elements|_include|_revinclude)(:|$)/;

/** Asks how many resources a search finds, and for none of them. */
export function countRequest(
  resourceType: string,
  entries: readonly QueryEntry[],
  method?: SearchMethod,
): SearchRequest {
  const filters = entries.filter(([name]) => !SHAPE.test(name));
  return searchRequest(resourceType, [...filters, ['_summary', 'count'], ['_total', 'accurate']], method);
}
