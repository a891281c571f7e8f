import { batchedExchange } from './batched-exchange.js';
import type { BatchOptions } from './batched-exchange.js';
import { CapabilityCache } from './fhir/capability-cache.js';
import type { FhirExchange } from './fhir/exchange.js';
import type {
  AnyBundle,
  AnyResource,
  BundleOf,
  FhirResult,
  FhirVersion,
  ResourceOf,
} from './fhir/fhir-types.js';
import { referencePath } from './fhir/fhir-url.js';
import type { JsonPatchOperation } from './fhir/json-patch.js';
import { isResultOf, operationCall } from './fhir/operation-path.js';
import type { FhirOperationOptions, OperationResult } from './fhir/operation-path.js';
import { requestBundle } from './fhir/request-bundle.js';
import { etagOf, withHeaders } from './fhir/request-options.js';
import type {
  Exactly,
  FhirChangeOptions,
  FhirCreateOptions,
  FhirRequestOptions,
  FhirWriteOptions,
} from './fhir/request-options.js';
import { notAsked, readResult, withResponse } from './fhir/response.js';
import type { Answered } from './fhir/response.js';
import { stored } from './fhir/stored.js';
import { FhirReads } from './fhir-reads.js';
import type { Answer } from './fhir-reads.js';
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

/**
 * The FHIR calls that every client has: one of a launch, and one of a backend service. Take it as a parameter where
 * both will do. Calls answer the value or a {@link SmartError}.
 *
 * Errors of every call: `invalid_request` (an argument, or a target outside the FHIR base), `fhir_request_failed`
 * (see `operationOutcome`; `status` is the server's where that is a 4xx, and 502 for its 5xx, which `cause.code` names:
 * `HTTP_503`), `invalid_fhir_response` (also another resource than the one that was asked for), `ehr_unavailable`,
 * `ehr_timeout`, `aborted`; of writes `conflict`; of a launch `session_expired`, of a backend service those of its token
 * request.
 *
 * `search()` and `history()` alone answer no error: they return at once, and throw it when they are iterated.
 */
export class FhirCalls<V extends FhirVersion = 'R4'> extends FhirReads<V> {
  // Private to the runtime: a raw exchange is no call of a client.
  readonly #exchange: FhirExchange;
  readonly #capabilities: CapabilityCache;

  /** @internal */
  protected constructor(
    fhirBaseUrl: string,
    exchange: FhirExchange,
    capabilities = new CapabilityCache(CAPABILITIES_MS),
  ) {
    super(fhirBaseUrl, exchange, capabilities);
    this.#exchange = exchange;
    this.#capabilities = capabilities;
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
      const facts = await this.serverFacts();
      return !(facts instanceof SmartError) && facts.takesBatches;
    };
    const exchange = batchedExchange(this.#exchange, this.fhirBaseUrl, takesBatches, options);
    return new FhirCalls<V>(this.fhirBaseUrl, exchange, this.#capabilities);
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
