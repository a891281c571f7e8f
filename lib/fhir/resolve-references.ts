import { isJsonObject } from '../http/json.js';
import { SmartError } from '../smart-error.js';
import type { SmartErrorCode } from '../smart-error.js';
import { limited } from './limited.js';
import { entrySurroundings, locateReference, surroundingsIn } from './locate-reference.js';
import type { Surroundings } from './locate-reference.js';
import { isResource, literalReference, ownRoot, readTarget } from './reference.js';
import type { Resource } from './reference.js';
import { readTargetFrom } from './resolve-reference.js';
import type { ReadPath } from './resolve-reference.js';

/** A reference that led to nothing, and why. */
export interface MissingReference {
  /** as it is written; null where there is only an identifier */
  reference: string | null;
  error: SmartError;
}

/** What the references of some resources point at. */
export interface ResolvedReferences<R> {
  /** The resource of a reference (or of its text, `Patient/1`); undefined where it was not asked for or is missing. */
  get(this: void, reference: { reference?: string | undefined } | string | null | undefined): R | undefined;
  /** by `Patient/1`, or by URL where the resource is one of a Bundle. Contained resources are where they were */
  readonly references: ReadonlyMap<string, R>;
  /** each once; one that is missing keeps no other from being resolved */
  readonly missing: readonly MissingReference[];
  /**
   * A copy of what was given, with resources in place of the references to them. Those that are missing stay
   * references.
   */
  graph<T = unknown>(this: void): T;
}

const DEFAULT_CONCURRENCY = 8;
const MAX_CONCURRENCY = 100;

/** after these the next reference would fare no better */
const FINAL: SmartErrorCode[] = [
  'aborted',
  'no_session',
  'session_expired',
  'patient_changed',
  'store_unavailable',
];

/**
 * Reads what the references at `paths` point at, each once. Paths go through references: `encounter.serviceProvider`
 * reads the Encounter, then its Organization.
 */
export async function resolveReferences<R>(
  read: ReadPath,
  fhirBaseUrl: string,
  source: unknown,
  paths: readonly string[],
  concurrency = DEFAULT_CONCURRENCY,
): Promise<ResolvedReferences<R> | SmartError> {
  if (!Array.isArray(paths) || paths.some((path) => typeof path !== 'string')) {
    return new SmartError('invalid_request', 'The paths are not a list such as ["subject", "performer"]');
  }
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > MAX_CONCURRENCY) {
    return new SmartError('invalid_request', `concurrency is not a number of 1 to ${MAX_CONCURRENCY}`);
  }
  const walk = new ReferenceWalk(read, fhirBaseUrl, concurrency);
  const segments = paths.map(segmentsOf);
  const starts = (Array.isArray(source) ? source : [source]).flatMap((item) => startsOf(item, fhirBaseUrl));
  await Promise.all(
    starts.flatMap(({ resource, surroundings }) =>
      segments.map((path) => walk.follow(resource, surroundings, path)),
    ),
  );
  if (walk.failure) return walk.failure;
  const { found, missing } = walk;
  // whoever calls knows the release of the server
  const references = walk.references as ReadonlyMap<string, unknown> as ReadonlyMap<string, R>;
  return {
    references,
    missing: [...missing.values()],
    get: (reference) => {
      const known = isJsonObject(reference) ? (found.get(reference) as R | undefined) : undefined;
      const literal = literalReference(reference);
      if (known || literal instanceof SmartError) return known;
      const target = readTarget(literal, fhirBaseUrl, ownRoot(fhirBaseUrl));
      return target instanceof SmartError ? undefined : references.get(target.key);
    },
    graph: <T>() => replaced(source, atResources(source, segments), found) as T,
  };
}

class ReferenceWalk {
  /** by the Reference itself: two of one text may mean two resources, in two Bundles or containers */
  readonly found = new Map<object, Resource>();
  readonly references = new Map<string, Resource>();
  readonly missing = new Map<string | null, MissingReference>();
  failure?: SmartError;
  readonly #reads = new Map<string, Promise<Resource | SmartError>>();
  readonly #limited: ReturnType<typeof limited>;

  constructor(
    private readonly read: ReadPath,
    private readonly fhirBaseUrl: string,
    concurrency: number,
  ) {
    this.#limited = limited(concurrency);
  }

