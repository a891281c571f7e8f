import { randomBytes } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnApplicationShutdown, OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import type { SmartSession } from '../active-launch.js';
import { HEALTH_KEY } from '../session/keys.js';
import { publishedKeys } from '../ehr/published-keys.js';
import type { SmartStorageOption } from '../session/smart-storage.js';
import { SmartClient } from '../smart-client.js';
import type { LaunchTarget } from '../ehr/known-fhir-server.js';
import { isSmartError } from '../smart-error.js';
import type { SmartError } from '../smart-error.js';
import type { SmartClientOptions } from '../smart-client-options.js';
import { configurationError, runtimeFor } from '../smart-runtime.js';
import type { SmartRuntime } from '../smart-runtime.js';
import { checkModuleOptions } from './check-module-options.js';
import { headerOf, queryOf, rawRequest, rememberReplies, responseOf } from './http-request.js';
import { SMART_ON_FHIR_OPTIONS, SMART_ROUTES } from './module-definition.js';
import type { ResolvedRoutes, SmartOnFhirModuleOptions } from './module-options.js';
import { pageBehind } from './request-origin.js';
import { SessionCookies } from './session-cookies.js';

const HEALTH_TTL_MS = 60_000;

/**
 * Makes the SmartClient of a request. A singleton: guard, decorator and controller use it, so that none of
 * them becomes request-scoped; for singleton services and jobs it is the way to a client, too.
 */
@Injectable()
export class SmartClients implements OnModuleInit, OnModuleDestroy, OnApplicationShutdown {
  readonly #logger = new Logger('SmartOnFhir');
  // Private to the runtime: the options hold secrets, and loggers print what they can see.
  readonly #given: SmartOnFhirModuleOptions;
  readonly #cookies: SessionCookies;
  readonly #options: SmartClientOptions;
  readonly #storage: SmartStorageOption | undefined;
  readonly #runtime: SmartRuntime;
  /** origins the app itself is served from */
  readonly ownOrigins: ReadonlySet<string>;
  /** redirect URLs differ between EHRs, so an answer that arrives at another's is refused */
  readonly #keepsEhrsApart: boolean;
  /** origins that may show the app in a frame; `null`: it is not embedded */
  readonly frameAncestors: readonly string[] | null;

