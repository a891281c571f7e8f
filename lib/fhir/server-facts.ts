import { isJsonObject } from '../http/json.js';
import { SmartError } from '../smart-error.js';

/** What a server's CapabilityStatement says that calls go by. */
export interface ServerFacts {
  /** e.g. `4.0.1` */
  fhirVersion: string;
  /** whether it takes batches */
  takesBatches: boolean;
}

/** by major and minor version: FHIR's own table of what was published, ballots included */
const RELEASES: [release: number, versions: RegExp][] = [
  [2, /^(0\.[45]|1\.0)\./],
  [3, /^(1\.[14678]|3\.0)\./],
  [4, /^(3\.[235]|4\.[013])\./],
  [5, /^(4\.[2456]|5\.0)\./],
];

/** 2 for DSTU2, 3 for STU3, 4 for R4 and R4B, 5 for R5; 0 for what is none of them. */
export function fhirReleaseOf(fhirVersion: string): number {
  return RELEASES.find(([, versions]) => versions.test(fhirVersion))?.[0] ?? 0;
}

/** What a CapabilityStatement says, or a Conformance of DSTU2. */
export function readServerFacts(statement: unknown): ServerFacts | SmartError {
  const { resourceType, fhirVersion, rest } = isJsonObject(statement) ? statement : {};
  const isStatement = resourceType === 'CapabilityStatement' || resourceType === 'Conformance';
  if (!isStatement || typeof fhirVersion !== 'string') {
    return new SmartError('invalid_fhir_response', 'GET metadata was answered without a FHIR version');
  }
  const interactions = objects(rest)
    .filter(({ mode }) => mode === undefined || mode === 'server')
    .flatMap(({ interaction }) => objects(interaction));
  return { fhirVersion, takesBatches: interactions.some(({ code }) => code === 'batch') };
}

function objects(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
