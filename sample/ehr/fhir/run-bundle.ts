import type { Bundle, FhirResource } from 'fhir/r4.js';

import { AccessPolicy } from './access-policy.js';
import { processBundle } from './bundle-processor.js';
import { dispatch } from './dispatch.js';
import type { FhirStore } from './fhir-store.js';
import { Interactions } from './interactions.js';

/** Runs a batch or transaction in process and unrestricted, as the operator of the server may. */
export function runBundle(store: FhirStore, bundle: Bundle<FhirResource>): Bundle<FhirResource> {
  const operator = new AccessPolicy({ scopes: ['system/*.cruds'], patient: null }, '');
  const interactions = new Interactions(store, '', operator);
  const response = processBundle(bundle, interactions, (entry) => dispatch(entry, interactions));
  return response.body as Bundle<FhirResource>;
}