  constructor(
    @Inject(SMART_ON_FHIR_OPTIONS) given: SmartOnFhirModuleOptions,
    @Inject(SMART_ROUTES) private readonly routes: ResolvedRoutes | false,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(ApplicationConfig) private readonly appConfig: ApplicationConfig,
  ) {
    this.#given = given;
    const production = process.env.NODE_ENV === 'production';
    const mistakes = checkModuleOptions(given, routes, production);
    if (mistakes.length) throw configurationError(mistakes);
    const { client, options, storage, session } = given;
    const {
      secret = this.#randomSecret(),
      idleTimeoutMs,
      absoluteTimeoutMs,
      cookieName,
      embedded,
    } = session ?? {};
    this.#storage = storage;
    this.#options = {
      logger: this.#logger,
      ...options,
      session: { secret, idleTimeoutMs, absoluteTimeoutMs },
    };
    this.#runtime = runtimeFor(client, storage, this.#options);
    this.#cookies = new SessionCookies({
      name: cookieName ?? 'smart-session',
      secure: new URL(client.callbackUrl).protocol === 'https:',
      embedded: Boolean(embedded),
    });
    const servers = client.knownFhirServers ?? [];
    this.frameAncestors = embedded ? ancestorsOf(embedded, servers) : null;
    this.#keepsEhrsApart =
      client.registrations !== undefined ||
      new Set([client, ...servers].map(({ callbackUrl }) => callbackUrl ?? client.callbackUrl)).size > 1;
    const ownUrls = [client, ...servers].flatMap(({ callbackUrl, redirectUrl }) => [
      callbackUrl,
      redirectUrl,
    ]);
    this.ownOrigins = new Set(ownUrls.filter((url) => url !== undefined).map((url) => new URL(url).origin));
    this.#warn(production);
  }

  onModuleInit(): void {
    this.#checkCallbackRoute();
    rememberReplies(this.adapterHost.httpAdapter);
  }

  /** While other modules still have what the storage may be made of. */
  async onModuleDestroy(): Promise<void> {
    await this.#runtime.launches.settled();
  }

  /** Only now: until the server has closed, requests are answered. */
  async onApplicationShutdown(): Promise<void> {
    await this.#runtime.close();
  }

  /** One write to the session store. @throws SmartError `store_unavailable` */
  async checkStorage(): Promise<void> {
    await this.#runtime.storage.set(HEALTH_KEY, 'ok', HEALTH_TTL_MS);
  }

  /** The app's page, where the browser goes after a logout. */
  get redirectUrl(): string {
    return this.#given.client.redirectUrl;
  }

  /** The client of this request's session; its calls answer `no_session` when there is none. */
  for(request: object): SmartClient {
    return new SmartClient(this.#session(request), this.#storage, this.#given.client, this.#options);
  }

  /**
   * Whether this request may change something. An embedded session's cookie comes along from every site, so
   * it needs a proof of origin; a `Lax` cookie only from sibling hosts, so only what says it is one is refused.
   */
  isTrustedOrigin(request: object, method: string): boolean {
    if (['GET', 'HEAD', 'OPTIONS'].includes(method)) return true;
    if (this.frameAncestors === null) return pageBehind(request, this.ownOrigins) !== 'other';
    const site = headerOf(request, 'sec-fetch-site');
    return site === undefined
      ? this.ownOrigins.has(headerOf(request, 'origin') ?? '')
      : site === 'same-origin';
  }

  forbidCaching(request: object): void {
    const response = responseOf(request);
    if (response !== undefined) this.adapterHost.httpAdapter.setHeader(response, 'Cache-Control', 'no-store');
  }

  /** Whether a launch failed because the browser did not send the cookie that the launch set. */
  lacksCookie(error: SmartError, request: object): boolean {
    return error.error === 'invalid_state' && this.#cookies.read(request).browserId === null;
  }

  /**
   * Where the app opens in a window of its own, when the frame it is shown in lost the launch's cookie: a
   * standalone launch at the one EHR there is, else the app's page.
   */
  ownWindowFor(error: SmartError, request: object): string | undefined {
    if (!this.lacksCookie(error, request) || this.frameAncestors === null) return undefined;
    const { redirectUrl, callbackUrl, knownFhirServers = [] } = this.#given.client;
    const [{ issuer } = {}, ...others] = knownFhirServers;
    if (!this.routes || issuer === undefined || others.length > 0) return redirectUrl;
    const { callback, init = callback } = this.routes;
    const end = Math.max(...[callback, init].map((name) => callbackUrl.lastIndexOf(`/${name}`)));
    const base = callbackUrl.slice(0, end);
    return `${base}/${this.routes.standalone}?iss=${encodeURIComponent(issuer)}`;
  }

  /** Where a launch in a frame goes on, when its EHR wants it outside of the frame. */
  async targetOf(request: object, iss: string): Promise<Exclude<LaunchTarget, '_self'> | undefined> {
    const dest = headerOf(request, 'sec-fetch-dest') ?? '';
    if (!['iframe', 'frame', 'embed', 'object'].includes(dest)) return undefined;
    const registration = await this.#runtime.registrations.find(iss);
    const target = isSmartError(registration) ? undefined : registration.switches.target;
    return target === '_self' ? undefined : target;
  }

  /** Public keys of every asymmetric registration, for the JWKS route. */
  publicKeys(): object[] {
    return publishedKeys(this.#given.client);
  }

  #session(request: object): SmartSession {
    const { httpAdapter } = this.adapterHost;
    return {
      ...this.#cookies.read(request),
      ...this.#active(request),
      ...(this.#keepsEhrsApart && { callbackPath: rawRequest(request).url?.split('?', 1)[0] }),
      browserStarted: (id) => this.#cookies.setLaunch(httpAdapter, request, id),
      sessionStarted: (id) => this.#cookies.setSession(httpAdapter, request, id),
      sessionEnded: () => this.#cookies.clearSession(httpAdapter, request),
    };
  }

  #active(request: object): { activePatient: string | null; activeIssuer: string | null } {
    const { active } = this.#given.session ?? {};
    const query = this.#options.enableMultiLaunch ? queryOf(request) : new URLSearchParams();
    // Told twice and differently, the caller means nobody: joined, the names are no patient's id.
    const named = (header: string, parameter: string) =>
      [...new Set([headerOf(request, header) ?? [], query.getAll(parameter)].flat())].join(' ') || null;
    return {
      activePatient: named(active?.patientHeader ?? 'x-smart-patient', active?.patientQuery ?? 'patient'),
      activeIssuer: named(active?.issuerHeader ?? 'x-smart-issuer', active?.issuerQuery ?? 'iss'),
    };
  }

  #randomSecret(): string {
    this.#logger.warn(
      'session.secret is not set: sessions are encrypted with a random secret and end with this process. ' +
        'Set it (openssl rand -base64 32) before you go to production, where the start fails without it',
    );
    return randomBytes(32).toString('base64');
  }

  #warn(production: boolean): void {
    const { guarantees } = this.#runtime.storage;
    if (guarantees.memoryOnly && production) {
      this.#logger.warn(
        'Sessions are kept in memory: they end with this process and no other process sees them',
      );
    }
    if (!guarantees.memoryOnly && !(guarantees.atomicTake && guarantees.atomicLock)) {
      this.#logger.warn(
        'The storage cannot take or lock atomically: one process is safe, several are not. Use redisStorage(), or give it take() and lock()',
      );
    }
    const { allowAnyIssuer, callbackUrl: sharedUrl, knownFhirServers = [] } = this.#given.client;
    const sharing = knownFhirServers.filter(({ callbackUrl = sharedUrl }) => callbackUrl === sharedUrl);
    if (allowAnyIssuer && sharing.length > 0) {
      this.#logger.warn(
        `allowAnyIssuer: ${sharing.map(({ name }) => name).join(', ')} answers at the same callbackUrl as servers nobody ` +
          'named, so one of them could be sent its codes (RFC 9700 4.4). Give each known server a callbackUrl of its own, e.g. ' +
          `${sharedUrl}/hospital-a`,
      );
    }
    if (this.#given.options?.allowNonHttpsLaunch && production) {
      this.#logger.warn('options.allowNonHttpsLaunch is set in production: tokens may travel unencrypted');
    }
  }

  /** A callback URL that meets no route works in no EHR, and says so only there. */
  #checkCallbackRoute(): void {
    if (!this.routes) return;
    const { path, callback, init } = this.routes;
    const prefix = this.appConfig.getGlobalPrefix();
    const expected = [callback, init ?? callback].map((name) =>
      ['', prefix, path, name].join('/').replace(/\/{2,}/g, '/'),
    );
    const { pathname } = new URL(this.#given.client.callbackUrl);
    if (!expected.some((route) => pathname.endsWith(route))) {
      this.#logger.warn(
        `client.callbackUrl has the path ${pathname}, but the callback route is ${expected[0]!}`,
      );
    }
  }
}

/** Left to itself, the EHRs' own origins: an EHR that shows the app is one that launches it. */
function ancestorsOf(
  embedded: true | { frameAncestors: string[] },
  servers: readonly { issuer?: string }[],
): readonly string[] {
  if (embedded !== true) return embedded.frameAncestors;
  return [...new Set(servers.flatMap(({ issuer }) => (issuer === undefined ? [] : new URL(issuer).origin)))];
}
