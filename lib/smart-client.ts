import { authorizationCode, readCallback } from './callback-parameters.js';
import type { CallbackParameters } from './callback-parameters.js';
import type { SmartClientConfiguration } from './ehr/known-fhir-server.js';
import type { SmartConfiguration } from './ehr/smart-configuration.js';
import type { FhirVersion } from './fhir/fhir-types.js';
import { addLaunch } from './add-launch.js';
import { appDataMistake } from './app-data.js';
import { completeLaunch } from './complete-launch.js';
import { ehrLogout } from './ehr-logout.js';
import { endSession, revokeTokens } from './end-session.js';
import { freshLaunch } from './fresh-launch.js';
import type { JsonValue } from './http/json.js';
import { initialParameters } from './initial-parameters.js';
import type { AuthorizeOverrides, LaunchOverrides, OpenLaunchParameters } from './launch-parameters.js';
import { openLaunch } from './open-launch.js';
import { activeLaunch } from './active-launch.js';
import type { SmartSession } from './active-launch.js';
import type { BrandBundle } from './brands/brand-bundle.js';
import { ReadyClient } from './ready-client.js';
import { returnUrl } from './return-path.js';
import { randomId } from './session/keys.js';
import { withLaunch } from './session/launch-history.js';
import type { LaunchRecord } from './session/launch-record.js';
import type { PendingLaunch } from './session/pending-launches.js';
import type { SmartStorageOption } from './session/smart-storage.js';
import type { SmartClientOptions } from './smart-client-options.js';
import { serverBrands } from './server-brands.js';
import type { ServerBrands } from './server-brands.js';
import { SmartError } from './smart-error.js';
import { runtimeFor } from './smart-runtime.js';
import type { SmartRuntime } from './smart-runtime.js';
import { startLaunch } from './start-launch.js';
import type { Redirect } from './start-launch.js';
import type { Introspection } from './token/introspection.js';

/** `ready()` without a session: an error that can be asked `validate()` like a ReadyClient. */
export type NotReady = SmartError & { validate(): Promise<false> };

/**
 * A SMART App Launch from the EHR's click to FHIR data: `launch()` → `callback()` → `ready()`. Framework
 * free: it needs a session id and a store. In a Nest app it is injected per request.
 *
 * @example
 * const smart = new SmartClient(sessionId, storage, configuration);
 * const { redirect_url } = unwrap(await smart.launch({ iss, launch }));
 */
export class SmartClient {
  readonly #session: SmartSession;
  readonly #runtime: SmartRuntime;

  /**
   * @param session the browser's session id; in multi-launch mode with the patient the caller works on
   * @param storage a SmartStorage or a Keyv; keep one object for the life of the process
   * @param configuration keep one object for the life of the process: discovery and connections hang on it
   * @throws SmartError `invalid_configuration` that lists every mistake
   */
  constructor(
    session: string | SmartSession,
    storage: SmartStorageOption | undefined,
    configuration: SmartClientConfiguration,
    options?: SmartClientOptions | null,
  ) {
    const given = typeof session === 'string' ? { sessionId: session, activePatient: null } : session;
    // An empty id would be one session for everybody.
    this.#session = given.sessionId === '' ? { ...given, sessionId: null } : given;
    this.#runtime = runtimeFor(configuration, storage, options);
  }

  /**
   * EHR launch (SMART 2.2 "Launch App: EHR Launch"): the EHR opened the app with `iss` and `launch`.
   *
   * Errors: `invalid_launch_request`, `unknown_issuer`, `too_many_launches`, `discovery_failed`,
   * `discovery_timeout`, `store_unavailable`; where the request is pushed to the EHR `authorization_failed`,
   * `ehr_unavailable`, `ehr_timeout`; where `registrations` answered a faulty server `invalid_configuration`.
   */
  async launch(
    parameters: { iss: string; launch: string } & LaunchOverrides,
  ): Promise<Redirect | SmartError> {
    const { iss, launch } = parameters;
    if (typeof iss !== 'string' || iss === '' || typeof launch !== 'string' || launch === '') {
      return new SmartError(
        'invalid_launch_request',
        'An EHR launch needs iss and launch, each exactly once',
      );
    }
    return this.#start(iss, parameters);
  }

