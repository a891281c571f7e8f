import type { FhirResource } from 'fhir/r4.js';

/** A FHIR request without its transport: it comes over HTTP or as an entry of a Bundle. */
export interface FhirRequest {
  method: string;
  /** the segments below the FHIR base, decoded */
  path: string[];
  query: URLSearchParams;
  /** by lower-case name */
  headers: Readonly<Record<string, string | undefined>>;
  /** the parsed body; undefined where there is none */
  body?: unknown;
}

export interface FhirResponse {
  status: number;
  headers: Record<string, string>;
  body?: FhirResource | Record<string, unknown>;
}
