import type { CapabilityCache } from './fhir/capability-cache.js';
import type { FhirExchange } from './fhir/exchange.js';
import type {
  AnyBundle,
  AnyResource,
  BundleOf,
  FhirResult,
  FhirResultOf,
  FhirVersion,
  ResourceOf,
  ResourceTypeName,
} from './fhir/fhir-types.js';
import { instanceOf, referencePath } from './fhir/fhir-url.js';
import type { Instance } from './fhir/fhir-url.js';
import { checkedHistory, historyPath } from './fhir/history-path.js';
import type { FhirHistoryOptions } from './fhir/history-path.js';
import { asOperationOutcome } from './fhir/operation-outcome.js';
import type { PatientCompartment } from './fhir/patient-compartment.js';
import type { SearchQuery } from './fhir/search-parameters.js';
import type { SearchRequest } from './fhir/search-request.js';
import { SearchResult } from './fhir/search-result.js';
import type { SearchOptions } from './fhir/search-result.js';
import type { SearchResultOf } from './fhir/search-types.js';
import { resolveReference } from './fhir/resolve-reference.js';
import { resolveReferences } from './fhir/resolve-references.js';
import type { ResolvedReferences } from './fhir/resolve-references.js';
import { fhirReleaseOf, readServerFacts } from './fhir/server-facts.js';
import type { ServerFacts } from './fhir/server-facts.js';
import { readRequest } from './fhir/request-options.js';
import type {
  Exactly,
  FhirMethod,
  FhirReadOptions,
  FhirRequest,
  FhirRequestOptions,
} from './fhir/request-options.js';
import { notAsked, readResult, withResponse } from './fhir/response.js';
import type { Answered } from './fhir/response.js';
import { SmartError } from './smart-error.js';

/** A Reference as FHIR writes it. */
export interface ReferenceLike {
  reference?: string | undefined;
  type?: string | undefined;
  identifier?: object | undefined;
}

export interface ResolveOptions<V extends FhirVersion = 'R4'> extends FhirRequestOptions {
  /** the resource that contains the reference, for `#id`; or the Bundle, for `urn:` and resources that came along */
  in?: AnyResource<V> | AnyBundle<V> | undefined;
}

export interface ResolveReferencesOptions extends FhirRequestOptions {
  /** reads at once, 1 to 100. Default 8 */
  concurrency?: number | undefined;
  /**
   * distinct resources to read in one call, 1 to 100,000; further references are in `missing` (`invalid_request`).
   * Default 1,000
   */
  maxReferences?: number | undefined;
}

/** What a {@link FhirRequest} answers, by its path and method. */
export type FhirRequestResult<R, V extends FhirVersion = 'R4'> = FhirResultOf<
  R extends { method: infer M extends FhirMethod } ? M : 'GET',
  R extends { url: infer P extends string } ? P : string,
  V
>;

/** A call's answer, in the form that its options ask for. */
export type Answer<T, O> = Promise<Answered<T, O> | SmartError>;

/** The calls that read; {@link FhirCalls} has them all. */
export abstract class FhirReads<V extends FhirVersion = 'R4'> {
  // Private to the runtime: a raw exchange is no call of a client.
  readonly #exchange: FhirExchange;
  readonly #capabilities: CapabilityCache;

  /** @internal */
  protected constructor(
    /** FHIR base, as the launch or the configuration named it */
    readonly fhirBaseUrl: string,
    exchange: FhirExchange,
    capabilities: CapabilityCache,
  ) {
    this.#exchange = exchange;
    this.#capabilities = capabilities;
  }