  async follow(node: unknown, surroundings: Surroundings, path: string[]): Promise<void> {
    if (Array.isArray(node)) {
      const [items, rest] = itemsAt(node, path);
      await Promise.all(items.map((item) => this.follow(item, surroundings, rest)));
    } else if (isReference(node, path)) {
      const target = await this.#resolve(node, surroundings);
      if (target && path.length > 0) await this.follow(target.resource, target.surroundings, path);
    } else if (isJsonObject(node) && path.length > 0 && Object.hasOwn(node, path[0]!)) {
      await this.follow(node[path[0]!], surroundings, path.slice(1));
    }
  }

  async #resolve(
    reference: object,
    surroundings: Surroundings,
  ): Promise<{ resource: Resource; surroundings: Surroundings } | undefined> {
    const located = locateReference(reference, surroundings, this.fhirBaseUrl);
    if (located instanceof SmartError) return this.#miss(reference, located);
    const { key } = located;
    let target;
    if ('target' in located) {
      const resource = await this.#once(located.key, () => readTargetFrom(this.read, located.target));
      if (resource instanceof SmartError) return this.#miss(reference, resource);
      target = { resource, surroundings: surroundingsIn(resource, this.fhirBaseUrl) };
    } else {
      target = located;
    }
    this.found.set(reference, target.resource);
    if (key !== null) this.references.set(key, target.resource);
    return target;
  }

  #once(key: string, read: () => Promise<Resource | SmartError>): Promise<Resource | SmartError> {
    const known = this.#reads.get(key);
    if (known) return known;
    const reading = this.#limited(async () => this.failure ?? read());
    this.#reads.set(key, reading);
    return reading;
  }

  #miss(reference: object, error: SmartError): undefined {
    if (FINAL.includes(error.error)) this.failure ??= error;
    const { reference: text } = reference as { reference?: unknown };
    const written = typeof text === 'string' ? text : null;
    if (!this.missing.has(written)) this.missing.set(written, { reference: written, error });
  }
}

/** A copy with a resource in place of every reference that a path ends at or goes through. */
function replaced(node: unknown, paths: string[][], found: ReadonlyMap<object, Resource>): unknown {
  if (paths.length === 0) return structuredClone(node);
  if (Array.isArray(node)) {
    return node.map((item: unknown, at) => {
      const here = paths.flatMap((path) => {
        const [items, rest] = itemsAt([item], path, at);
        return items.length > 0 ? [rest] : [];
      });
      return replaced(item, here, found);
    });
  }
  if (!isJsonObject(node)) return node;
  const target = found.get(node);
  if (target)
    return replaced(
      target,
      paths.filter((path) => path.length > 0),
      found,
    );
  return Object.fromEntries(
    Object.entries(node).map(([name, member]) => {
      const below = paths.filter(([first]) => first === name).map((path) => path.slice(1));
      return [name, replaced(member, below, found)];
    }),
  );
}

/** The items of a list that a path means, and what is left of it: one by its index, else all. */
function itemsAt(list: unknown[], path: string[], firstIndex = 0): [items: unknown[], rest: string[]] {
  const [first] = path;
  if (first === undefined || !/^\d{1,9}$/.test(first)) return [list, path];
  const at = Number(first) - firstIndex;
  return [at in list ? [list[at]] : [], path.slice(1)];
}

/** In a Bundle the paths are those of its resources. */
function startsOf(source: unknown, fhirBaseUrl: string): { resource: unknown; surroundings: Surroundings }[] {
  if (!isResource(source)) return [];
  if (source.resourceType === 'Bundle') return entrySurroundings(source, fhirBaseUrl);
  return [{ resource: source, surroundings: surroundingsIn(source, fhirBaseUrl) }];
}

/** The paths of the resources as paths of what was given. */
function atResources(source: unknown, paths: string[][]): string[][] {
  if (Array.isArray(source)) {
    return source.flatMap((item, at) => atResources(item, paths).map((path) => [String(at), ...path]));
  }
  const isBundle = isResource(source) && source.resourceType === 'Bundle';
  return isBundle ? paths.map((path) => ['entry', 'resource', ...path]) : paths;
}

/** `a..b`, as fhirclient writes the members of a list, is `a.b` here. */
function segmentsOf(path: string): string[] {
  return path.trim().split('.').filter(Boolean);
}

/** A Reference: of a text, or where the path ends, of an identifier alone. */
function isReference(node: unknown, path: string[]): node is Record<string, unknown> {
  if (!isJsonObject(node) || 'resourceType' in node) return false;
  if (typeof node.reference === 'string') return true;
  return path.length === 0 && node.reference === undefined && isJsonObject(node.identifier);
}
