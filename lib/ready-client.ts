import { inspect } from 'node:util';
import { AppState } from './app-state.js';
import type { LaunchContext } from './ehr/launch-context.js';
import { FhirCalls } from './fhir-calls.js';
import type { CapabilityCache } from './fhir/capability-cache.js';
import { exchangeThrough } from './fhir/exchange.js';
import type { PreparedCall, ReadCache } from './fhir/exchange.js';
import { fhirExchange, isUnauthorized } from './fhir/fhir-http.js';
import type { FhirHttpAnswer } from './fhir/fhir-http.js';
import type { FhirVersion, ResourceOf, ResourceTypeName } from './fhir/fhir-types.js';
import { PatientCompartment } from './fhir/patient-compartment.js';
import type { PatientCompartmentType } from './fhir/patient-compartment-data.js';
import type { SearchQuery } from './fhir/search-parameters.js';
import type { SearchOptions } from './fhir/search-result.js';
import type { SearchResultOf } from './fhir/search-types.js';
import type { Exactly, FhirReadOptions, FhirRequestOptions } from './fhir/request-options.js';
import type { Answered } from './fhir/response.js';
import type { SmartStyle } from './fhir/smart-style.js';
import { validatedNow } from './fhir/standard-schema.js';
import type { StandardSchema } from './fhir/standard-schema.js';
import { splitFhirUser } from './fhir-user.js';
import type { FhirUserType } from './fhir-user.js';
import type { HttpClient } from './http/http-client.js';
import type { JsonValue } from './http/json.js';
import { SmartScopes, unconstrained } from './scope/scope.js';
import { launchState } from './launch-state.js';
import type { LaunchState } from './launch-state.js';
import type { LaunchRecord } from './session/launch-record.js';
import { SmartError } from './smart-error.js';
import { showWithProof } from './token/dpop.js';
import { readFindings, recordFindings } from './validation-report.js';
import type { ValidationFinding } from './validation-report.js';

/** What a ReadyClient needs of the launch it stands for. */
export interface LaunchHandle {
  readonly record: LaunchRecord;
  readonly issuerName: string;
  /** named in `knownFhirServers` */
  readonly isKnownServer: boolean;
  /** of FHIR requests and answers. Left out: FHIR JSON */
  readonly mediaType?: string;
  /** the answers of this launch that are kept */
  readonly reads?: ReadCache;
  readonly capabilities?: CapabilityCache;
  /** a record with another access token than the given one, or why there is none */
  renew(rejected: LaunchRecord): Promise<LaunchRecord | SmartError>;
  /** whether the session still holds this launch with a token that is not expired */
  isAlive(): Promise<boolean>;
  /** the EHR's style sheet for this launch; null when it names none */
  style(): Promise<SmartStyle | null | SmartError>;
  /** ends the session: the EHR refuses its tokens for good */
  end(): Promise<void>;
  /** the EHR answered a search about the patient with resources of others, which were left out */
  foreignResults?(resourceType: string, count: number): void;
}

/** A resource the launch names: its id, and a request for it. */
export interface ContextResource<Resource> {
  /** null when the launch has none, or it is one of another server */
  readonly id: string | null;
  /** e.g. `Patient/123`; for a user of another server an absolute URL */
  readonly reference: string | null;
  /** resource type, e.g. `Practitioner` */
  readonly type: string | null;
  /** Reads it, with the options of `ReadyClient.request()`; `missing_context` when the launch has none. */
  request<O extends FhirReadOptions = FhirReadOptions>(
    options?: Exactly<O, FhirReadOptions>,
  ): Promise<Answered<Resource, O> | SmartError>;
}

/** The patient of the launch, and what is about this patient. */
export interface PatientContext<V extends FhirVersion = 'R4'> extends ContextResource<
  ResourceOf<'Patient', V>
> {
  /**
   * Searches what is about this patient, as `fhir.search` does otherwise. The client sets the parameter of FHIR's
   * patient compartment. What the server answers about somebody else all the same is left out, logged and told to
   * `options.onEvent`; so is what does not say whom it is about.
   *
   * Errors, thrown by the iteration: those of `fhir.search`; `missing_context` where the launch has no patient;
   * `invalid_request` for a type outside the compartment, and for a parameter that names another patient.
   *
   * @example
   * const vitals = await fhir.patient.search('Observation', { category: 'vital-signs' }).toArray({ limit: 100 });
   */
  search<
    T extends PatientCompartmentType & ResourceTypeName<V>,
    const P extends SearchQuery = Record<never, never>,
  >(
    resourceType: T,
    parameters?: P,
    options?: FhirRequestOptions & SearchOptions,
  ): SearchResultOf<T, P, V>;
}

