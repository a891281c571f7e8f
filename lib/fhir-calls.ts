import { batchedExchange } from './batched-exchange.js';
import type { BatchOptions } from './batched-exchange.js';
import { CapabilityCache } from './fhir/capability-cache.js';
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
import type { JsonPatchOperation } from './fhir/json-patch.js';
import { asOperationOutcome } from './fhir/operation-outcome.js';
import { isResultOf, operationCall } from './fhir/operation-path.js';
import type { FhirOperationOptions, OperationResult } from './fhir/operation-path.js';
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
import { fhirReleaseOf, readServerFacts } from './fhir/server-facts.js';
import type { ServerFacts } from './fhir/server-facts.js';
import { etagOf, readRequest, withHeaders } from './fhir/request-options.js';
import type {
  Exactly,
  FhirChangeOptions,
  FhirCreateOptions,
  FhirMethod,
  FhirReadOptions,
  FhirRequest,
  FhirRequestOptions,
  FhirWriteOptions,
} from './fhir/request-options.js';
import { notAsked, readResult, withResponse } from './fhir/response.js';
import type { Answered } from './fhir/response.js';
import { stored } from './fhir/stored.js';
import { SmartError } from './smart-error.js';

/** where no runtime says otherwise */
const CAPABILITIES_MS = 10 * 60_000;
const JSON_PATCH = 'application/json-patch+json';
const REPRESENTATION = { prefer: 'return=representation' };

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

/** What a {@link FhirRequest} answers, by its path and method. */
export type FhirRequestResult<R, V extends FhirVersion = 'R4'> = FhirResultOf<
  R extends { method: infer M extends FhirMethod } ? M : 'GET',
  R extends { url: infer P extends string } ? P : string,
  V
>;

type Answer<T, O> = Promise<Answered<T, O> | SmartError>;

/**
 * The FHIR calls that every client has: one of a launch, and one of a backend service. Take it as a parameter where
 * both will do. Calls answer the value or a {@link SmartError}.
 *
 * Errors of every call: `invalid_request` (an argument, or a target outside the FHIR base), `fhir_request_failed`
 * (with the server's `status` and `operationOutcome`), `invalid_fhir_response` (also another resource than the one
 * that was asked for), `ehr_unavailable`, `ehr_timeout`, `aborted`; of writes `conflict`; of a launch
 * `session_expired`, of a backend service those of its token request.
 */
export class FhirCalls<V extends FhirVersion = 'R4'> {
  // Private to the runtime: a raw exchange is no call of a client.
  readonly #exchange: FhirExchange;
  readonly #capabilities: CapabilityCache;

  /** @internal */
  protected constructor(
    /** FHIR base, as the launch or the configuration named it */
    readonly fhirBaseUrl: string,
    exchange: FhirExchange,
    capabilities = new CapabilityCache(CAPABILITIES_MS),
  ) {
    this.#exchange = exchange;
    this.#capabilities = capabilities;
  }

  /**
   * GETs a path below the FHIR base, or sends the request that an object describes. The result is typed by the path:
   * `Patient/1` is a Patient, `Observation?code=…` a Bundle of Observations. With a `schema` (Standard Schema: zod,
   * valibot …) it is validated and typed by it. A write that is answered without a body is undefined.
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
   * as a search; versions that are deletions have no resource, and are on the `pages()` only.
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
    const send = async ({ target }: SearchRequest, signal: AbortSignal) => {
      const answer = await this.#exchange('GET', target, undefined, { ...options, signal });
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
    const send = async ({ method, target, body }: SearchRequest, signal: AbortSignal) => {
      const answer = await this.#exchange(method, target, body, { ...others, signal });
      return answer instanceof SmartError ? answer : answer.body;
    };
    return new SearchResult({ resourceType, query: query ?? {}, options, send, compartment });
  }

  /**
   * POSTs a new resource; answers it as the server stored it, with its id. With `ifNoneExist` the resource that is
   * there already, where one is.
   */
  async create<R extends AnyResource<V>, O extends FhirCreateOptions = FhirCreateOptions>(
    resource: R,
    options?: Exactly<O, FhirCreateOptions>,
  ): Answer<Stored<R, V>, O> {
    const given: FhirCreateOptions = options ?? {};
    if (typeof resource?.resourceType !== 'string') return notAResource();
    const path = referencePath(resource.resourceType, 'new');
    if (path instanceof SmartError) return path;
    const condition = given.ifNoneExist?.toString();
    if (condition === '') {
      return new SmartError('invalid_request', 'ifNoneExist is empty: every create would pass it');
    }
    const headers = { ...REPRESENTATION, ...(condition !== undefined && { 'if-none-exist': condition }) };
    return this.#write('POST', resource.resourceType, resource, resource, headers, given, false);
  }

  /**
   * PUTs a resource that has an id; answers it as the server stored it. With `ifMatch` only where nobody changed it
   * meanwhile, else `conflict`.
   *
   * @example
   * await fhir.update({ ...patient, active: false }, { ifMatch: patient.meta?.versionId });
   */
  async update<R extends AnyResource<V>, O extends FhirChangeOptions = FhirChangeOptions>(
    resource: R,
    options?: Exactly<O, FhirChangeOptions>,
  ): Answer<Stored<R, V>, O> {
    if (typeof resource?.resourceType !== 'string') return notAResource();
    if (typeof resource.id !== 'string') {
      return new SmartError(
        'invalid_request',
        `The ${resource.resourceType} to update has no id; use create()`,
      );
    }
    const path = referencePath(resource.resourceType, resource.id);
    if (path instanceof SmartError) return path;
    return this.#write('PUT', path, resource, resource, REPRESENTATION, options ?? {}, true);
  }

