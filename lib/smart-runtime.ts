import QuickLRU from 'quick-lru';
import { BrandBundleCache } from './brands/brand-bundle-cache.js';
import { HttpClient } from './http/http-client.js';
import { CapabilityCache } from './fhir/capability-cache.js';
import { checkConfiguration } from './ehr/check-configuration.js';
import { Discovery } from './ehr/discovery.js';
import type { SmartClientConfiguration } from './ehr/known-fhir-server.js';
import { serversWithoutPkce } from './ehr/pkce-mode.js';
import { Introspections } from './introspections.js';
import { LaunchReads } from './launch-reads.js';
import { mayHaveSeveralIssuers } from './ehr/several-issuers.js';
import { LaunchLimit } from './launch-limit.js';
import { malformedScopes } from './scope/scope.js';
import { RegistrationLookup } from './registration-lookup.js';
import { completeStorage } from './session/complete-storage.js';
import { LaunchStore } from './session/launch-store.js';
import { PendingLaunches } from './session/pending-launches.js';
import { SealedBox } from './session/sealed-box.js';
import { SessionIndex } from './session/session-index.js';
import type { CompleteStorage, SmartStorageOption } from './session/smart-storage.js';
import { resolveOptions } from './smart-client-options.js';
import type { ResolvedOptions, SmartClientOptions } from './smart-client-options.js';
import { SmartStyleCache } from './smart-style-cache.js';
import { SmartError } from './smart-error.js';
import { countEvent, observeEhr, observeStore } from './telemetry.js';
import { IdTokenVerifier } from './token/id-token.js';
import { JwksCache } from './token/jwks.js';
import { TokenRefresh } from './token-refresh.js';

const MAX_WARNINGS = 1_000;
const MIN_SECRET_LENGTH = 32;
/** calls to the store, one after the other, while a launch is added to its session */
const CALLS_UNDER_INDEX_LOCK = 10;

/** What every SmartClient of one configuration shares: connections, caches, stores and flights. */
export class SmartRuntime {
  readonly options: ResolvedOptions;
  readonly storage: CompleteStorage;
  readonly http: HttpClient;
  readonly registrations: RegistrationLookup;
  readonly discovery: Discovery;
  readonly idTokens: IdTokenVerifier;
  readonly launches: LaunchStore;
  readonly sessions: SessionIndex;
  readonly pending: PendingLaunches;
  readonly refresh: TokenRefresh;
  readonly launchLimit: LaunchLimit;
  readonly styles: SmartStyleCache;
  readonly brandBundles: BrandBundleCache;
  readonly introspections: Introspections;
  readonly capabilities: CapabilityCache;
  readonly reads: LaunchReads;
  /** a patient's id alone does not say whose patient it is */
  readonly severalIssuers: boolean;
  readonly #saidLately = new QuickLRU<string, true>({ maxSize: MAX_WARNINGS });

  constructor(
    readonly configuration: SmartClientConfiguration,
    storage: SmartStorageOption | undefined,
    options: SmartClientOptions | null | undefined,
  ) {
    this.options = resolveOptions(options);
    this.launchLimit = new LaunchLimit(this.options.maxLaunchesPerMinute);
    const mistakes = checkConfiguration(
      configuration,
      this.options.allowNonHttpsLaunch,
      this.options.pkceMode,
    );
    if (this.options.allowFakeTokenResponse && process.env.NODE_ENV === 'production') {
      mistakes.push(
        'options.allowFakeTokenResponse lets everybody in as anybody, and NODE_ENV is production: remove it',
      );
    }
    if (mistakes.length) throw configurationError(mistakes);
    this.options = counted(this.options, configuration);
    for (const { name, type } of configuration.knownFhirServers ?? []) {
      if (type === 'open') this.warnOnce(name, "type: 'open': sessions at this server start without a login");
    }
    for (const server of serversWithoutPkce(configuration, this.options.pkceMode)) {
      this.warnOnce(
        server,
        "PKCE is switched off (pkceMode: 'disabled'): a stolen authorization code can be used",
      );
    }
    for (const { name, scope } of [
      { name: 'client', ...configuration },
      ...(configuration.knownFhirServers ?? []),
    ]) {
      for (const malformed of malformedScopes(scope ?? '')) {
        this.warnOnce(
          name,
          `"${malformed}" is no scope of SMART: write patient/Type.rs, the letters in the order cruds`,
        );
      }
    }
    this.severalIssuers = mayHaveSeveralIssuers(configuration);
    const { httpTimeoutMs, maxResponseBytes, allowNonHttpsLaunch, discoveryTtlMs } = this.options;
    this.registrations = new RegistrationLookup(configuration, this.options, (server, warning) =>
      this.warnOnce(server, warning),
    );
    this.storage = completeStorage(storage, this.options.storeTimeoutMs, observeStore);
    this.http = new HttpClient(
      { timeoutMs: httpTimeoutMs, maxBytes: maxResponseBytes },
      { publicOnly: configuration.allowAnyIssuer === true, allowLoopback: allowNonHttpsLaunch },
      observeEhr,
    );
    this.discovery = new Discovery(this.http, { allowHttp: allowNonHttpsLaunch, discoveryTtlMs });
    this.idTokens = new IdTokenVerifier(
      this.http,
      new JwksCache(this.http, discoveryTtlMs),
      allowNonHttpsLaunch,
    );
    this.styles = new SmartStyleCache(this.http, { allowHttp: allowNonHttpsLaunch, discoveryTtlMs });
    this.brandBundles = new BrandBundleCache(this.http, this.options.maxBrandBundleBytes);
    this.introspections = new Introspections(this.http);
    this.capabilities = new CapabilityCache(discoveryTtlMs);
    const { secrets, logger } = this.options;
    const isWeak = secrets.length === 0 || secrets.some(({ length }) => length < MIN_SECRET_LENGTH);
    if (isWeak && !this.storage.guarantees.memoryOnly) {
      logger.warn(
        `session.secret is missing or shorter than ${MIN_SECRET_LENGTH} characters: only the session id keeps what is stored`,
      );
    }
    const box = new SealedBox(secrets, () =>
      this.warnOnce(
        'The session store',
        'an entry was sealed under another session.secret: do all instances have the same ones?',
      ),
    );
    // A refresh: two requests for a token, each listened to for twice that long, and two for the keys.
    this.launches = new LaunchStore(this.storage, box, this.options, 6 * httpTimeoutMs);
    this.sessions = new SessionIndex(
      this.storage,
      box,
      this.options,
      CALLS_UNDER_INDEX_LOCK * this.options.storeTimeoutMs,
    );
    this.pending = new PendingLaunches(this.storage, box);
    this.reads = new LaunchReads(this.options.cache, box, this.options.storeTimeoutMs);
    this.refresh = new TokenRefresh(this);
  }

