import { SmartError } from '../smart-error.js';

/** A Bundle to be POSTed to the FHIR base, of its entries or as it was given. */
export function requestBundle(type: 'batch' | 'transaction', given: unknown): object | SmartError {
  if (Array.isArray(given)) return { resourceType: 'Bundle', type, entry: given };
  const bundle = (given ?? {}) as { resourceType?: unknown; type?: unknown };
  // Sent as the other type it would do something else: all or nothing, or each entry by itself.
  if (bundle.resourceType === 'Bundle' && bundle.type === type) return bundle;
  return new SmartError('invalid_request', `The argument is neither a list of entries nor a ${type} Bundle`);
}
