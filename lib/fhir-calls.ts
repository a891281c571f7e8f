import { batchedExchange } from './batched-exchange.js';
import type { BatchOptions } from './batched-exchange.js';
import type { FhirHttpAnswer, FhirMethod } from './fhir/fhir-http.js';
import type {
  AnyBundle,
  AnyResource,
  BundleOf,
  FhirResult,
  FhirVersion,
  ResourceOf,
  ResourceTypeName,
} from './fhir/fhir-types.js';
import { referencePath } from './fhir/fhir-url.js';
import type { JsonPatchOperation } from './fhir/json-patch.js';
import { requestBundle } from './fhir/request-bundle.js';
import type { PatientCompartment } from './fhir/patient-compartment.js';
import type { SearchQuery } from './fhir/search-parameters.js';
import type { SearchRequest } from './fhir/search-request.js';
import { SearchResult } from './fhir/search-result.js';
import type { SearchOptions } from './fhir/search-result.js';
import type { SearchResultOf } from './fhir/search-types.js';
import { resolveReference } from './fhir/resolve-reference.js';
import { resolveReferences } from './fhir/resolve-references.js';
import type { ResolvedReferences } from './fhir/resolve-references.js';
import { ServerFactsCache, fhirReleaseOf } from './fhir/server-facts.js';
import { validated } from './fhir/standard-schema.js';
import type { StandardSchema } from './fhir/standard-schema.js';
import { SmartError } from './smart-error.js';

const JSON_PATCH = 'application/json-patch+json';

export interface FhirRequestOptions {
  /** further headers; `Authorization` cannot be replaced */
  headers?: Record<string, string>;
  /** aborts the request (not a token refresh under way) */
  signal?: AbortSignal;
}

/** A resource as the server stored it: with an id. */
export type Stored<R extends { resourceType: string }, V extends FhirVersion = 'R4'> = ResourceOf<
  R['resourceType'],
  V
> & { id: string };

/** What a batch or a transaction is made of: a Bundle of that type, or its entries. */
export type BundleContent<V extends FhirVersion = 'R4'> = AnyBundle<V> | NonNullable<AnyBundle<V>['entry']>;

/** A Reference as FHIR writes it. */
export interface ReferenceLike {
  reference?: string;
  type?: string;
  identifier?: object;
}

export interface ResolveOptions<V extends FhirVersion = 'R4'> extends FhirRequestOptions {
  /** the resource that contains the reference, for `#id`; or the Bundle, for `urn:` and resources that came along */
  in?: AnyResource<V> | AnyBundle<V>;
}

export interface ResolveReferencesOptions extends FhirRequestOptions {
  /** reads at once, 1 to 100. Default 8 */
  concurrency?: number;
}

/** Sends one FHIR request; which token goes with it is the client's own matter. */
export type FhirExchange = (
  method: FhirMethod,
  target: string | URL,
  body: unknown,
  options: FhirRequestOptions,
) => Promise<FhirHttpAnswer | SmartError>;

/**
 * The FHIR calls that every client has: one of a launch, and one of a backend service. Take it as a parameter where
 * both will do. Calls answer the value or a {@link SmartError}.
 */
export class FhirCalls<V extends FhirVersion = 'R4'> {
  // Private to the runtime: a raw exchange is no call of a client.
  readonly #exchange: FhirExchange;
  readonly #facts: ServerFactsCache;

  /** @internal */
  protected constructor(
    /** FHIR base, as the launch or the configuration named it */
    readonly fhirBaseUrl: string,
    exchange: FhirExchange,
    facts: ServerFactsCache = new ServerFactsCache(),
  ) {
    this.#exchange = exchange;
    this.#facts = facts;
  }

