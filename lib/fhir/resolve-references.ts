import { setImmediate } from 'node:timers/promises';
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
   * references. References to one resource share one copy of it: a change of it is seen wherever it stands, and
   * `JSON.stringify` writes it out as often as it is referred to. Each call makes a copy of its own.
   */
  graph<T = unknown>(this: void): T;
}

/** How references are read. */
export interface ReferenceLimits {
  /** reads at once, 1 to 100. Default 8 */
  concurrency?: number;
  /** distinct resources to read in one call, 1 to 100,000; further references are `missing`. Default 1,000 */
  maxReferences?: number;
  signal?: AbortSignal;
}

const DEFAULT_CONCURRENCY = 8;
const MAX_CONCURRENCY = 100;
/** references followed before others in the process have their turn */
const ROUND = 250;
const DEFAULT_REFERENCES = 1_000;
const MAX_REFERENCES = 100_000;

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
  limits: ReferenceLimits = {},
): Promise<ResolvedReferences<R> | SmartError> {
  if (!Array.isArray(paths) || paths.some((path) => typeof path !== 'string')) {
    return new SmartError('invalid_request', 'The paths are not a list such as ["subject", "performer"]');
  }
  const { concurrency = DEFAULT_CONCURRENCY, maxReferences = DEFAULT_REFERENCES, signal } = limits;
  if (!isCount(concurrency, MAX_CONCURRENCY)) {
    return new SmartError('invalid_request', `concurrency is not a number of 1 to ${MAX_CONCURRENCY}`);
  }
  if (!isCount(maxReferences, MAX_REFERENCES)) {
    return new SmartError('invalid_request', `maxReferences is not a number of 1 to ${MAX_REFERENCES}`);
  }
  const walk = new ReferenceWalk(read, fhirBaseUrl, { concurrency, maxReferences, signal });
  const segments = paths.map(segmentsOf);
  const starts = (Array.isArray(source) ? source : [source]).flatMap((item) => startsOf(item, fhirBaseUrl));
  await walk.inRounds(starts, async ({ resource, surroundings }) => {
    await Promise.all(segments.map((path) => walk.follow(resource, surroundings, path)));
  });
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
    graph: <T>() => {
      const copy = new GraphCopy(found);
      const copied = (item: unknown) => copy.of(item, atResources(item, segments));
      return (Array.isArray(source) ? source.map(copied) : copied(source)) as T;
    },
  };
}

/** A resource that a reference led to. */
interface Reached {
  resource: Resource;
  surroundings: Surroundings;
}

class ReferenceWalk {
  /** by the Reference itself: two of one text may mean two resources, in two Bundles or containers */
  readonly found = new Map<object, Resource>();
  readonly references = new Map<string, Resource>();
  readonly missing = new Map<string | null, MissingReference>();
  failure?: SmartError;
  readonly #reads = new Map<string, Promise<Reached | SmartError>>();
  /** a resource is walked once for what is left of a path, however many references lead to it */
  readonly #walks = new Map<string, Promise<void>>();
  readonly #located = new WeakMap<Surroundings, Map<string, ReturnType<typeof locateReference>>>();
  readonly #numbers = new Map<object, number>();
  readonly #limited: ReturnType<typeof limited>;
  readonly #maxReferences: number;
  readonly #signal?: AbortSignal;
  #tooMany?: SmartError;

  constructor(
    private readonly read: ReadPath,
    private readonly fhirBaseUrl: string,
    limits: { concurrency: number; maxReferences: number; signal?: AbortSignal },
  ) {
    this.#limited = limited(limits.concurrency);
    this.#maxReferences = limits.maxReferences;
    this.#signal = limits.signal;
  }

