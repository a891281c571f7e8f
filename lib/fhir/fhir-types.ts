import type * as r4 from 'fhir/r4.js';
import type * as r4b from 'fhir/r4b.js';
import type * as r5 from 'fhir/r5.js';

/** FHIR releases the client is typed for. R4 unless a type parameter says otherwise: `ReadyClient<'R5'>`. */
export type FhirVersion = 'R4' | 'R4B' | 'R5';

interface ResourcesByVersion {
  R4: r4.FhirResource;
  R4B: r4b.FhirResource;
  R5: r5.FhirResource;
}

interface BundlesByVersion<T> {
  R4: r4.Bundle<Extract<T, r4.FhirResource>>;
  R4B: r4b.Bundle<Extract<T, r4b.FhirResource>>;
  R5: r5.Bundle<Extract<T, r5.FhirResource>>;
}

interface AnyBundleByVersion {
  R4: r4.Bundle;
  R4B: r4b.Bundle;
  R5: r5.Bundle;
}

/** A Bundle as it is written: one of known resources, or of no particular ones. */
export type AnyBundle<V extends FhirVersion = 'R4'> = BundleOf<AnyResource<V>, V> | AnyBundleByVersion[V];

/** Any resource of a release. */
export type AnyResource<V extends FhirVersion = 'R4'> = ResourcesByVersion[V];

/** `'Patient' | 'Observation' | …` */
export type ResourceTypeName<V extends FhirVersion = 'R4'> = AnyResource<V>['resourceType'];

/**
 * The resource with this type name.
 *
 * @example
 * const patient: ResourceOf<'Patient'> = unwrap(await fhir.patient.request());
 */
export type ResourceOf<T extends string, V extends FhirVersion = 'R4'> = Extract<
  AnyResource<V>,
  { resourceType: T }
>;

export type BundleOf<T, V extends FhirVersion = 'R4'> = BundlesByVersion<T>[V];

/**
 * What a path answers: `Patient/1` a Patient, `Observation?code=…` a Bundle of Observations, a path that is
 * only known at run time any resource.
 */
export type FhirResult<P extends string, V extends FhirVersion = 'R4'> = string extends P
  ? AnyResource<V>
  : P extends `/${infer Rest}`
    ? FhirResult<Rest, V>
    : P extends `${infer Path}?${string}`
      ? ResultOfPath<Path, V>
      : ResultOfPath<P, V>;

type ResultOfPath<P extends string, V extends FhirVersion> = P extends 'metadata'
  ? ResourceOf<'CapabilityStatement', V>
  : P extends `${infer T}/${infer Rest}`
    ? T extends ResourceTypeName<V>
      ? ResultBelowType<T, Rest, V>
      : AnyResource<V>
    : P extends ResourceTypeName<V>
      ? BundleOf<ResourceOf<P, V>, V>
      : AnyResource<V>;

type ResultBelowType<
  T extends string,
  Rest extends string,
  V extends FhirVersion,
> = Rest extends `${string}/_history/${string}`
  ? ResourceOf<T, V>
  : Rest extends '_search' | '_history' | `${string}/_history`
    ? BundleOf<ResourceOf<T, V>, V>
    : Rest extends `$${string}` | `${string}/$${string}`
      ? AnyResource<V>
      : Rest extends `${string}/${infer Other}`
        ? Other extends ResourceTypeName<V>
          ? BundleOf<ResourceOf<Other, V>, V>
          : AnyResource<V>
        : ResourceOf<T, V>;

/** What a request with this method answers; a write may answer nothing. */
export type FhirResultOf<M extends string, P extends string, V extends FhirVersion = 'R4'> = M extends 'GET'
  ? FhirResult<P, V>
  : M extends 'DELETE'
    ? AnyResource<V> | undefined
    : WriteResult<P, V> | undefined;

type WriteResult<P extends string, V extends FhirVersion> = string extends P
  ? AnyResource<V>
  : P extends `/${infer Rest}`
    ? WriteResult<Rest, V>
    : P extends ResourceTypeName<V>
      ? ResourceOf<P, V>
      : P extends `${infer T}?${string}`
        ? WriteResult<T, V>
        : FhirResult<P, V>;