  /**
   * GETs a path below the FHIR base. The result is typed by the path: `Patient/1` is a Patient,
   * `Observation?code=…` a Bundle of Observations. With a `schema` (Standard Schema: zod, valibot …) the
   * result is validated and typed by it.
   *
   * Errors: `invalid_request` (path outside the FHIR base), `fhir_request_failed` (with the server's
   * `status` and `operationOutcome`), `ehr_unavailable`, `ehr_timeout`; of a launch `session_expired`, of a backend
   * service those of its token request.
   */
  async request<Output>(
    path: string | URL,
    options: FhirRequestOptions & { schema: StandardSchema<Output> },
  ): Promise<Output | SmartError>;
  async request<const P extends string>(
    path: P | URL,
    options?: FhirRequestOptions,
  ): Promise<FhirResult<P, V> | SmartError>;
  async request(
    path: string | URL,
    options: FhirRequestOptions & { schema?: StandardSchema } = {},
  ): Promise<unknown> {
    const answer = await this.#exchange('GET', path, undefined, options);
    if (answer instanceof SmartError) return answer;
    if (answer.body === undefined || answer.body === null) return notWhatWasAsked();
    return options.schema ? validated(options.schema, answer.body, 'The FHIR response') : answer.body;
  }

  /**
   * Searches; returns at once. Iterate it (the next page is fetched while you work on one), or use `toArray({ limit })`,
   * `first()`, `matches()`, `pages()`, `total()`; what goes wrong is thrown as a SmartError by the iteration.
   *
   * Errors: those of `request`; `invalid_request` for parameters that would widen the search (null, empty, NaN);
   * `invalid_fhir_response` where pages repeat or do not end.
   *
   * @example
   * const code = { system: 'http://loinc.org', code: '2339-0' };
   * for await (const glucose of fhir.search('Observation', { code, date: { ge: '2026-01-01' } })) …
   */
  search<T extends ResourceTypeName<V>, const P extends SearchQuery = Record<never, never>>(
    resourceType: T,
    parameters?: P,
    options: FhirRequestOptions & SearchOptions = {},
  ): SearchResultOf<T, P, V> {
    return this.searchWithin(undefined, resourceType, parameters, options);
  }

  /** @internal */
  protected searchWithin<T extends ResourceTypeName<V>, P extends SearchQuery>(
    compartment: PatientCompartment | SmartError | undefined,
    resourceType: T,
    query: P | undefined,
    options: FhirRequestOptions & SearchOptions = {},
  ): SearchResultOf<T, P, V> {
    const { method: _, pageLimit: _limit, maxPages: _max, pagesAhead: _ahead, ...others } = options;
    const send = async ({ method, target, body }: SearchRequest, signal: AbortSignal) => {
      const answer = await this.#exchange(method, target, body, { ...others, signal });
      return answer instanceof SmartError ? answer : answer.body;
    };
    return new SearchResult({ resourceType, query: query ?? {}, options, send, compartment });
  }

  /** POSTs a new resource; answers it as the server stored it, with its id. */
  async create<R extends AnyResource<V>>(
    resource: R,
    options: FhirRequestOptions = {},
  ): Promise<Stored<R, V> | SmartError> {
    if (typeof resource?.resourceType !== 'string') return notAResource();
    const path = referencePath(resource.resourceType, 'new');
    if (path instanceof SmartError) return path;
    const answer = await this.#exchange('POST', resource.resourceType, resource, withRepresentation(options));
    return answer instanceof SmartError ? answer : stored<Stored<R, V>>(resource, answer);
  }

  /** PUTs a resource that has an id; answers it as the server stored it. */
  async update<R extends AnyResource<V>>(
    resource: R,
    options: FhirRequestOptions = {},
  ): Promise<Stored<R, V> | SmartError> {
    if (typeof resource?.resourceType !== 'string') return notAResource();
    if (typeof resource.id !== 'string') {
      return new SmartError(
        'invalid_request',
        `The ${resource.resourceType} to update has no id; use create()`,
      );
    }
    const path = referencePath(resource.resourceType, resource.id);
    if (path instanceof SmartError) return path;
    const answer = await this.#exchange('PUT', path, resource, withRepresentation(options));
    return answer instanceof SmartError ? answer : stored<Stored<R, V>>(resource, answer);
  }