  /**
   * GETs a path below the FHIR base, or sends the request that an object describes. The result is typed by the path:
   * `Patient/1` is a Patient, `Observation?code=…` a Bundle of Observations. With a `schema` (Standard Schema: zod,
   * valibot …) it is validated and typed by it. A write that is answered without a body is undefined.
   *
   * A server that refuses is `fhir_request_failed`: `status` is the server's where that is a 4xx, and 502 for its 5xx,
   * which `cause.code` names (`HTTP_503`).
   *
   * @example
   * const patient = unwrap(await fhir.request('Patient/1'));
   * const { body, etag } = unwrap(await fhir.request('Patient/1', { includeResponse: true }));
   * const { data, contentType } = unwrap(await fhir.request('Binary/1', { as: 'binary' }));
   */
  async request<const P extends string, O extends FhirReadOptions = FhirReadOptions>(
    path: P | URL,
    options?: Exactly<O, FhirReadOptions>,
  ): Answer<FhirResult<P, V>, O>;
  async request<const R extends FhirRequest>(
    request: Exactly<R, FhirRequest>,
    options?: FhirRequestOptions,
  ): Answer<FhirRequestResult<R, V>, R>;
  async request(given: string | URL | FhirRequest, options: FhirReadOptions = {}): Promise<unknown> {
    const request = readRequest(given, options);
    if (request instanceof SmartError) return request;
    const { method, url, body } = request;
    const answer = await this.#exchange(method, url, body, request);
    if (answer instanceof SmartError) return answer;
    const isOfInstance = method !== 'POST' && method !== 'DELETE';
    const asked = isOfInstance ? instanceOf(answer.url, this.fhirBaseUrl) : undefined;
    const isJson = request.as === undefined || request.as === 'json';
    if (method !== 'GET' && isJson) {
      if (answer.body === undefined) return withResponse(undefined, answer, request);
      // it may say what it did instead of what is stored now
      if (asOperationOutcome(answer.body)) return readResult(answer, request, undefined);
    }
    return readResult(answer, request, asked);
  }

  /** GETs one resource. */
  async read<T extends ResourceTypeName<V>, O extends FhirReadOptions = FhirReadOptions>(
    resourceType: T,
    id: string,
    options?: Exactly<O, FhirReadOptions>,
  ): Answer<ResourceOf<T, V>, O> {
    const path = referencePath(resourceType, id);
    if (path instanceof SmartError) return path;
    return this.readAs<ResourceOf<T, V>, O>(path, { type: resourceType, id }, options);
  }

  /** GETs one version of a resource; `versionId` is its `meta.versionId` then. */
  async vread<T extends ResourceTypeName<V>, O extends FhirReadOptions = FhirReadOptions>(
    resourceType: T,
    id: string,
    versionId: string,
    options?: Exactly<O, FhirReadOptions>,
  ): Answer<ResourceOf<T, V>, O> {
    const path = referencePath(resourceType, id);
    if (path instanceof SmartError) return path;
    // a version id has the form of an id
    const version = referencePath(resourceType, versionId);
    if (version instanceof SmartError) return version;
    const asked = { type: resourceType, id, versionId };
    return this.readAs<ResourceOf<T, V>, O>(`${path}/_history/${versionId}`, asked, options);
  }

