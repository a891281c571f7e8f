import type { FhirResource } from 'fhir/r4.js';

import type { FhirResponse } from './fhir-exchange.js';
import type { Interactions } from './interactions.js';
import { isInCompartment, isShared } from './patient-compartment.js';
import { parseReference, referencesIn } from './references.js';
import { searchset } from './search.js';
import { isResourceType } from './search-parameters.js';
import { parseSearch } from './search-query.js';

/** `Patient/:id/$everything`: the compartment, and the practitioners, organizations … it refers to. */
export function patientEverything(
  interactions: Interactions,
  id: string,
  parameters: URLSearchParams,
): FhirResponse {
  const { store, base, policy } = interactions;
  interactions.read('Patient', id, {});
  const compartment = store
    .types()
    .sort((a, b) => Number(b === 'Patient') - Number(a === 'Patient'))
    .flatMap((type): FhirResource[] => store.list(type))
    .filter((resource) => isInCompartment(resource, id, base) && policy.allows('r', resource));
  const everything = [...compartment, ...sharedResourcesOf(compartment, interactions)];
  const paging = new URLSearchParams([...parameters].filter(([name]) => /^_(count|offset)$/.test(name)));
  const query = parseSearch('Patient', paging);
  const page = everything.slice(query.offset, query.offset + query.count);
  const path = `Patient/${id}/$everything`;
  return {
    status: 200,
    headers: {},
    body: searchset(page, everything.length, query, base, [], path),
  };
}

function sharedResourcesOf(resources: FhirResource[], interactions: Interactions): FhirResource[] {
  const { store, base, policy } = interactions;
  const found = new Set<FhirResource>();
  for (const reference of new Set(resources.flatMap(referencesIn))) {
    const key = parseReference(reference, base);
    if (!key || !isShared(key.type) || !isResourceType(key.type)) continue;
    const resource = store.find(key.type, key.id);
    if (resource && policy.allows('r', resource)) found.add(resource);
  }
  return [...found];
}