  /**
   * PATCHes the resource that a reference (`Patient/1`) names, by JSON Patch; answers it as the server stored it,
   * or its type and id alone where the server does not send it.
   */
  async patch<const P extends string>(
    reference: P,
    operations: readonly JsonPatchOperation[],
    options: FhirRequestOptions = {},
  ): Promise<FhirResult<P, V> | SmartError> {
    const path = pathOf(reference);
    if (path instanceof SmartError) return path;
    const answer = await this.#exchange('PATCH', path, operations, {
      ...options,
      headers: { 'content-type': JSON_PATCH, prefer: 'return=representation', ...options.headers },
    });
    if (answer instanceof SmartError) return answer;
    const [resourceType, id] = path.split('/') as [string, string];
    return stored<FhirResult<P, V>>({ resourceType, id }, answer);
  }

  /** DELETEs the resource that a reference (`Patient/1`) names. */
  async delete(reference: string, options: FhirRequestOptions = {}): Promise<{ deleted: true } | SmartError> {
    const path = pathOf(reference);
    if (path instanceof SmartError) return path;
    const answer = await this.#exchange('DELETE', path, undefined, options);
    return answer instanceof SmartError ? answer : { deleted: true };
  }

  /**
   * POSTs a batch: a Bundle or its entries. Each entry succeeds or fails by itself, as the entries of the answer
   * say in `response.status`.
   */
  async batch(
    content: BundleContent<V>,
    options: FhirRequestOptions = {},
  ): Promise<BundleOf<AnyResource<V>, V> | SmartError> {
    return this.#sendBundle('batch', content, options);
  }

  /** POSTs a transaction: a Bundle or its entries, of which all succeed or none. */
  async transaction(
    content: BundleContent<V>,
    options: FhirRequestOptions = {},
  ): Promise<BundleOf<AnyResource<V>, V> | SmartError> {
    return this.#sendBundle('transaction', content, options);
  }

  /**
   * The resource that a reference points at: `Patient/1`, `Patient/1/_history/2`, a URL under the FHIR base, a
   * contained resource (`#id`), or one of a Bundle (by its `fullUrl`, `urn:uuid:…` too). A text is typed by what it
   * says; for a Reference say the type: `resolve<Patient>(observation.subject)`.
   *
   * Errors: those of `request`; `invalid_request` where there is nothing to read (an identifier only, another server,
   * a `#id` or `urn:` without what it stands in), `invalid_fhir_response` where the server answers with another
   * resource.
   *
   * @example
   * const medication = await fhir.resolve<Medication>(request.medicationReference, { in: request });
   */
  async resolve<const P extends string>(
    reference: P,
    options?: ResolveOptions<V>,
  ): Promise<FhirResult<P, V> | SmartError>;
  async resolve<R extends AnyResource<V> = AnyResource<V>>(
    reference: ReferenceLike | string | null | undefined,
    options?: ResolveOptions<V>,
  ): Promise<R | SmartError>;
  async resolve(reference: unknown, { in: within, ...options }: ResolveOptions<V> = {}): Promise<unknown> {
    return resolveReference((path) => this.request(path, options), this.fhirBaseUrl, reference, within);
  }

  /**
   * What the references of a resource, of several, or of a Bundle's resources point at: in parallel, each read once,
   * what was given left as it is. Paths may go through references and lists (`encounter.serviceProvider`,
   * `participant.0.actor`).
   *
   * A reference that cannot be read is in `missing` with its error. The call itself answers an error where nothing can
   * be read any more: `aborted`, and that of a session that ended.
   *
   * @example
   * const { get } = unwrap(await fhir.resolveReferences(observations, ['subject', 'encounter.serviceProvider']));
   * get(observations[0].subject);
   */
  async resolveReferences(
    source: AnyResource<V> | readonly AnyResource<V>[] | AnyBundle<V>,
    paths: readonly string[],
    { concurrency, ...options }: ResolveReferencesOptions = {},
  ): Promise<ResolvedReferences<AnyResource<V>> | SmartError> {
    const read = (path: string) => this.request(path, options);
    return resolveReferences<AnyResource<V>>(read, this.fhirBaseUrl, source, paths, concurrency);
  }

  /**
   * The same calls, with reads that are asked for at once sent as one batch, where the server's CapabilityStatement
   * lists `batch`. Only plain reads (`Patient/1`) are gathered: one with headers of its own, a search or a write is
   * sent as it is, and so is a read that is alone. Each answers by its own entry; a `signal` gives up its own read.
   *
   * @throws SmartError `invalid_request` where `maxEntries` is no number of 2 to 1,000
   * @example
   * const batched = fhir.batched();
   * const patients = await Promise.all(ids.map((id) => batched.request(`Patient/${id}`)));
   */
  batched(options: BatchOptions = {}): FhirCalls<V> {
    const takesBatches = async () => {
      const facts = await this.#serverFacts();
      return !(facts instanceof SmartError) && facts.takesBatches;
    };
    const exchange = batchedExchange(this.#exchange, this.fhirBaseUrl, takesBatches, options);
    return new FhirCalls<V>(this.fhirBaseUrl, exchange, this.#facts);
  }

  /** FHIR version of the server, e.g. `4.0.1`, from its CapabilityStatement; remembered for ten minutes. */
  async getFhirVersion(): Promise<string | SmartError> {
    const facts = await this.#serverFacts();
    return facts instanceof SmartError ? facts : facts.fhirVersion;
  }

  /** FHIR release of the server: 2 (DSTU2), 3 (STU3), 4 (R4, R4B), 5 (R5), or 0 where it is none of these. */
  async getFhirRelease(): Promise<number | SmartError> {
    const version = await this.getFhirVersion();
    return version instanceof SmartError ? version : fhirReleaseOf(version);
  }

  async #serverFacts() {
    return this.#facts.get(this.fhirBaseUrl, async () => {
      const answer = await this.#exchange('GET', 'metadata', undefined, {});
      return answer instanceof SmartError ? answer : answer.body;
    });
  }

  async #sendBundle(
    type: 'batch' | 'transaction',
    content: BundleContent<V>,
    options: FhirRequestOptions,
  ): Promise<BundleOf<AnyResource<V>, V> | SmartError> {
    const bundle = requestBundle(type, content);
    if (bundle instanceof SmartError) return bundle;
    const answer = await this.#exchange('POST', this.fhirBaseUrl, bundle, options);
    if (answer instanceof SmartError) return answer;
    const { resourceType } = (answer.body ?? {}) as { resourceType?: unknown };
    return resourceType === 'Bundle' ? (answer.body as BundleOf<AnyResource<V>, V>) : notWhatWasAsked();
  }
}