  /**
   * The versions of a resource, of all resources of a type, or of all; newest first, as the server sends them. Read it
   * as a search; versions that are deletions have no resource, and are on the `pages()` only. What goes wrong
   * is thrown as a SmartError by the iteration.
   */
  history(
    resourceType?: undefined,
    id?: undefined,
    options?: FhirHistoryOptions,
  ): SearchResult<AnyResource<V>, BundleOf<AnyResource<V>, V>>;
  history<T extends ResourceTypeName<V>>(
    resourceType: T,
    id?: string,
    options?: FhirHistoryOptions,
  ): SearchResult<ResourceOf<T, V>, BundleOf<ResourceOf<T, V>, V>>;
  history(
    resourceType?: string,
    id?: string,
    options: FhirHistoryOptions = {},
  ): SearchResult<unknown, unknown> {
    const path = historyPath(resourceType, id, options);
    const isOfOne = resourceType !== undefined && id !== undefined;
    const send = async ({ target, isGuess }: SearchRequest, signal: AbortSignal) => {
      const answer = await this.#exchange('GET', target, undefined, { ...options, signal }, { isGuess });
      if (answer instanceof SmartError) return answer;
      return isOfOne ? checkedHistory(answer.body, resourceType, id) : answer.body;
    };
    return new SearchResult({ path, options, send });
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
    const send = async ({ method, target, body, isGuess }: SearchRequest, signal: AbortSignal) => {
      const answer = await this.#exchange(method, target, body, { ...others, signal }, { isGuess });
      return answer instanceof SmartError ? answer : answer.body;
    };
    return new SearchResult({ resourceType, query: query ?? {}, options, send, compartment });
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
   * A reference that cannot be read is in `missing` with its error, and so are those beyond `maxReferences`. The call itself answers an error where nothing can
   * be read any more: `aborted`, and that of a session that ended.
   *
   * @example
   * const { get } = unwrap(await fhir.resolveReferences(observations, ['subject', 'encounter.serviceProvider']));
   * get(observations[0].subject);
   */
  async resolveReferences(
    source: AnyResource<V> | readonly AnyResource<V>[] | AnyBundle<V>,
    paths: readonly string[],
    { concurrency, maxReferences, ...options }: ResolveReferencesOptions = {},
  ): Promise<ResolvedReferences<AnyResource<V>> | SmartError> {
    const read = (path: string) => this.request(path, options);
    const limits = { concurrency, maxReferences, signal: options.signal };
    return resolveReferences<AnyResource<V>>(read, this.fhirBaseUrl, source, paths, limits);
  }

  /** FHIR version of the server, e.g. `4.0.1`, from its CapabilityStatement, which is remembered. */
  async getFhirVersion(): Promise<string | SmartError> {
    const facts = await this.serverFacts();
    return facts instanceof SmartError ? facts : facts.fhirVersion;
  }

  /** FHIR release of the server: 2 (DSTU2), 3 (STU3), 4 (R4, R4B), 5 (R5), or 0 where it is none of these. */
  async getFhirRelease(): Promise<number | SmartError> {
    const version = await this.getFhirVersion();
    return version instanceof SmartError ? version : fhirReleaseOf(version);
  }

  /** @internal */
  protected async serverFacts(): Promise<ServerFacts | SmartError> {
    const statement = await this.#statement();
    return statement instanceof SmartError ? statement : readServerFacts(statement);
  }

  /**
   * What the server says it can do (`metadata`), remembered per server for `discoveryTtlMs`. Frozen: all clients of
   * the server share it.
   */
  async capabilities(): Promise<ResourceOf<'CapabilityStatement', V> | SmartError> {
    const statement = await this.#statement();
    if (statement instanceof SmartError || statement.resourceType === 'CapabilityStatement')
      return statement as ResourceOf<'CapabilityStatement', V> | SmartError;
    return notAsked();
  }

  /** A CapabilityStatement, or a Conformance of DSTU2. */
  async #statement(): Promise<{ resourceType: string } | SmartError> {
    const known = this.#capabilities.get(this.fhirBaseUrl);
    if (known) return known;
    const answer = await this.#exchange('GET', 'metadata', undefined, {});
    if (answer instanceof SmartError) return answer;
    const statement = answer.body as { resourceType: string } | undefined;
    if (!['CapabilityStatement', 'Conformance'].includes(statement?.resourceType ?? '')) return notAsked();
    return this.#capabilities.remember(this.fhirBaseUrl, statement!);
  }

  /** @internal Reads the one resource that is asked for, and takes no other for it. */
  protected async readAs<T, O extends FhirReadOptions>(
    path: string,
    asked: Instance,
    options: FhirReadOptions = {},
  ): Answer<T, O> {
    const answer = await this.#exchange('GET', path, undefined, options);
    if (answer instanceof SmartError) return answer;
    return (await readResult(answer, options, asked)) as Answered<T, O> | SmartError;
  }
}