  async inRounds<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    for (let from = 0; from < items.length && !this.#isOver(); from += ROUND) {
      if (from > 0) await setImmediate();
      await Promise.all(items.slice(from, from + ROUND).map(work));
    }
  }

  async follow(node: unknown, surroundings: Surroundings, path: string[]): Promise<void> {
    if (this.#isOver()) return;
    if (Array.isArray(node)) {
      const [items, rest] = itemsAt(node, path);
      await this.inRounds(items, (item) => this.follow(item, surroundings, rest));
    } else if (isReference(node, path)) {
      const target = await this.#resolve(node, surroundings);
      if (target && path.length > 0) await this.#followOnce(target, path);
    } else if (isJsonObject(node) && path.length > 0 && Object.hasOwn(node, path[0]!)) {
      await this.follow(node[path[0]!], surroundings, path.slice(1));
    }
  }

  // A walk never waits for itself: every step into a resource takes a segment of the path.
  #followOnce({ resource, surroundings }: Reached, path: string[]): Promise<void> {
    const { container, entries, root } = surroundings;
    const objects = [resource, container, entries].map((object) => this.#numberOf(object));
    const key = JSON.stringify([...objects, root, path]);
    let walking = this.#walks.get(key);
    if (!walking) this.#walks.set(key, (walking = this.follow(resource, surroundings, path)));
    return walking;
  }

  #numberOf(object: object | undefined): number {
    if (object === undefined) return -1;
    const known = this.#numbers.get(object) ?? this.#numbers.size;
    this.#numbers.set(object, known);
    return known;
  }

  #isOver(): boolean {
    if (this.#signal?.aborted)
      this.failure ??= new SmartError('aborted', 'The caller gave up resolving the references');
    return this.failure !== undefined;
  }

  async #resolve(reference: object, surroundings: Surroundings): Promise<Reached | undefined> {
    const located = this.#locate(reference, surroundings);
    if (located instanceof SmartError) return this.#miss(reference, located);
    const { key } = located;
    let target: Reached;
    if ('target' in located) {
      const answer = await this.#once(located.key, located.target);
      if (answer instanceof SmartError) return this.#miss(reference, answer);
      target = answer;
    } else {
      target = located;
    }
    this.found.set(reference, target.resource);
    if (key !== null) this.references.set(key, target.resource);
    return target;
  }

  // Parsing URLs is most of what a reference costs.
  #locate(reference: object, surroundings: Surroundings): ReturnType<typeof locateReference> {
    const { reference: text, type } = reference as { reference?: unknown; type?: unknown };
    if (typeof text !== 'string') return locateReference(reference, surroundings, this.fhirBaseUrl);
    const known = this.#located.get(surroundings) ?? new Map<string, ReturnType<typeof locateReference>>();
    this.#located.set(surroundings, known);
    const key = typeof type === 'string' ? `${type} ${text}` : ` ${text}`;
    let located = known.get(key);
    if (!located) {
      located = locateReference(reference, surroundings, this.fhirBaseUrl);
      known.set(key, located);
    }
    return located;
  }

  #once(
    key: string,
    target: Parameters<typeof readTargetFrom>[1],
  ): Promise<Reached | SmartError> | SmartError {
    const known = this.#reads.get(key);
    if (known) return known;
    if (this.#reads.size >= this.#maxReferences) return (this.#tooMany ??= tooMany(this.#maxReferences));
    const reading = this.#limited(async () => {
      if (this.#isOver()) return this.failure!;
      const resource = await readTargetFrom(this.read, target);
      if (resource instanceof SmartError) return resource;
      return { resource, surroundings: surroundingsIn(resource, this.fhirBaseUrl) };
    });
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
class GraphCopy {
  /** one copy of a resource for the same paths: copies of copies would be as many as there are ways through them */
  readonly #copies = new Map<object, Map<string, unknown>>();

  constructor(private readonly found: ReadonlyMap<object, Resource>) {}

  of(node: unknown, paths: string[][]): unknown {
    if (paths.length === 0) return structuredClone(node);
    if (Array.isArray(node)) {
      return node.map((item: unknown, at) => {
        const here = paths.flatMap((path) => {
          const [items, rest] = itemsAt([item], path, at);
          return items.length > 0 ? [rest] : [];
        });
        return this.of(item, here);
      });
    }
    if (!isJsonObject(node)) return node;
    const target = this.found.get(node);
    if (target) {
      const through = paths.filter((path) => path.length > 0);
      return this.#shared(target, through);
    }
    return Object.fromEntries(
      Object.entries(node).map(([name, member]) => {
        const below = paths.filter(([first]) => first === name).map((path) => path.slice(1));
        return [name, this.of(member, below)];
      }),
    );
  }

  #shared(target: Resource, paths: string[][]): unknown {
    const copies = this.#copies.get(target) ?? new Map<string, unknown>();
    this.#copies.set(target, copies);
    const key = JSON.stringify(paths);
    if (!copies.has(key)) copies.set(key, this.of(target, paths));
    return copies.get(key);
  }
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

/** The paths of the resources as paths of one thing that was given. */
function atResources(source: unknown, paths: string[][]): string[][] {
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

function isCount(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= most;
}

function tooMany(max: number): SmartError {
  return new SmartError(
    'invalid_request',
    `There are more than ${max.toLocaleString('en')} references to read; resolve fewer at once, or set maxReferences`,
  );
}
