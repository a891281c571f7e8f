import type { Basic, Bundle } from 'fhir/r4.js';
import {
  codeMistake,
  handleMistake,
  newAppState,
  storedAppState,
  subjectOf,
  subjectReference,
  updateMistake,
} from './app-state-resource.js';
import type { AppStateCode, AppStateLaunch, NewAppState, StoredAppState } from './app-state-resource.js';
import type { FhirExchange } from './fhir/exchange.js';
import { isUnauthorized } from './fhir/fhir-http.js';
import type { FhirHttpAnswer } from './fhir/fhir-http.js';
import type { FhirMethod } from './fhir/request-options.js';
import { SearchResult } from './fhir/search-result.js';
import { validated } from './fhir/standard-schema.js';
import type { StandardSchema } from './fhir/standard-schema.js';
import { parseJsonObject } from './http/json.js';
import { SmartError } from './smart-error.js';

/** Which state to look for. */
export type AppStateQuery = Pick<NewAppState, 'code' | 'subject'>;

export interface AppStateOptions {
  /** aborts the request */
  signal?: AbortSignal | undefined;
  /** bytes of one state as JSON, where the EHR documents more than SMART's 256 kB (262,144) */
  maxBytes?: number | undefined;
}

const MAX_BYTES = 256 * 1024;
/** an EHR may keep one state of a code and subject; hundreds are a mistake */
const MAX_STATES = 1_000;

/**
 * What an app keeps at the EHR for itself, such as preferences or the key of data of its own (SMART 2.2 "App State",
 * `smart-app-state`). Not for clinical data, which has resources of its own. The state is of the launch's patient
 * unless `subject` says otherwise; of another patient than the launch's it is refused.
 *
 * Errors of every call, beside those of FHIR calls: `invalid_request` where the EHR offers no app state, or what is
 * given breaks a rule of SMART (nothing is sent then); `unknown_patient`; `missing_context` where the launch has no
 * patient, or no user, that the state is to be of; `invalid_fhir_response` where the EHR answers with another's state.
 *
 * @example
 * const code = { system: 'https://app.example.com', code: 'preferences' };
 * const [state] = unwrap(await fhir.appState.query({ code, subject: fhir.user.reference }));
 */
export class AppState {
  readonly #launch: AppStateLaunch & { endpoint: string | undefined };
  readonly #exchange: FhirExchange;
  readonly #deleted = new Set<string>();

  /** @internal */
  constructor(launch: AppStateLaunch & { endpoint: string | undefined }, exchange: FhirExchange) {
    this.#launch = launch;
    this.#exchange = exchange;
  }

  /** Whether the EHR offers app state to this launch. */
  get isOffered(): boolean {
    return this.#launch.endpoint !== undefined;
  }

