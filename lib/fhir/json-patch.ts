/** One step of a JSON Patch (RFC 6902), as FHIR's `patch` takes it. */
export type JsonPatchOperation =
  | { op: 'add' | 'replace' | 'test'; path: string; value: unknown }
  | { op: 'move' | 'copy'; from: string; path: string }
  | { op: 'remove'; path: string };
