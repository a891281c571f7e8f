import { inspect } from 'node:util';
import type { JWK } from 'jose';
import { backendRegistration, checkBackend, resolveBackendOptions } from './backend-configuration.js';
import type {
  BackendFhirClientConfiguration,
  BackendFhirClientOptions,
  ResolvedBackendOptions,
} from './backend-configuration.js';
import { signingKeys } from './ehr/client-authentication.js';
import { Discovery } from './ehr/discovery.js';
import type { Registration } from './ehr/registrations.js';
import { endpointUrl } from './ehr/smart-configuration.js';
import { FhirCalls } from './fhir-calls.js';
import { CapabilityCache } from './fhir/capability-cache.js';
import { exchangeThrough } from './fhir/exchange.js';
import type { PreparedCall } from './fhir/exchange.js';
import { fhirExchange, isUnauthorized } from './fhir/fhir-http.js';
import type { FhirHttpAnswer } from './fhir/fhir-http.js';
import type { FhirVersion } from './fhir/fhir-types.js';
import { HttpClient } from './http/http-client.js';
import { splitScopes, unconstrained } from './scope/scope.js';
import { SmartError } from './smart-error.js';
import { configurationError } from './smart-runtime.js';
import { observeEhr } from './telemetry.js';
import { ClientCredentials } from './token/client-credentials.js';
import type { AuthorizationServer } from './token/token-endpoint.js';

/**
 * A FHIR client for jobs, with rights of its own and no user (SMART 2.2 "Backend Services"). Make one per FHIR
 * server and keep it: it remembers its access token and its connections. Any number of calls at once ask for one
 * token; a token that the FHIR server refuses is replaced once, and the request sent once more.
 *
 * What a user may see is not its business: answer a user's request with the ReadyClient of the user's launch.
 *
 * Calls answer the value or a SmartError: those of the FHIR call, and when there is no token `discovery_failed`,
 * `discovery_timeout`, `token_request_failed`, `invalid_token_response`, `ehr_unavailable`, `ehr_timeout`.
 *
 * @example
 * const fhir = new BackendFhirClient({ issuer, clientId, scope: 'system/Patient.rs', privateKey });
 * for await (const patient of fhir.search('Patient', { _lastUpdated: 'ge2026-01-01' })) …
 */
export class BackendFhirClient<V extends FhirVersion = 'R4'> extends FhirCalls<V> {
  /** `name` of the configuration, or the server's host */
  readonly name: string;

  // Private to the runtime, so that neither a logger nor JSON.stringify finds a token or a key in here.
  readonly #registration: Registration;
  readonly #options: ResolvedBackendOptions;
  readonly #http: HttpClient;
  readonly #discovery: Discovery;
  readonly #credentials: ClientCredentials;

  /** @throws SmartError `invalid_configuration`, listing every mistake */
  constructor(client: BackendFhirClientConfiguration, options?: BackendFhirClientOptions | null) {
    const mistakes = checkBackend(client, options);
    if (mistakes.length) throw configurationError(mistakes);
    const resolved = resolveBackendOptions(options);
    const exchange = exchangeThrough(client.issuer, (call) => this.#send(call));
    super(client.issuer, exchange, new CapabilityCache(resolved.discoveryTtlMs));
    this.#registration = backendRegistration(client);
    this.#options = resolved;
    const { httpTimeoutMs, maxResponseBytes, allowNonHttpsLaunch, discoveryTtlMs, refreshSkewMs } =
      this.#options;
    this.name = this.#registration.name;
    this.#http = new HttpClient(
      { timeoutMs: httpTimeoutMs, maxBytes: maxResponseBytes },
      { publicOnly: false, allowLoopback: allowNonHttpsLaunch },
      observeEhr,
    );
    this.#discovery = new Discovery(this.#http, { allowHttp: allowNonHttpsLaunch, discoveryTtlMs });
    this.#credentials = new ClientCredentials(
      this.#http,
      this.#registration,
      () => this.#server(),
      refreshSkewMs,
    );
  }

  /** The public keys, to register with the EHR or to serve at the JWKS URL that is registered there. */
  get jwks(): { keys: JWK[] } {
    const { authentication } = this.#registration;
    const keys = authentication.type === 'confidential-asymmetric' ? signingKeys(authentication) : [];
    return { keys: keys.flatMap(({ publicJwk }) => publicJwk ?? []) };
  }

  /** Lets running calls end and closes the connections; the Nest module does it with the app. */
  async close(): Promise<void> {
    await this.#http.close();
  }

  /** What a log or a JSON answer shows of it: no key, no token. */
  toJSON(): { fhirServer: string; scopes: string } {
    return { fhirServer: this.name, scopes: unconstrained(splitScopes(this.#registration.scope)).join(' ') };
  }

  [inspect.custom](): string {
    return `BackendFhirClient ${JSON.stringify(this)}`;
  }

  async #server(): Promise<AuthorizationServer | SmartError> {
    const { iss, switches } = this.#registration;
    const { issuer, token } = switches.endpoints ?? {};
    if (token === undefined) return this.#discovery.discover(this.#registration);
    const { allowNonHttpsLaunch } = this.#options;
    return { issuer, token_endpoint: endpointUrl('endpoints.token', token, iss, allowNonHttpsLaunch) };
  }

  /** Sends; on a 401 asks for another token and sends once more. */
  async #send(call: PreparedCall): Promise<FhirHttpAnswer | SmartError> {
    const request = { trusted: true, ...call };
    const send = async () => {
      const token = await this.#credentials.token();
      if (token instanceof SmartError) return token;
      const { maxFhirResponseBytes } = this.#options;
      const { accessToken } = token;
      const answer = await fhirExchange(
        this.#http,
        this.fhirBaseUrl,
        accessToken,
        request,
        maxFhirResponseBytes,
      );
      if (isUnauthorized(answer) && !call.isGuess) this.#credentials.drop(token);
      return answer;
    };
    const first = await send();
    // what comes of a guess says nothing about the token
    if (!isUnauthorized(first) || call.isGuess) return first;
    const second = await send();
    return isUnauthorized(second) ? refusedTwice(second) : second;
  }
}

/** Not a 401: where it is thrown in the answer to a user's request, it would look like the user's logout. */
function refusedTwice(refusal: SmartError): SmartError {
  const { operationOutcome } = refusal;
  return new SmartError('fhir_request_failed', `${refusal.message}, with a new token too`, {
    operationOutcome,
    cause: { name: 'HttpError', code: 'HTTP_401' },
  });
}