/**
 * One launch, ready to use: who, about whom, and a FHIR client that sends this launch's access token to this
 * launch's FHIR server and nowhere else. Calls answer the value or a {@link SmartError}.
 *
 * @example
 * const patient = unwrap(await fhir.patient.request());
 * const glucose = await fhir.patient.search('Observation', { code: '2339-0' }).toArray();
 */
export class ReadyClient<V extends FhirVersion = 'R4'> extends FhirCalls<V> {
  /** Launch context: patient, encounter, fhirContext, intent, banner, style, tenant, extensions. */
  readonly context: LaunchContext;
  /** `name` of the known server */
  readonly issuerName: string;
  /** what the app gave to `launch()` or `authorize()` as `appData`; null when it gave nothing */
  readonly appData: JsonValue;
  readonly patient: PatientContext<V>;
  readonly encounter: ContextResource<ResourceOf<'Encounter', V>>;
  /** Who launched, from the verified id_token (`fhirUser`). */
  readonly user: ContextResource<ResourceOf<FhirUserType, V>>;
  /** The user, where it is a Practitioner. */
  readonly practitioner: ContextResource<ResourceOf<'Practitioner', V>>;

  // Private to the runtime, so that neither a logger nor JSON.stringify finds a token in here.
  readonly #handle: LaunchHandle;
  readonly #http: HttpClient;
  readonly #maxBytes: number;
  #record: LaunchRecord;
  // made when somebody asks: a client is made for every request
  #scopes: SmartScopes | undefined;
  #appState: AppState | undefined;

