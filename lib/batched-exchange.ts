import { BatchedReads } from './fhir/batched-reads.js';
import type { FhirExchange } from './fhir/exchange.js';
import { fhirUrl } from './fhir/fhir-url.js';
import { ownRoot, readTarget } from './fhir/reference.js';
import { headersOf } from './fhir/request-options.js';
import type { FhirReadOptions } from './fhir/request-options.js';
import { SmartError } from './smart-error.js';

/** How {@link FhirCalls.batched} sends. */
export interface BatchOptions {
  /** reads of one Bundle at most, 2 to 1,000. Default 50; more are sent as several Bundles */
  maxEntries?: number | undefined;
}

const DEFAULT_ENTRIES = 50;
const MAX_ENTRIES = 1_000;

/** An exchange that gathers plain reads into batches, and sends all else as it is. */
export function batchedExchange(
  exchange: FhirExchange,
  fhirBaseUrl: string,
  takesBatches: () => Promise<boolean>,
  { maxEntries = DEFAULT_ENTRIES }: BatchOptions,
): FhirExchange {
  if (!Number.isInteger(maxEntries) || maxEntries < 2 || maxEntries > MAX_ENTRIES) {
    throw new SmartError('invalid_request', `maxEntries is not a number of 2 to ${MAX_ENTRIES}`);
  }
  const reads = new BatchedReads({
    maxEntries,
    takesBatches,
    get: (path, signal) => exchange('GET', path, undefined, { signal }),
    post: (bundle) => exchange('POST', fhirBaseUrl, bundle, {}, { changesNothing: true }),
    urlOf: (path) => fhirUrl(fhirBaseUrl, path) as URL,
  });
  return async (method, target, body, options, nature) => {
    const read = method === 'GET' && isPlain(options) ? instanceOf(target, fhirBaseUrl) : undefined;
    return read ? reads.read(read, options.signal) : exchange(method, target, body, options, nature);
  };
}

/** What becomes of an answer when it is there, and what the call is made of: no wish of the request itself. */
const OWN = new Set(['schema', 'signal', 'headers', 'url', 'method', 'body']);

/** A batch is one request: what one caller wants of its own request cannot be had for its entry. */
function isPlain(options: FhirReadOptions): boolean {
  const wishes = Object.entries(options).filter(([name, value]) => !OWN.has(name) && value !== undefined);
  const headers = headersOf(options.headers);
  return wishes.length === 0 && !(headers instanceof SmartError) && Object.keys(headers).length === 0;
}

/** The resource that a path names; undefined where it is no instance of this server, or has a query. */
function instanceOf(target: string | URL, fhirBaseUrl: string) {
  const path = String(target).replace(/^\//, '');
  const read = readTarget(path, fhirBaseUrl, ownRoot(fhirBaseUrl));
  return read instanceof SmartError || read.path === null ? undefined : { ...read, path: read.path };
}