function withRepresentation(options: FhirRequestOptions): FhirRequestOptions {
  return { ...options, headers: { prefer: 'return=representation', ...options.headers } };
}

/** What the server stored; a server that answers without a body says at least where it is. */
function stored<T>(resource: { resourceType: string; id?: string }, answer: FhirHttpAnswer): T {
  const body = answer.body as { resourceType?: unknown } | undefined;
  if (body?.resourceType === resource.resourceType) return body as T;
  const location = answer.header('location') ?? '';
  const id = /(?:^|\/)[A-Z][A-Za-z]+\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/|$)/.exec(location)?.[1];
  return (id === undefined ? resource : { ...resource, id }) as T;
}

function notWhatWasAsked(): SmartError {
  return new SmartError(
    'invalid_fhir_response',
    'The FHIR server answered with something else than was asked for',
  );
}

/** The path of a reference to a resource of this server, without a version. */
function pathOf(reference: string): string | SmartError {
  const [resourceType = '', id = '', ...others] = String(reference).split('/');
  if (others.length === 0) return referencePath(resourceType, id);
  return new SmartError('invalid_request', 'The argument is not a reference such as Patient/1');
}

function notAResource(): SmartError {
  return new SmartError('invalid_request', 'The argument is not a FHIR resource: it has no resourceType');
}