  /** @internal made by `SmartClient.ready()` */
  constructor(handle: LaunchHandle, http: HttpClient, maxBytes: number) {
    const { record, reads, capabilities } = handle;
    const exchange = exchangeThrough(record.iss, (call) => this.#send(call, record.iss), reads);
    super(record.iss, exchange, capabilities);
    this.#handle = handle;
    this.#http = http;
    this.#maxBytes = maxBytes;
    this.#record = record;
    this.context = record.context;
    this.issuerName = handle.issuerName;
    this.appData = record.appData ?? null;
    const { patient, encounter } = record.context;
    const user = record.identity?.fhirUser ?? null;
    // A user of another server has an id there, which may be somebody else's here.
    const practitioner = user !== null && /^Practitioner\//.test(user) ? user : null;
    this.patient = {
      ...this.#contextResource('patient', patient === null ? null : `Patient/${patient}`),
      search: (type, parameters, options) =>
        this.searchWithin(this.#patientCompartment(patient), type, parameters, options),
    };
    this.encounter = this.#contextResource('encounter', encounter === null ? null : `Encounter/${encounter}`);
    this.user = this.#contextResource('user', user);
    this.practitioner = this.#contextResource('practitioner', practitioner);
  }

  /** Scopes the EHR granted, which may be fewer or more than were asked for. */
  get scopes(): SmartScopes {
    return (this.#scopes ??= new SmartScopes(this.#handle.record.scope));
  }

  /** What the app itself keeps at the EHR (SMART 2.2 "App State"), where the EHR offers that. */
  get appState(): AppState {
    return (this.#appState ??= this.#newAppState());
  }

  /**
   * How the EHR wants its apps to look (`smart_style_url`, SMART 2.2 "Styling"); null when it does not say.
   * Only members that are safe to put into a style sheet. Fetched on the first call, without the token.
   */
  async smartStyle(): Promise<SmartStyle | null | SmartError> {
    return this.#handle.style();
  }

  /** Whether this launch still stands: its session is there and its access token is not expired. */
  async validate(): Promise<boolean> {
    return this.#handle.isAlive();
  }

  /**
   * A claim of the verified id_token, undefined when there is none. With a (synchronous) schema it is
   * validated and typed by it; a mismatch is `schema_mismatch`.
   */
  getClaim(name: string): unknown;
  getClaim<Output>(name: string, schema: StandardSchema<Output>): Output | SmartError;
  getClaim(name: string, schema?: StandardSchema): unknown {
    const claims = this.#record.identity?.claims ?? {};
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
    return schema ? validatedNow(schema, value, `The claim ${name}`) : value;
  }

  /**
   * `Bearer …`, for a request to this FHIR server that this client cannot send. It is the one way a token comes out:
   * keep it from logs, answers and other servers. It is not refreshed; ask for it again for each request.
   *
   * A token that is bound to a key (DPoP) is no good without a proof for each request, and is `invalid_request`; so is
   * none, of an open server.
   */
  getAuthorizationHeader(): string | SmartError {
    const { accessToken, dpopKey } = this.#record;
    if (accessToken === '')
      return new SmartError('invalid_request', 'The server is open: there is no access token');
    if (!dpopKey) return `Bearer ${accessToken}`;
    return new SmartError(
      'invalid_request',
      'The access token is bound to a key (DPoP), so no header shows it twice; send the request with this client',
    );
  }

  /** The launch as it may be looked at while debugging: a copy, without tokens, ids or claims. */
  getState(): LaunchState {
    return launchState(this.#record, this.issuerName);
  }

  /**
   * What this launch did by the book and what not: discovery, token response, scopes, id_token, context; each with
   * the row of the checklist (docs/conformance.md). With `read` also one read of every resource type that a
   * patient-level scope grants.
   *
   * @example
   * const odd = (await fhir.validationReport({ read: true })).filter(({ level }) => level !== 'ok');
   */
  async validationReport(
    options: { read?: boolean | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<ValidationFinding[]> {
    const found = recordFindings(this.#record);
    if (!options.read) return found;
    const { signal } = options;
    return [...found, ...(await readFindings((path) => this.request(path, { signal }), this.#record))];
  }

  /** What a log or a JSON answer shows of it: no patient, no token; of constrained scopes not the constraint. */
  toJSON(): { fhirServer: string; scopes: string } {
    return { fhirServer: this.issuerName, scopes: unconstrained(this.scopes).join(' ') };
  }

  [inspect.custom](): string {
    return `ReadyClient ${JSON.stringify(this)}`;
  }

  #newAppState(): AppState {
    const { iss, server, context } = this.#handle.record;
    const endpoint = server.appStateEndpoint;
    const base = endpoint ?? iss;
    return new AppState(
      { fhirBaseUrl: iss, endpoint, patient: context.patient },
      exchangeThrough(base, (call) => this.#send(call, base)),
    );
  }

  #patientCompartment(patient: string | null): PatientCompartment | SmartError {
    if (patient === null) return missingContext('patient');
    return new PatientCompartment(this.fhirBaseUrl, patient, (type, count) =>
      this.#handle.foreignResults?.(type, count),
    );
  }

  #contextResource<Resource>(name: string, reference: string | null): ContextResource<Resource> {
    const split = reference === null ? null : splitFhirUser(reference);
    return {
      id: reference === null || reference.includes('://') ? null : (split?.id ?? null),
      reference,
      type: split?.type ?? null,
      request: async (options) => {
        if (reference !== null && split) return this.readAs(reference, split, options);
        return missingContext(name);
      },
    };
  }

  /** Sends; on a 401 refreshes once and sends once more (SMART 2.2 "Access FHIR API", for every method). */
  async #send(call: PreparedCall, base: string): Promise<FhirHttpAnswer | SmartError> {
    const { isKnownServer: trusted, mediaType } = this.#handle;
    const send = () => {
      const { accessToken, dpopKey } = this.#record;
      const showToken = dpopKey && showWithProof(dpopKey, accessToken);
      const request = { trusted, mediaType, showToken, ...call };
      return fhirExchange(this.#http, base, accessToken, request, this.#maxBytes);
    };
    const used = this.#record;
    const first = await send();
    // What another endpoint thinks of the token is no reason to end the session, nor what comes of a guess.
    if (!isUnauthorized(first) || base !== this.fhirBaseUrl || call.isGuess) return first;
    const renewed = await this.#handle.renew(used);
    if (renewed instanceof SmartError) return renewed;
    this.#record = renewed;
    const second = await send();
    if (!isUnauthorized(second)) return second;
    await this.#handle.end();
    return new SmartError('session_expired', 'The EHR refuses this session’s tokens; launch the app again', {
      cause: second,
    });
  }
}

function missingContext(name: string): SmartError {
  return new SmartError('missing_context', `The launch has no ${name}`, { missing: [name] });
}
