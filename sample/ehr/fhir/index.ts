export { acceptFhirBodies } from './accept-fhir-bodies.js';
export type { Access } from './access-policy.js';
export { FhirError } from './fhir-error.js';
export type { FhirServerOptions } from './fhir-server.js';
export { FhirStore } from './fhir-store.js';
export type {
  FhirStoreOptions,
  ResourceOf,
  ResourceType,
  ResourceVersion,
  WriteOptions,
  WriteResult,
} from './fhir-store.js';
export { FhirModule } from './fhir.module.js';
export type { DpopProof } from './http-exchange.js';
export { runBundle } from './run-bundle.js';
export { searchResources } from './search.js';
export type { SearchContext } from './search.js';
