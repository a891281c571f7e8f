import { SmartError } from '../smart-error.js';
import { locateReference, surroundingsIn } from './locate-reference.js';
import { isTarget } from './reference.js';
import type { Resource, Target } from './reference.js';

/** Reads a path below the FHIR base. */
export type ReadPath = (path: string) => Promise<unknown>;

/** The resource that a reference points at: in `within`, or read from the server. */
export async function resolveReference(
  read: ReadPath,
  fhirBaseUrl: string,
  reference: unknown,
  within: unknown,
): Promise<Resource | SmartError> {
  const located = locateReference(reference, surroundingsIn(within, fhirBaseUrl), fhirBaseUrl);
  if (located instanceof SmartError) return located;
  return 'target' in located ? readTargetFrom(read, located.target) : located.resource;
}

/** Reads it, and takes nothing else for it: another id may be another patient. */
export async function readTargetFrom(
  read: ReadPath,
  target: Target & { path: string },
): Promise<Resource | SmartError> {
  const answer = await read(target.path);
  if (answer instanceof SmartError) return answer;
  if (isTarget(answer, target)) return answer;
  return new SmartError(
    'invalid_fhir_response',
    `GET ${target.resourceType}/{id} was answered with another resource than the reference names`,
  );
}