  /** The state of a code and subject: none, one, or as many as the EHR keeps. */
  async query(query: AppStateQuery, options: AppStateOptions = {}): Promise<StoredAppState[] | SmartError> {
    const mistake = codeMistake(query?.code);
    if (mistake) return mistake;
    const { code } = query;
    const subject = subjectReference(query.subject, this.#launch);
    if (subject instanceof SmartError) return subject;
    const whose = subject === null ? 'subject:missing=true' : `subject=${encodeURIComponent(subject)}`;
    const filter = `code=${encodeURIComponent(`${code.system}|${code.code}`)}&${whose}`;
    const found = await this.#search(filter, options);
    if (found instanceof SmartError) return found;
    const states: StoredAppState[] = [];
    for (const resource of found) {
      const state = storedAppState(resource, { code, subject }, this.#launch.fhirBaseUrl);
      if (state instanceof SmartError) return state;
      states.push(state);
    }
    return states;
  }

  /** Keeps new state; answers it with the id and version that the EHR gave it. */
  async create(state: NewAppState, options: AppStateOptions = {}): Promise<StoredAppState | SmartError> {
    const resource = newAppState(state, this.#launch);
    if (resource instanceof SmartError) return resource;
    return this.#write('POST', 'Basic', resource, {}, options);
  }

  /**
   * Replaces state by a changed copy of what was read: `update({ ...state, extension })`. Code and subject stay.
   *
   * Error: `conflict` where the EHR has another version by now; query it again.
   */
  async update(state: StoredAppState, options: AppStateOptions = {}): Promise<StoredAppState | SmartError> {
    const mistake = updateMistake(state, this.#launch) ?? this.#deletedMistake(state);
    if (mistake) return mistake;
    return this.#write('PUT', `Basic/${state.id}`, state, ifMatch(state), options);
  }

  /** Deletes state for good; later writes to it are refused. Error: `conflict`, as of `update`. */
  async delete(
    state: StoredAppState,
    options: AppStateOptions = {},
  ): Promise<{ deleted: true } | SmartError> {
    const mistake = handleMistake(state, this.#launch) ?? this.#deletedMistake(state);
    if (mistake) return mistake;
    const answer = await this.#send('DELETE', `Basic/${state.id}`, undefined, ifMatch(state), options);
    if (answer instanceof SmartError) return answer;
    this.#deleted.add(state.id);
    return { deleted: true };
  }

  /**
   * The JSON object in the extension with that URL, validated and typed by a schema: whoever may write the state may
   * have written anything (SMART 2.2 "App State", security). Undefined where there is no such extension; text that is
   * no JSON object, or does not fit, is `schema_mismatch`.
   */
  async json<Output>(
    state: StoredAppState,
    url: string,
    schema: StandardSchema<Output>,
  ): Promise<Output | undefined | SmartError> {
    const text = state.extension?.find((extension) => extension.url === url)?.valueString;
    if (text === undefined) return undefined;
    const value = parseJsonObject(text);
    if (value === undefined) return new SmartError('schema_mismatch', 'The app state is not a JSON object');
    return validated(schema, value, 'The app state');
  }

  async #search(query: string, options: AppStateOptions): Promise<Basic[] | SmartError> {
    const { signal } = options;
    const search = new SearchResult<Basic, Bundle<Basic>>({
      resourceType: 'Basic',
      query,
      // nothing is guessed: states are few
      options: { signal, method: 'GET', pagesAhead: 1 },
      send: async ({ method, target }, abort) => {
        const answer = await this.#send(method, target, undefined, {}, { ...options, signal: abort });
        return answer instanceof SmartError ? answer : answer.body;
      },
    });
    try {
      const found = await search.toArray({ limit: MAX_STATES + 1 });
      if (found.length <= MAX_STATES) return found;
      return new SmartError('invalid_fhir_response', `The EHR answered with more than ${MAX_STATES} states`);
    } catch (error) {
      if (error instanceof SmartError) return error;
      throw error;
    }
  }

  async #write(
    method: 'POST' | 'PUT',
    path: string,
    resource: Basic,
    headers: Record<string, string>,
    options: AppStateOptions,
  ): Promise<StoredAppState | SmartError> {
    const { maxBytes = MAX_BYTES } = options;
    if (Buffer.byteLength(JSON.stringify(resource)) > maxBytes) {
      return new SmartError('invalid_request', `The app state is larger than ${maxBytes} bytes`);
    }
    const prefer = { prefer: 'return=representation' };
    const answer = await this.#send(method, path, resource, { ...headers, ...prefer }, options);
    if (answer instanceof SmartError) return answer;
    const code = resource.code.coding![0] as AppStateCode;
    const { fhirBaseUrl } = this.#launch;
    const subject = subjectOf(resource, this.#launch);
    if (subject instanceof SmartError) return subject;
    const wanted = { code, subject, id: resource.id };
    return storedAppState(answer.body ?? withoutBody(resource, answer), wanted, fhirBaseUrl, answer);
  }

  async #send(
    method: FhirMethod,
    target: string,
    body: unknown,
    headers: Record<string, string>,
    { signal }: AppStateOptions,
  ): Promise<FhirHttpAnswer | SmartError> {
    if (!this.isOffered) {
      return new SmartError(
        'invalid_request',
        'The EHR offers no app state: smart-app-state is neither among the capabilities of its SMART configuration nor at one associated endpoint',
      );
    }
    const answer = await this.#exchange(method, target, body, { headers, signal });
    if (isUnauthorized(answer)) {
      // Not a 401: where it is thrown in the answer to a user's request, it would look like the user's logout.
      return new SmartError('fhir_request_failed', 'The EHR’s app state endpoint refuses the access token', {
        operationOutcome: answer.operationOutcome,
        cause: answer,
      });
    }
    const isConflict = answer instanceof SmartError && [409, 412].includes(answer.status);
    if (!isConflict || answer.error !== 'fhir_request_failed' || headers['if-match'] === undefined)
      return answer;
    return new SmartError(
      'conflict',
      'The app state was changed or deleted since it was read; query it again',
      {
        operationOutcome: answer.operationOutcome,
        cause: answer,
      },
    );
  }

  #deletedMistake({ id }: StoredAppState): SmartError | undefined {
    if (!this.#deleted.has(id)) return undefined;
    return new SmartError('invalid_request', 'The app state was deleted; create() keeps new state');
  }
}

function ifMatch({ meta }: StoredAppState): Record<string, string> {
  return { 'if-match': `W/"${meta.versionId}"` };
}

/** What was stored, where the server does not repeat it: its headers say the id and the version. */
function withoutBody(resource: Basic, answer: FhirHttpAnswer): Basic {
  const [, id] = /(?:^|\/)Basic\/([^/]+)(?:\/_history\/[^/]+)?$/.exec(answer.header('location') ?? '') ?? [];
  return { ...resource, id: resource.id ?? id, meta: undefined };
}