  /**
   * PATCHes the resource that a reference (`Patient/1`) names, by JSON Patch or, with a `Parameters` resource, by
   * FHIRPath Patch; answers it as the server stored it, or its type and id alone where the server does not send it.
   */
  async patch<const P extends string, O extends FhirChangeOptions = FhirChangeOptions>(
    reference: P,
    operations: readonly JsonPatchOperation[] | ResourceOf<'Parameters', V>,
    options?: Exactly<O, FhirChangeOptions>,
  ): Answer<FhirResult<P, V>, O> {
    const path = pathOf(reference);
    if (path instanceof SmartError) return path;
    const isJsonPatch = Array.isArray(operations);
    const isFhirPathPatch = (operations as { resourceType?: unknown } | null)?.resourceType === 'Parameters';
    if (!isJsonPatch && !isFhirPathPatch) {
      return new SmartError('invalid_request', 'A patch is a list of operations, or a Parameters resource');
    }
    const [resourceType, id] = path.split('/') as [string, string];
    const headers = { ...REPRESENTATION, ...(isJsonPatch && { 'content-type': JSON_PATCH }) };
    return this.#write<FhirResult<P, V>, O>(
      'PATCH',
      path,
      operations,
      { resourceType, id },
      headers,
      options ?? {},
      true,
    );
  }

  /** DELETEs the resource that a reference (`Patient/1`) names. */
  async delete<O extends FhirChangeOptions = FhirChangeOptions>(
    reference: string,
    options?: Exactly<O, FhirChangeOptions>,
  ): Answer<{ deleted: true }, O> {
    const path = pathOf(reference);
    if (path instanceof SmartError) return path;
    const given = withCondition(options ?? {}, {});
    if (given instanceof SmartError) return given;
    const answer = await this.#exchange('DELETE', path, undefined, given);
    if (answer instanceof SmartError) return answer;
    return withResponse({ deleted: true }, answer, given) as Answered<{ deleted: true }, O>;
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
    return new FhirCalls<V>(this.fhirBaseUrl, exchange, this.#capabilities);
  }

  /** FHIR version of the server, e.g. `4.0.1`, from its CapabilityStatement, which is remembered. */
  async getFhirVersion(): Promise<string | SmartError> {
    const facts = await this.#serverFacts();
    return facts instanceof SmartError ? facts : facts.fhirVersion;
  }

  /** FHIR release of the server: 2 (DSTU2), 3 (STU3), 4 (R4, R4B), 5 (R5), or 0 where it is none of these. */
  async getFhirRelease(): Promise<number | SmartError> {
    const version = await this.getFhirVersion();
    return version instanceof SmartError ? version : fhirReleaseOf(version);
  }

  async #serverFacts(): Promise<ServerFacts | SmartError> {
    const statement = await this.#statement();
    return statement instanceof SmartError ? statement : readServerFacts(statement);
  }

  /**
   * Calls an operation of the server, of a type, or of a resource: by GET with values in the URL, by POST with a
   * `Parameters` resource. One that is answered without a body answered no parameters: an empty `Parameters`.
   *
   * @example
   * const all = unwrap(await fhir.operation('$everything', { on: 'Patient/1', parameters: { _count: 50 } }));
   */
  async operation<const Name extends string, O extends FhirOperationOptions = FhirOperationOptions>(
    name: Name,
    options?: Exactly<O, FhirOperationOptions>,
  ): Answer<OperationResult<Name, V>, O> {
    const given: FhirOperationOptions = options ?? {};
    const call = operationCall(name, given.on, given.parameters, given.method);
    if (call instanceof SmartError) return call;
    const answer = await this.#exchange(call.method, call.path, call.body, given);
    if (answer instanceof SmartError) return answer;
    const isJson = given.as === undefined || given.as === 'json';
    const body = answer.body ?? { resourceType: 'Parameters' };
    if (isJson && answer.body !== undefined && !isResultOf(name, body)) return notAsked();
    return (await readResult(isJson ? { ...answer, body } : answer, given, undefined)) as
      Answered<OperationResult<Name, V>, O> | SmartError;
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

  async #write<T, O>(
    method: 'POST' | 'PUT' | 'PATCH',
    path: string,
    body: unknown,
    resource: { resourceType: string; id?: string },
    headers: Record<string, string>,
    options: FhirChangeOptions,
    isSame: boolean,
  ): Answer<T, O> {
    const given = withCondition(options, headers);
    if (given instanceof SmartError) return given;
    const answer = await this.#exchange(method, path, body, given);
    if (answer instanceof SmartError) return answer;
    const result = stored<T>(resource, answer, isSame);
    return result instanceof SmartError ? result : (withResponse(result, answer, given) as Answered<T, O>);
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
    return resourceType === 'Bundle' ? (answer.body as BundleOf<AnyResource<V>, V>) : notAsked();
  }
}

/** Options with these headers and the version that is to be changed; the caller's own headers win. */
function withCondition(
  options: FhirChangeOptions,
  headers: Record<string, string>,
): FhirWriteOptions | SmartError {
  const { ifMatch } = options;
  const condition = ifMatch === undefined ? undefined : { 'if-match': etagOf(ifMatch) };
  return withHeaders(options, { ...headers, ...condition });
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
