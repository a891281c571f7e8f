import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { isFhirId } from '../ehr/launch-context.js';
import { parseFhirBaseUrl, underFhirBase } from '../ehr/fhir-base-url.js';
import { SmartError } from '../smart-error.js';
import { configurationError } from '../smart-runtime.js';
import { checkLaunchOptions } from './check-launch-options.js';
import { clientIdOf, launchUrlOf, sharedLaunchUrls, withLaunchParameters } from './client-application.js';
import type { ClientApplication } from './client-application.js';
import { unreadableContext } from './context-references.js';
import { defined, launchMembersFor, readLaunchMembers } from './launch-members.js';
import type { LaunchMembers } from './launch-members.js';
import { launchStore } from './launch-store.js';
import type { SmartAppLaunchStore } from './launch-store.js';
import { launchSubjects } from './launch-subjects.js';
import { SMART_LAUNCH_OPTIONS } from './module-options.js';
import type { SmartLaunchModuleOptions } from './module-options.js';
import { LAUNCH_LIFETIME_MS, issueSmartAppLaunch, launchIdOf, launchResource } from './smart-app-launch.js';
import type { SmartAppLaunch, SmartAppLaunchResource } from './smart-app-launch.js';

/** Who a `launch` handle came back from. */
export interface LaunchTaker {
  /** the authenticated or at least registered client of the authorization request */
  clientId: string;
  /** the user who is logged in at the authorization server */
  userId: string;
  /** `aud` of the authorization request; given, it must be the FHIR base */
  aud?: string;
  /** given, it must be the launch's tenant */
  tenant?: string;
  /** granted scopes; given, only what they allow is answered (see `launchMembersFor`) */
  scope?: string | Iterable<string>;
}

/** A launch that is kept, and where the browser goes for it. */
export interface PreparedLaunch {
  redirect_url: string;
  /** id of the SmartAppLaunch; opens nothing */
  launchId: string;
}

/** An app in a list of apps to launch. */
export interface LaunchLink {
  id: string;
  name: string;
  logo: string | null;
  /** the operation's URL; for a link, a frame or a form of the EHR's own pages; with POST from `trustedOrigins` */
  launchUrl: string;
}

/** Launches apps, and hands their context to the authorization server. */
@Injectable()
export class SmartLaunchService implements OnModuleDestroy {
  readonly #logger = new Logger('SmartLaunch');
  readonly #options: SmartLaunchModuleOptions;
  readonly #launches: SmartAppLaunchStore;
  readonly #close: () => Promise<void>;
  #hasWarned = false;