  /**
   * Standalone launch (SMART 2.2 "Launch App: Standalone Launch"), only at an EHR of `knownFhirServers` or
   * `registrations`. With `fhirServiceUrl` instead of `iss`: an open server (`type: 'open'`), which has no login; the
   * session starts at once, about `patientId`.
   *
   * Errors as `launch`.
   *
   * @example
   * await smart.authorize({ iss, returnTo: '/growth', appData: { tab: 'weight' } });
   * await smart.authorize({ fhirServiceUrl: 'https://hapi.example.org/fhir', patientId: '123' });
   */
  async authorize(
    parameters: ({ iss: string } & AuthorizeOverrides) | OpenLaunchParameters,
  ): Promise<Redirect | SmartError> {
    if (isOpenLaunch(parameters)) return this.#startOpen(parameters);
    const { iss } = parameters;
    if (typeof iss !== 'string' || iss === '') {
      return new SmartError(
        'invalid_launch_request',
        'A standalone launch needs iss, the FHIR base of the EHR',
      );
    }
    return this.#start(iss, { ...parameters, launch: undefined });
  }

  /**
   * One route for all (fhirclient's `init`): the query of a request is an authorization response, an EHR launch, or
   * with `iss` alone a standalone launch. Errors as `callback`, `launch` and `authorize`.
   */
  async init(parameters: CallbackParameters): Promise<Redirect | SmartError> {
    const given = initialParameters(parameters);
    if (given === 'callback') return this.callback(parameters);
    return 'launch' in given ? this.launch(given) : this.authorize(given);
  }

