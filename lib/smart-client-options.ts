import { MAX_BRAND_BUNDLE_BYTES } from './brands/user-access-brands.js';
import type { PkceMode } from './ehr/known-fhir-server.js';
import type { FhirCacheOptions } from './launch-reads.js';
import type { SmartEvent } from './smart-event.js';

/** Where the package says what an operator should know; Nest's `Logger` fits. */
export interface SmartLogger {
  warn(message: string): void;
  error(message: string): void;
}

/** Encryption and lifetime of sessions. */
export interface SmartSessionLifetimeOptions {
  /**
   * Encrypts sessions at rest, at least 32 characters. Of a list the first seals and all open. To rotate: `[old, new]`
   * in every instance, then `[new, old]`, and `[new]` once the absolute lifetime has passed.
   */
  secret?: string | string[] | undefined;
  /** milliseconds without a request until a session ends. Default one hour */
  idleTimeoutMs?: number | undefined;
  /** milliseconds until a session ends, whatever happens. Default 12 hours */
  absoluteTimeoutMs?: number | undefined;
}

/** How {@link SmartClient} behaves. Every value has a safe default. */
export interface SmartClientOptions {
  /** refresh access tokens before they expire, and once after a 401. Default `true` */
  autoRefresh?: boolean | undefined;
  /** several launches (tabs, patients, EHRs) live in one session; the caller names the active patient */
  enableMultiLaunch?: boolean | undefined;
  /**
   * Development: `http:` issuers and endpoints are allowed, and `http:` redirect URLs on loopback. Never set
   * it in production.
   */
  allowNonHttpsLaunch?: boolean | undefined;
  /** Development: `authorize({ fakeTokenResponse })` starts sessions without an EHR. Refused in production */
  allowFakeTokenResponse?: boolean | undefined;
  /** PKCE at servers that set no `pkceMode` of their own. Left out: S256 always (SMART 2.2 requires it) */
  pkceMode?: PkceMode | undefined;
  /** milliseconds for one call to the EHR, connection and body included. Default 10,000 */
  httpTimeoutMs?: number | undefined;
  /** bytes of a discovery document, JWKS or token response. Default 1 MiB */
  maxResponseBytes?: number | undefined;
  /** bytes of one FHIR response. Default 20 MiB */
  maxFhirResponseBytes?: number | undefined;
  /** bytes of one User-access Brand Bundle of a known server (others: `maxResponseBytes`). Default 50 MiB */
  maxBrandBundleBytes?: number | undefined;
  /** milliseconds for one call to the session store. Default 2,000 */
  storeTimeoutMs?: number | undefined;
  /** milliseconds a SMART configuration and a JWKS are remembered. Default 10 minutes */
  discoveryTtlMs?: number | undefined;
  /** milliseconds the EHR's clock may differ from ours. Default 30,000 */
  clockToleranceMs?: number | undefined;
  /** milliseconds before expiry at which a token is refreshed. Default 60,000 */
  refreshSkewMs?: number | undefined;
  /** launches this process starts in one minute; more are answered with 429. Default 1,200 */
  maxLaunchesPerMinute?: number | undefined;
  /**
   * Keeps what a launch reads for that launch alone; `true`: in memory, for 30 seconds. Left out: only requests that
   * ask for it by `cache`
   */
  cache?: boolean | FhirCacheOptions | undefined;
  /**
   * Called for every launch, login, refresh, logout and failure, with codes and the server's name only. What it
   * throws is logged and changes nothing.
   */
  onEvent?: ((event: SmartEvent) => void) | undefined;
  /** encryption and lifetime of sessions; the Nest module fills it from its `session` option */
  session?: SmartSessionLifetimeOptions | undefined;
  /** where warnings go. Default: nowhere; the Nest module gives its own */
  logger?: SmartLogger | undefined;
}

export const DEFAULTS = {
  httpTimeoutMs: 10_000,
  maxResponseBytes: 1024 * 1024,
  maxFhirResponseBytes: 20 * 1024 * 1024,
  maxBrandBundleBytes: MAX_BRAND_BUNDLE_BYTES,
  storeTimeoutMs: 2_000,
  discoveryTtlMs: 10 * 60_000,
  clockToleranceMs: 30_000,
  refreshSkewMs: 60_000,
  maxLaunchesPerMinute: 1_200,
  idleTimeoutMs: 60 * 60_000,
  absoluteTimeoutMs: 12 * 60 * 60_000,
} as const;

/** The options with every default filled in. */
export interface ResolvedOptions extends Required<
  Omit<SmartClientOptions, 'session' | 'logger' | 'onEvent' | 'pkceMode' | 'cache'>
> {
  idleTimeoutMs: number;
  absoluteTimeoutMs: number;
  secrets: string[];
  pkceMode?: PkceMode;
  cache?: boolean | FhirCacheOptions;
  logger: SmartLogger;
  onEvent: (event: SmartEvent) => void;
}

const SILENT: SmartLogger = { warn: () => undefined, error: () => undefined };

export function resolveOptions(options: SmartClientOptions | null | undefined): ResolvedOptions {
  const given = Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined));
  const { session, logger, onEvent, ...others } = given as SmartClientOptions;
  const secret = session?.secret ?? [];
  return {
    autoRefresh: true,
    enableMultiLaunch: false,
    allowNonHttpsLaunch: false,
    allowFakeTokenResponse: false,
    ...DEFAULTS,
    ...others,
    idleTimeoutMs: session?.idleTimeoutMs ?? DEFAULTS.idleTimeoutMs,
    absoluteTimeoutMs: session?.absoluteTimeoutMs ?? DEFAULTS.absoluteTimeoutMs,
    secrets: typeof secret === 'string' ? [secret] : secret,
    logger: logger ?? SILENT,
    onEvent: quiet(onEvent, logger ?? SILENT),
  };
}

/** Counting logins must not fail one. */
function quiet(onEvent: SmartClientOptions['onEvent'], logger: SmartLogger): (event: SmartEvent) => void {
  return (event) => {
    const failed = (error: unknown) =>
      logger.warn(
        `options.onEvent threw ${error instanceof Error ? error.name : 'something'} at ${event.type}`,
      );
    try {
      // An async function fits the type too, and a rejection that nobody handles would end the process.
      const answer: unknown = onEvent?.(event);
      Promise.resolve(answer).catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}
