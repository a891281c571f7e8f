import { SmartError } from '../smart-error.js';
import { referencePath } from './fhir-url.js';
import type { FhirRequestOptions } from './request-options.js';
import { isAsked, notAsked } from './response.js';

/** What `history()` takes. */
export interface FhirHistoryOptions extends FhirRequestOptions {
  /** only changes since then, an instant such as `2026-01-31T12:00:00Z` */
  since?: string | undefined;
  /** versions on a page */
  count?: number | undefined;
}

/** `_history` of the server, of a type, or of one resource. */
export function historyPath(
  type: string | undefined,
  id: string | undefined,
  { since, count }: FhirHistoryOptions,
): string | SmartError {
  if (type === undefined && id !== undefined) {
    return new SmartError('invalid_request', 'The history of one resource needs its type, too');
  }
  const owner = type === undefined ? '' : referencePath(type, id ?? 'any');
  if (owner instanceof SmartError) return owner;
  const query = new URLSearchParams();
  if (since !== undefined) query.set('_since', since);
  if (count !== undefined) query.set('_count', String(count));
  const path = [...(type === undefined ? [] : [id === undefined ? type : owner]), '_history'].join('/');
  return query.size > 0 ? `${path}?${query.toString()}` : path;
}

/** A page of the history of one resource holds nothing but its versions. */
export function checkedHistory(page: unknown, type: string, id: string): unknown {
  const { entry } = (page ?? {}) as { entry?: unknown };
  const entries = (Array.isArray(entry) ? entry : []) as ({ resource?: { resourceType?: unknown } } | null)[];
  const asked = { type, id };
  const isOther = entries.some((item) => {
    const resource = item?.resource;
    return resource && resource.resourceType !== 'OperationOutcome' && !isAsked(resource, asked);
  });
  return isOther ? notAsked(asked) : page;
}
