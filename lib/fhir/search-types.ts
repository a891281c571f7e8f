import type { AnyResource, BundleOf, FhirVersion, ResourceOf, ResourceTypeName } from './fhir-types.js';
import type { SearchQuery } from './search-parameters.js';
import type { SearchResult } from './search-result.js';

type TypeNamed<T, V extends FhirVersion> = T extends ResourceTypeName<V> ? ResourceOf<T, V> : AnyResource<V>;

/** `Observation:subject:Patient` includes Patients, `Observation:subject` whatever it may be. */
type OfInclude<I, V extends FhirVersion> = I extends readonly (infer Item)[]
  ? OfInclude<Item, V>
  : I extends `${string}:${string}:${infer Target}`
    ? TypeNamed<Target, V>
    : I extends string
      ? AnyResource<V>
      : never;

/** `Provenance:target` includes Provenances. */
type OfRevInclude<I, V extends FhirVersion> = I extends readonly (infer Item)[]
  ? OfRevInclude<Item, V>
  : I extends `${infer Source}:${string}`
    ? TypeNamed<Source, V>
    : I extends string
      ? AnyResource<V>
      : never;

type OfParameter<P, Name extends keyof P, V extends FhirVersion> = Name extends
  '_include' | `_include:${string}`
  ? OfInclude<P[Name], V>
  : Name extends '_revinclude' | `_revinclude:${string}`
    ? OfRevInclude<P[Name], V>
    : never;

/** What parameters that are written in place include; nothing where they are only known at run time. */
export type IncludedBy<P, V extends FhirVersion> = P extends string | URLSearchParams
  ? P extends `${string}_include=${string}` | `${string}_revinclude=${string}`
    ? AnyResource<V>
    : never
  : string extends keyof P
    ? never
    : { [Name in keyof P]: OfParameter<P, Name, V> }[keyof P];

/** What `search(T, P)` returns. */
export type SearchResultOf<T extends string, P extends SearchQuery, V extends FhirVersion> = SearchResult<
  ResourceOf<T, V>,
  BundleOf<ResourceOf<T, V> | IncludedBy<P, V>, V>,
  IncludedBy<P, V>
>;