  /**
   * Completes a launch with the authorization response: exchanges the code, verifies the id_token, stores
   * the session. In multi-launch mode `redirect_url` carries `patient`, and `iss` where several EHRs may launch the app;
   * the page names both in its requests. `appData` is what the launch was given.
   *
   * Errors: `invalid_state`, `invalid_callback`, `issuer_mismatch`, `access_denied`, `authorization_failed`,
   * `token_request_failed`, `invalid_token_response`, `invalid_id_token`, `missing_patient_context`, `patient_changed`,
   * `ehr_unavailable`, `ehr_timeout`, `store_unavailable`.
   */
  async callback(
    parameters: CallbackParameters,
  ): Promise<(Redirect & { intent: string | null; appData?: JsonValue }) | SmartError> {
    const arrivedAt = Date.now();
    return this.#answering('login', async (launch) => {
      const response = readCallback(parameters);
      if (response instanceof SmartError) return response;
      const pending = await this.#takePending(response.state);
      if (pending instanceof SmartError) return pending;
      const registration = await this.#runtime.registrations.ofLaunch(pending);
      if (registration instanceof SmartError) return registration;
      launch.server = registration.name;
      const code = authorizationCode(response, pending.server, {
        callbackUrl: pending.callbackUrl,
        arrivedAt: this.#session.callbackPath,
      });
      if (code instanceof SmartError) return code;
      const record = await completeLaunch(this.#runtime, code, pending, registration);
      if (record instanceof SmartError) {
        // The endpoint moved, or the registration did: the next launch looks again.
        if (isStale(record)) this.#runtime.discovery.forget(pending.iss);
        return record;
      }
      const refused = await this.#store(record, arrivedAt);
      if (refused) return refused;
      this.#runtime.options.onEvent({ type: 'login', server: registration.name });
      const page = pending.returnUrl ?? registration.redirectUrl;
      const { appData, context } = record;
      return {
        redirect_url: this.#redirectUrl(page, record),
        intent: context.intent,
        ...(appData !== undefined && { appData }),
      };
    });
  }

  /**
   * The launch of this session (in multi-launch mode: of the active patient), its token refreshed when it is
   * about to expire.
   *
   * Errors: `no_session`, `session_expired`, `patient_changed`, `unknown_issuer`, `no_active_patient`,
   * `unknown_patient`, `ambiguous_patient`, `ehr_unavailable`, `ehr_timeout`, `store_unavailable`.
   */
  async ready<V extends FhirVersion = 'R4'>(): Promise<ReadyClient<V> | NotReady> {
    const ready = await this.#answering(null, () => this.#ready<V>({}));
    return ready instanceof SmartError ? notReady(ready) : ready;
  }

  /**
   * Refreshes the access token now, with fewer scopes where `scope` names them (RFC 6749 6). Errors as
   * `ready`, `insufficient_scope` for a scope that was not granted, and what the EHR answered.
   */
  async refresh<V extends FhirVersion = 'R4'>(
    parameters: { scope?: string | undefined } = {},
  ): Promise<ReadyClient<V> | SmartError> {
    return this.#answering(null, () => this.#ready<V>({ now: true, scope: parameters.scope }));
  }

  /**
   * Ends the session here, then revokes its tokens at the EHR (RFC 7009). The user is logged out even when
   * the EHR does not answer.
   *
   * @throws SmartError `store_unavailable`: the session could not be ended, which must not look like success
   */
  async logout(): Promise<void> {
    await this.endSession();
  }

  /**
   * As `logout`, and answers where the browser goes to end the EHR's own session, too: null unless the session's EHR
   * has the switch `endSession`, or where launches of several EHRs ended. Submit `form` where there is one: it carries
   * the id_token, which belongs into no URL.
   *
   * @throws SmartError `store_unavailable`, as `logout`
   */
  async endSession(): Promise<Redirect | null> {
    const { sessionId } = this.#session;
    if (sessionId === null) return null;
    const { ended, failure } = await endSession(this.#runtime, sessionId, this.#browserId());
    if (!failure) this.#session.sessionEnded?.();
    await Promise.all(ended.map((record) => revokeTokens(this.#runtime, record)));
    if (failure) throw failure;
    return ehrLogout(this.#runtime, ended);
  }

  /**
   * The SMART configuration of a registered EHR, as it is used: discovered or remembered, with the known
   * server's `endpoints` in place. Errors as `launch`.
   */
  async discover(parameters: { iss: string }): Promise<SmartConfiguration | SmartError> {
    const { registrations, discovery } = this.#runtime;
    return this.#answering(null, async () => {
      const registration = await registrations.find(parameters.iss);
      return registration instanceof SmartError ? registration : discovery.discover(registration);
    });
  }

  /**
   * How users know a registered EHR: the User-access Brands that its SMART configuration links, or where it links
   * none those of `vendorBundle` that have this FHIR server (SMART 2.2 "User-access Brands"). An endpoint of a brand
   * is no permission: it becomes no known FHIR server.
   *
   * Each call asks the EHR whether its bundle changed. Errors as `discover`; `invalid_fhir_response` for a bundle
   * that is none, is too large, or does not have exactly one brand of the EHR's own; `ehr_unavailable`,
   * `ehr_timeout`; `invalid_request` where nobody says anything of brands.
   */
  async brands(parameters: {
    iss: string;
    vendorBundle?: BrandBundle | undefined;
  }): Promise<ServerBrands | SmartError> {
    return this.#answering(null, () => serverBrands(this.#runtime, parameters));
  }

  /**
   * What the EHR says of this session's access token (RFC 7662). `active: false` says that the EHR no longer takes
   * it; an endpoint that fails is an error instead. That a token is good is remembered for a minute at most, so the
   * EHR's end of it may show that much later. Errors as `ready`, and `invalid_request` where the EHR has no
   * introspection endpoint.
   */
  async introspect(): Promise<Introspection | SmartError> {
    return this.#answering(null, async () => {
      const active = await activeLaunch(this.#runtime, this.#session);
      if (active instanceof SmartError) return active;
      const { server, accessToken } = active.record;
      const registration = await this.#runtime.registrations.ofLaunch(active.record);
      if (registration instanceof SmartError) return registration;
      return this.#runtime.introspections.of(accessToken, registration, server);
    });
  }

  async #start(
    iss: string,
    parameters: AuthorizeOverrides & { launch?: string },
  ): Promise<Redirect | SmartError> {
    return this.#answering('launch', async (launch) => {
      const { registrations, options, launchLimit } = this.#runtime;
      const registration = await registrations.find(iss, { knownOnly: parameters.launch === undefined });
      if (registration instanceof SmartError) return registration;
      launch.server = registration.name;
      const mistake = appDataMistake(parameters.appData);
      if (mistake) return mistake;
      // Only now: an issuer that is refused costs nothing, and must not use up the launches of the others.
      const tooMany = launchLimit.take();
      if (tooMany) return tooMany;
      const browserId = this.#browserId() ?? (this.#session.browserStarted ? randomId() : null);
      const redirect = await startLaunch(this.#runtime, registration, parameters, browserId);
      if (redirect instanceof SmartError) return redirect;
      this.#session.browserStarted?.(browserId!);
      options.onEvent({ type: 'launch', server: registration.name });
      return redirect;
    });
  }

  async #startOpen(parameters: OpenLaunchParameters): Promise<Redirect | SmartError> {
    return this.#answering('launch', async (launch) => {
      const { registrations, options } = this.#runtime;
      const iss = parameters.fhirServiceUrl ?? parameters.iss ?? '';
      const registration = await registrations.find(iss, { knownOnly: true });
      if (registration instanceof SmartError) return registration;
      launch.server = registration.name;
      const record = openLaunch(options, registration, parameters);
      if (record instanceof SmartError) return record;
      const refused = await this.#store(record, Date.now());
      if (refused) return refused;
      for (const type of ['launch', 'login'] as const) options.onEvent({ type, server: registration.name });
      const page = returnUrl(parameters.returnTo ?? '', registration.redirectUrl) ?? registration.redirectUrl;
      return { redirect_url: this.#redirectUrl(page, record) };
    });
  }

  async #takePending(state: string): Promise<PendingLaunch | SmartError> {
    const browserId = this.#browserId();
    const pending = browserId ? await this.#runtime.pending.take(state, browserId) : undefined;
    if (pending) return pending;
    return new SmartError(
      'invalid_state',
      browserId
        ? 'This launch is unknown, was completed already, took longer than ten minutes, or another launch began in this browser at the same moment; launch the app again'
        : 'The browser did not send the cookie that the launch set; it may block cookies in frames, or the app was opened under another host than callbackUrl names',
    );
  }

  /** Under a new session id: whoever knew the old one, or planted it, gains nothing (ASVS 3.2.1). */
  async #store(record: LaunchRecord, arrivedAt: number): Promise<SmartError | undefined> {
    const before = this.#session.sessionId;
    const sessionId = this.#session.sessionStarted ? randomId() : before;
    if (sessionId === null) throw new SmartError('no_session', 'A session needs an id');
    if (this.#runtime.options.enableMultiLaunch) {
      const browser = { before, sessionId, browserId: this.#browserId(), arrivedAt };
      const refused = await addLaunch(this.#runtime, { id: randomId(), record }, browser);
      if (refused) return refused;
    } else {
      await this.#replace(record, before, sessionId);
    }
    // Last: a browser that was told of a session which could not be stored would have lost its old one.
    this.#session.sessionStarted?.(sessionId);
    return undefined;
  }

  async #replace(record: LaunchRecord, before: string | null, sessionId: string): Promise<void> {
    const { launches, severalIssuers } = this.#runtime;
    const last = severalIssuers && before !== null ? await launches.read(before) : undefined;
    const named = ({ iss, context: { patient } }: LaunchRecord) => ({ iss, patient });
    const history = last && withLaunch(withLaunch(last.history, named(last)), named(record));
    const launch = history ? { ...record, history } : record;
    // Under the lock where the id stays: a refresh of the launch before would write its patient over this one.
    if (before === sessionId) return launches.exclusive(sessionId, () => launches.write(sessionId, launch));
    await launches.write(sessionId, launch);
    if (before !== null) {
      await launches.exclusive(before, () => launches.remove(before));
    }
  }

  async #ready<V extends FhirVersion>(wanted: {
    now?: boolean;
    scope?: string;
  }): Promise<ReadyClient<V> | SmartError> {
    const { launches, options, http, refresh, styles } = this.#runtime;
    const active = await activeLaunch(this.#runtime, this.#session);
    if (active instanceof SmartError) return active;
    const { id, record } = active;
    const registration = await this.#runtime.registrations.ofLaunch(record);
    if (registration instanceof SmartError) return registration;
    const current = wanted.now
      ? await refresh.refresh(id, record, registration, wanted.scope)
      : await freshLaunch(this.#runtime, id, record, registration);
    if (current instanceof SmartError) return current;
    return new ReadyClient<V>(
      {
        record: current,
        issuerName: registration.name,
        isKnownServer: registration.isKnown,
        mediaType: registration.switches.fhirMediaType,
        reads: this.#runtime.reads.ofLaunch(id, current),
        capabilities: this.#runtime.capabilities,
        renew: async (rejected) => {
          if (options.autoRefresh && rejected.refreshToken) {
            return refresh.refresh(id, rejected, registration);
          }
          await launches.removeSame(id, rejected);
          return new SmartError(
            'session_expired',
            'The EHR no longer takes the access token; launch the app again',
          );
        },
        style: async () => {
          const { smartStyleUrl } = current.context;
          return smartStyleUrl === null ? null : styles.get(smartStyleUrl, registration.isKnown);
        },
        isAlive: async () => {
          const stored = await launches.read(id);
          return (
            stored?.launchId === current.launchId && stored.expiresAt > Date.now() && !launches.isOver(stored)
          );
        },
        end: () => launches.removeSame(id, current),
        foreignResults: (resourceType, count) => {
          const { name } = registration;
          options.logger.warn(
            `${name} answered a search about one patient with ${count} resources of others or of nobody (${resourceType} search); they were left out`,
          );
          options.onEvent({ type: 'foreign_results', server: name, resourceType, count });
        },
      },
      http,
      options.maxFhirResponseBytes,
    );
  }

  #browserId(): string | null {
    return this.#session.browserId === undefined ? this.#session.sessionId : this.#session.browserId;
  }

  /** What the tab must name from now on: its patient, and where ids of several EHRs may meet the EHR. */
  #redirectUrl(page: string, { iss, context }: LaunchRecord): string {
    const { options, severalIssuers } = this.#runtime;
    if (!options.enableMultiLaunch || (context.patient === null && !severalIssuers)) return page;
    const url = new URL(page);
    if (context.patient !== null) url.searchParams.set('patient', context.patient);
    if (severalIssuers) url.searchParams.set('iss', iss);
    return url.href;
  }

  /** Every call answers: a store that is down becomes the error it is. `work` says which server it is about. */
  async #answering<T>(
    during: 'launch' | 'login' | null,
    work: (launch: { server?: string }) => Promise<T | SmartError>,
  ): Promise<T | SmartError> {
    const launch: { server?: string } = {};
    const result = await work(launch).catch((error: unknown) => {
      if (error instanceof SmartError) return error;
      throw error;
    });
    if (during && result instanceof SmartError) {
      this.#runtime.options.onEvent({ type: 'failure', during, code: result.error, ...launch });
    }
    return result;
  }
}

function isOpenLaunch(
  parameters: AuthorizeOverrides | OpenLaunchParameters,
): parameters is OpenLaunchParameters {
  const { fhirServiceUrl, fakeTokenResponse } = parameters as Partial<OpenLaunchParameters>;
  return fhirServiceUrl !== undefined || fakeTokenResponse !== undefined;
}

function isStale({ oauthError, cause }: SmartError): boolean {
  return oauthError === 'invalid_client' || (cause as { code?: unknown } | undefined)?.code === 'HTTP_404';
}

const isNot = () => Promise.resolve(false);

/** Who waited for the same refresh gets the same error, so it may have it already. */
function notReady(error: SmartError): NotReady {
  return Object.defineProperty(error, 'validate', {
    value: isNot,
    enumerable: false,
    configurable: true,
  }) as NotReady;
}