  constructor(@Inject(SMART_LAUNCH_OPTIONS) options: SmartLaunchModuleOptions) {
    const mistakes = checkLaunchOptions(options);
    if (mistakes.length) throw configurationError(mistakes);
    this.#options = options;
    const { secret, storage: option } = options;
    const secrets = typeof secret === 'string' ? [secret] : secret;
    const { store, storage } = launchStore(option, secrets, () => this.#warnOfUnknownSecret());
    if (storage && !storage.guarantees.memoryOnly && !secrets) this.#withoutSecret();
    this.#launches = store;
    this.#close = async () => storage?.close();
    if (storage) this.#warnOfStorage(storage.guarantees);
    if (!options.onLaunch) this.#logger.warn('onLaunch is not set: nobody records who launched what');
    for (const names of sharedLaunchUrls(this.#listed() ?? [])) {
      this.#logger.warn(
        `${names.join(' and ')} have the same launchUri: the app cannot tell which of them was launched. Give each its own`,
      );
    }
  }

  /** The FHIR base as configured: `iss` of every launch. */
  get fhirBaseUrl(): string {
    return this.#options.fhirBaseUrl;
  }

  async onModuleDestroy(): Promise<void> {
    await this.#close();
  }

  /** Whether the `aud` of an authorization request is this FHIR base, one trailing slash aside. */
  isAudience(aud: unknown): boolean {
    const given = typeof aud === 'string' ? parseFhirBaseUrl(aud) : undefined;
    return given !== undefined && given.canonical === parseFhirBaseUrl(this.fhirBaseUrl)?.canonical;
  }

  /**
   * What `$smart-launch` does, for a route of your own behind guards of your own: checks application and context,
   * keeps the launch, and answers where the browser goes.
   *
   * Errors: `invalid_launch_request` (400, or 404 for an unknown application, patient, encounter or `fhirContext`), `no_session`
   * (401) without a user, `store_unavailable` (503).
   *
   * @param parameters as in the token response: `patient`, `encounter`, `intent` …
   * @param request for `user`, `readResource` and the other callbacks
   */
  async launch(
    applicationId: string,
    parameters: LaunchMembers,
    request: object,
  ): Promise<PreparedLaunch | SmartError> {
    return settled(this.#launch(applicationId, parameters, request));
  }

  async #launch(
    applicationId: string,
    parameters: LaunchMembers,
    request: object,
  ): Promise<PreparedLaunch | SmartError> {
    const asked = readLaunchMembers(Object.entries(parameters));
    if (asked instanceof SmartError) return asked;
    const forbidden = this.#notFromRequest(asked);
    if (forbidden) return forbidden;
    const userId = await this.#userOf(request);
    if (userId === undefined) return noUser();
    const application = await this.#application(applicationId, request);
    if (application instanceof SmartError) return application;
    const launchUrl = launchUrlOf(application);
    if (!launchUrl) return refused('The ClientApplication is not configured for launch: it has no launchUri');
    const subjects = await launchSubjects(asked, this.#options, request);
    if (subjects instanceof SmartError) return subjects;
    const unreadable = await unreadableContext(asked, this.#options, request);
    if (unreadable) return unreadable;
    const context = await this.#completed(application, userId, { ...asked, ...subjects }, request);
    const iss = this.fhirBaseUrl;
    const { handle, launch } = issueSmartAppLaunch({ application, userId, iss, context });
    await this.#keep(launch, application, request);
    return { redirect_url: withLaunchParameters(launchUrl, iss, handle), launchId: launch.id };
  }

  /**
   * The context of a launch whose handle came to the authorization endpoint, in the words of the token response. Once,
   * within ten minutes, and only for the client and the user it was made for; from others it cannot be used up.
   *
   * Errors: `invalid_launch_request`, with `invalid_request` as `oauthError`: the error to send to the app;
   * `store_unavailable` (503).
   *
   * @param handle the `launch` parameter
   * @example
   * const context = await launches.take(params.launch, { clientId, userId });
   * if ('error' in context) throw new InvalidRequest(context.message);
   */
  async take(handle: unknown, taker: LaunchTaker): Promise<LaunchMembers | SmartError> {
    if (typeof handle !== 'string' || handle === '') return unknownLaunch();
    return settled(this.#take(launchIdOf(handle), taker));
  }

  async #take(id: string, taker: LaunchTaker): Promise<LaunchMembers | SmartError> {
    // Looked at before it is taken: who must not have it must not use it up either.
    if (!this.#isFor(await this.#launches.findById(id), taker)) return unknownLaunch();
    const launch = await this.#launches.take(id);
    if (!this.#isFor(launch, taker)) return unknownLaunch();
    const { context } = launch;
    return taker.scope === undefined ? { ...context } : launchMembersFor(context, taker.scope);
  }

  /** A waiting launch as a FHIR resource, for the user who launched; by its id or, as Medplum's clients do, its handle. */
  async find(idOrHandle: string, request: object): Promise<SmartAppLaunchResource | SmartError> {
    const userId = await this.#userOf(request);
    if (userId === undefined) return noUser();
    const id = /^[0-9a-f]{64}$/.test(idOrHandle) ? idOrHandle : launchIdOf(idOrHandle);
    const launch = await settled(this.#launches.findById(id));
    if (launch instanceof SmartError) return launch;
    const isReadable = launch?.userId === userId && this.#isAlive(launch);
    return isReadable ? launchResource(launch) : refused('There is no such SmartAppLaunch', 404);
  }

  /**
   * Apps to offer, with the URLs that launch them in this context.
   *
   * @param applications Default: the configured list; needed where `clientApplications` is a lookup
   */
  launchLinks(
    context: LaunchMembers = {},
    applications: readonly ClientApplication[] | undefined = this.#listed(),
  ): LaunchLink[] {
    if (!applications) {
      throw configurationError([
        'clientApplications is a lookup: tell launchLinks(context, applications) which apps there are',
      ]);
    }
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(defined(context))) {
      query.set(name, typeof value === 'string' ? value : JSON.stringify(value));
    }
    return applications.filter(launchUrlOf).map(({ id, name, logoUri }) => {
      const url = underFhirBase(this.fhirBaseUrl, `ClientApplication/${id}/$smart-launch`);
      url.search = query.toString();
      return { id, name, logo: logoUri ?? null, launchUrl: url.href };
    });
  }

  /** Whose the tenant is, and whose page the style comes from, decides over data: a link must not choose it. */
  #notFromRequest(asked: LaunchMembers): SmartError | undefined {
    const { allowFromRequest = [] } = this.#options;
    const name = (['tenant', 'smart_style_url'] as const).find(
      (each) => asked[each] !== undefined && !allowFromRequest.includes(each),
    );
    return (
      name &&
      refused(
        `${name} is not the request’s to say: launchContext adds it, or allowFromRequest has to list it`,
      )
    );
  }

  #listed(): readonly ClientApplication[] | undefined {
    const { clientApplications } = this.#options;
    return 'findById' in clientApplications ? undefined : clientApplications;
  }

  async #application(id: string, request: object): Promise<ClientApplication | SmartError> {
    const { clientApplications } = this.#options;
    if (id.trim() === '') return refused('ClientApplication to launch must be specified');
    const unknown = refused('There is no such ClientApplication', 404);
    if (!isFhirId(id)) return unknown;
    const found =
      'findById' in clientApplications
        ? await clientApplications.findById(id, request)
        : clientApplications.find((application) => application.id === id);
    return found?.id === id ? found : unknown;
  }

  async #userOf(request: object): Promise<string | undefined> {
    const user: unknown = await (this.#options.user ?? userOfRequest)(request);
    const id = typeof user === 'number' ? String(user) : user;
    return typeof id === 'string' && id !== '' ? id : undefined;
  }

  /** With what the EHR adds; that is its own code, so a mistake there is a fault of the server. */
  async #completed(
    application: ClientApplication,
    userId: string,
    context: LaunchMembers,
    request: object,
  ): Promise<LaunchMembers> {
    if (!this.#options.launchContext) return context;
    const added = await this.#options.launchContext({ application, userId, context }, request);
    const members = readLaunchMembers(Object.entries(added ?? {}));
    if (members instanceof SmartError)
      throw new SmartError('invalid_configuration', `launchContext: ${members.message}`);
    if ('patient' in members || 'encounter' in members)
      throw new SmartError(
        'invalid_configuration',
        'launchContext: patient and encounter cannot be replaced',
      );
    return { ...context, ...members };
  }

  async #keep(launch: SmartAppLaunch, application: ClientApplication, request: object): Promise<void> {
    const { id, userId, context, createdAt } = launch;
    await this.#options.onLaunch?.(
      {
        type: 'launch',
        launchId: id,
        userId,
        application: { id: application.id, name: application.name, clientId: clientIdOf(application) },
        context: { ...context },
        at: new Date(createdAt),
      },
      request,
    );
    // After the audit: where that fails, there is no launch.
    await this.#launches.save(launch, LAUNCH_LIFETIME_MS);
  }

