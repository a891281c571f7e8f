import { isJsonObject } from '../http/json.js';
import { SmartError } from '../smart-error.js';
import { baseOf, isResource, isTarget, literalReference, ownRoot, readTarget } from './reference.js';
import type { Resource, Target } from './reference.js';

/** What surrounds a reference. */
export interface Surroundings {
  /** the resource that it stands in, whose contained resources `#id` names */
  container?: Resource;
  /** the resources of the Bundle it stands in, by `fullUrl` */
  entries?: ReadonlyMap<string, Resource[]>;
  /** base of relative references; null: nobody knows */
  root: string | null;
}

/** A resource that was at hand, or one to read from the server. */
export type Located =
  | { key: string | null; resource: Resource; surroundings: Surroundings }
  | { key: string; target: Target & { path: string } };

/** Written elsewhere and carried here: what is relative in them need not be of this server. */
const CARRIED_BUNDLES: unknown[] = ['document', 'message', 'collection'];

/** What surrounds a reference inside a resource, or inside an entry of a Bundle that is not known. */
export function surroundingsIn(within: unknown, fhirBaseUrl: string): Surroundings {
  const own = ownRoot(fhirBaseUrl);
  if (!isResource(within)) return { root: own };
  if (within.resourceType !== 'Bundle') return { container: within, root: own };
  const bases = entriesOf(within).map(({ fullUrl }) => baseOf(fullUrl));
  const isOwn = bases.every((base) => base === own || (base === undefined && !isCarried(within)));
  return { entries: byFullUrl(within), root: isOwn ? own : null };
}

/** Each resource of a Bundle, and what surrounds the references in it. */
export function entrySurroundings(
  bundle: Resource,
  fhirBaseUrl: string,
): { resource: Resource; surroundings: Surroundings }[] {
  const entries = byFullUrl(bundle);
  return entriesOf(bundle).flatMap(({ fullUrl, resource }) => {
    if (!isResource(resource)) return [];
    const root = baseOf(fullUrl) ?? (isCarried(bundle) ? null : ownRoot(fhirBaseUrl));
    return [{ resource, surroundings: { container: resource, entries, root } }];
  });
}

/** Finds what a reference points at: contained, in the Bundle, or on the server. Nothing is sent. */
export function locateReference(
  reference: unknown,
  surroundings: Surroundings,
  fhirBaseUrl: string,
): Located | SmartError {
  const literal = literalReference(reference);
  if (literal instanceof SmartError) return literal;
  if (literal.startsWith('#')) return contained(literal.slice(1), surroundings);
  const target = readTarget(literal, fhirBaseUrl, surroundings.root);
  if (target instanceof SmartError) return target;
  const { key, path, url } = target;
  const named = surroundings.entries?.get(url) ?? [];
  const matching = named.filter((resource) => isTarget(resource, target));
  if (matching.length === 1 && hasVersion(matching[0]!, target)) {
    const root = baseOf(url) ?? (surroundings.root === ownRoot(fhirBaseUrl) ? surroundings.root : null);
    const resource = matching[0]!;
    return { key, resource, surroundings: { ...surroundings, container: resource, root } };
  }
  if (path !== null) return { key, target: { ...target, path } };
  return notHere(target, named.length);
}

/** by what surrounds them: a list of many contained resources is read once, not once for each reference */
const containedById = new WeakMap<Surroundings, Map<unknown, Resource[]>>();

function contained(id: string, surroundings: Surroundings): Located | SmartError {
  const { container } = surroundings;
  if (container === undefined) {
    return new SmartError(
      'invalid_request',
      'The reference is to a contained resource; give the resource that contains it as `in`',
    );
  }
  let inside = containedById.get(surroundings);
  if (!inside) containedById.set(surroundings, (inside = containedIn(container)));
  // `#` alone is the container, seen from a resource in it
  const found = id === '' ? [container] : (inside.get(id) ?? []);
  if (found.length === 1) {
    return { key: null, resource: found[0]!, surroundings };
  }
  return new SmartError(
    'invalid_request',
    `The resource contains ${found.length === 0 ? 'none' : 'several'} of the id that the reference names`,
  );
}

function containedIn({ contained: list }: Resource): Map<unknown, Resource[]> {
  const byId = new Map<unknown, Resource[]>();
  for (const resource of Array.isArray(list) ? list.filter(isResource) : []) {
    const same = byId.get(resource.id);
    if (same) same.push(resource);
    else byId.set(resource.id, [resource]);
  }
  return byId;
}

/** Of a version that a Bundle does not tell, the server knows more. */
function hasVersion({ meta }: Resource, { versionId }: Target): boolean {
  return versionId === undefined || (isJsonObject(meta) && meta.versionId === versionId);
}

function notHere({ resourceType }: Target, count: number): SmartError {
  if (count > 0) {
    return new SmartError(
      'invalid_request',
      'The Bundle does not say for sure which entry the reference means',
    );
  }
  return new SmartError(
    'invalid_request',
    resourceType === undefined
      ? 'The reference is a urn:, which only its Bundle can resolve; give that Bundle as `in`'
      : 'The reference is to another server, and the access token is not sent there',
  );
}

function byFullUrl(bundle: Resource): Map<string, Resource[]> {
  const entries = new Map<string, Resource[]>();
  for (const { fullUrl, resource } of entriesOf(bundle)) {
    if (typeof fullUrl !== 'string' || !isResource(resource)) continue;
    const base = baseOf(fullUrl);
    const url = base === undefined ? fullUrl : base + withoutVersion(fullUrl);
    const same = entries.get(url);
    if (same) same.push(resource);
    else entries.set(url, [resource]);
  }
  return entries;
}

function withoutVersion(fullUrl: string): string {
  return fullUrl
    .replace(/\/_history\/[^/]*$/, '')
    .split('/')
    .slice(-2)
    .join('/');
}

function entriesOf({ entry }: Resource): Record<string, unknown>[] {
  return Array.isArray(entry) ? entry.filter(isJsonObject) : [];
}

function isCarried({ type }: Resource): boolean {
  return CARRIED_BUNDLES.includes(type);
}