  /** A warning about a server; again only after a thousand others. */
  warnOnce(server: string, warning: string): void {
    const line = `${server}: ${warning}`;
    if (this.#saidLately.has(line)) return;
    this.#saidLately.set(line, true);
    this.options.logger.warn(line);
  }

  /** Lets running calls end and closes the connections, a Keyv given as storage included. */
  async close(): Promise<void> {
    // The EHR may have answered with a new refresh token: it must find the store open.
    await this.launches.close();
    await this.http.close();
    await this.storage.close();
    await this.reads.close();
  }
}

/** The options, with every event counted before it is handed on. */
function counted(options: ResolvedOptions, configuration: SmartClientConfiguration): ResolvedOptions {
  const names = new Set(configuration.knownFhirServers?.map(({ name }) => name));
  const isNamed = (server = '') => configuration.allowAnyIssuer !== true || names.has(server);
  const { onEvent } = options;
  return {
    ...options,
    onEvent: (event) => {
      countEvent(event, isNamed(event.server) ? event.server : undefined);
      onEvent(event);
    },
  };
}

/** One error for all mistakes, each with its fix. */
export function configurationError(mistakes: string[]): SmartError {
  return new SmartError(
    'invalid_configuration',
    `The SMART on FHIR options have ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}:\n` +
      mistakes.map((mistake) => `  - ${mistake}`).join('\n'),
  );
}

interface KnownRuntime {
  storage: unknown;
  options: SmartClientOptions | null | undefined;
  optionsText: string;
  runtime: SmartRuntime;
}

const runtimes = new WeakMap<SmartClientConfiguration, KnownRuntime[]>();

/** The runtime of a configuration, made once: keep the configuration and the storage, and hand in the same. */
export function runtimeFor(
  configuration: SmartClientConfiguration,
  storage: SmartStorageOption | undefined,
  options: SmartClientOptions | null | undefined,
): SmartRuntime {
  const known = runtimes.get(configuration) ?? [];
  const same = known.find((entry) => entry.storage === storage && entry.options === options);
  if (same) return same.runtime;
  // options are often written in place, so they are compared by value too
  const cacheStore = storeOf(options);
  const optionsText = JSON.stringify({ ...options, logger: undefined }, (_name, value: unknown) =>
    value === cacheStore ? undefined : value,
  );
  const alike = known.find(
    (entry) =>
      entry.storage === storage && entry.optionsText === optionsText && storeOf(entry.options) === cacheStore,
  );
  if (alike) return alike.runtime;
  const runtime = new SmartRuntime(configuration, storage, options);
  if (typeof configuration === 'object' && configuration !== null) {
    runtimes.set(configuration, [...known, { storage, options, optionsText, runtime }]);
  }
  return runtime;
}

function storeOf(options: SmartClientOptions | null | undefined): unknown {
  const cache = options?.cache;
  return typeof cache === 'object' ? cache.store : undefined;
}