  #isFor(launch: SmartAppLaunch | null | undefined, taker: LaunchTaker): launch is SmartAppLaunch {
    return (
      launch !== null &&
      launch !== undefined &&
      this.#isAlive(launch) &&
      launch.clientId === taker.clientId &&
      launch.userId === taker.userId &&
      (taker.aud === undefined || this.isAudience(taker.aud)) &&
      (taker.tenant === undefined || launch.context.tenant === taker.tenant)
    );
  }

  /** A store drops entries at their TTL; one that does not must not make a launch live longer. */
  #isAlive({ expiresAt, iss }: SmartAppLaunch): boolean {
    return Date.now() < expiresAt && iss === this.fhirBaseUrl;
  }

  #withoutSecret(): void {
    const fix =
      'give at least 32 random characters, e.g. from "openssl rand -base64 32", the same in all processes';
    if (process.env.NODE_ENV === 'production') {
      throw configurationError([`secret is missing, and launches are kept outside this process: ${fix}`]);
    }
    this.#logger.warn(
      `secret is not set: launches are sealed under a random one, and no other process opens them; ${fix}. ` +
        'In production the start fails without it',
    );
  }

  #warnOfUnknownSecret(): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#logger.warn('A launch was sealed under another secret: do all processes have the same ones?');
  }

  #warnOfStorage(guarantees: { atomicTake: boolean; memoryOnly: boolean }): void {
    if (guarantees.memoryOnly && process.env.NODE_ENV === 'production') {
      this.#logger.warn(
        'Launches are kept in memory: they end with this process and no other process sees them',
      );
    }
    if (!guarantees.atomicTake) {
      this.#logger.warn(
        'The storage cannot take atomically: in several processes a launch could be used twice. Use Redis, or give it take()',
      );
    }
  }
}

/** A store that is down is a result, too; what the user's own functions throw is theirs. */
async function settled<T>(work: T | Promise<T>): Promise<T | SmartError> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof SmartError) return error;
    throw error;
  }
}

function userOfRequest(request: object): string | undefined {
  const { user } = request as { user?: Record<string, unknown> | null };
  const id = user?.id ?? user?.userId ?? user?.sub;
  return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined;
}

function noUser(): SmartError {
  return new SmartError('no_session', 'Nobody is logged in: user(request) names no user');
}

function unknownLaunch(): SmartError {
  const message = 'launch is unknown, expired, already used, or made for another application or user';
  return new SmartError('invalid_launch_request', message, { oauthError: 'invalid_request' });
}

function refused(message: string, status = 400): SmartError {
  return new SmartError('invalid_launch_request', message, { status });
}
