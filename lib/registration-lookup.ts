import QuickLRU from 'quick-lru';
import { checkServer } from './ehr/check-server.js';
import { parseFhirBaseUrl } from './ehr/fhir-base-url.js';
import type { KnownFhirServer, SmartClientConfiguration } from './ehr/known-fhir-server.js';
import { unpublishedKids } from './ehr/published-keys.js';
import { findRegistration } from './ehr/registrations.js';
import type { Registration } from './ehr/registrations.js';
import { withinDeadline } from './session/deadline.js';
import { SmartError } from './smart-error.js';
import type { ResolvedOptions } from './smart-client-options.js';

const MAX_REMEMBERED = 1_000;
/** every guarded request asks; a hospital that was taken out is out within a minute */
const REMEMBERED_MS = 60_000;

/**
 * The registration for an `iss`: from `knownFhirServers`, then from the app's own `registrations` function, then
 * by `allowAnyIssuer`. Decided on the text of the issuer; nothing is requested from it (C-13).
 */
export class RegistrationLookup {
  readonly #known = new QuickLRU<string, KnownFhirServer>({
    maxSize: MAX_REMEMBERED,
    maxAge: REMEMBERED_MS,
  });
  readonly #ofList = new QuickLRU<string, Registration>({ maxSize: MAX_REMEMBERED });

  constructor(
    private readonly configuration: SmartClientConfiguration,
    private readonly options: Pick<ResolvedOptions, 'allowNonHttpsLaunch' | 'storeTimeoutMs' | 'logger'>,
    private readonly warnOnce: (server: string, warning: string) => void,
  ) {}

  async find(iss: string, options: { knownOnly?: boolean } = {}): Promise<Registration | SmartError> {
    const { configuration } = this;
    const development = this.options.allowNonHttpsLaunch;
    const known = this.#listed(iss);
    if (!(known instanceof SmartError)) return known;
    const base = parseFhirBaseUrl(iss);
    if (configuration.registrations && base) {
      const server = await this.#lookUp(base.canonical);
      if (server instanceof SmartError) return server;
      if (server) return findRegistration({ ...configuration, knownFhirServers: [server] }, iss, development);
    }
    return findRegistration(configuration, iss, development, options);
  }

  /** Of `knownFhirServers`, which every guarded request asks for: remembered, but for what a function may answer anew. */
  #listed(iss: string): Registration | SmartError {
    const remembered = this.#ofList.get(iss);
    if (remembered) return remembered;
    const { configuration, options } = this;
    const found = findRegistration(configuration, iss, options.allowNonHttpsLaunch, { knownOnly: true });
    const byFunction = configuration.knownFhirServers?.some(({ issMatch }) => typeof issMatch === 'function');
    if (!(found instanceof SmartError) && !byFunction) this.#ofList.set(iss, found);
    return found;
  }

  /** The registration that a launch was made with, in progress or completed. */
  async ofLaunch(launch: { iss: string; clientId: string }): Promise<Registration | SmartError> {
    const registration = await this.find(launch.iss);
    if (registration instanceof SmartError || registration.clientId === launch.clientId) return registration;
    return new SmartError(
      'session_expired',
      'The app’s registration at this EHR changed; launch the app again',
    );
  }

  async #lookUp(issuer: string): Promise<KnownFhirServer | undefined | SmartError> {
    const remembered = this.#known.get(issuer);
    if (remembered) return remembered;
    const asked = Promise.resolve().then(() => this.configuration.registrations!(issuer));
    const server = await withinDeadline(asked, this.options.storeTimeoutMs).catch(
      () =>
        new SmartError(
          'store_unavailable',
          'The registration of this EHR could not be looked up; try again shortly',
        ),
    );
    if (server instanceof SmartError) return server;
    if (server === null || server === undefined) return undefined;
    const mistakes = this.#mistakesIn(server, issuer);
    if (mistakes.length > 0) {
      this.options.logger.error(`client.registrations answered what cannot be used: ${mistakes.join('; ')}`);
      return new SmartError(
        'invalid_configuration',
        'The registration of this EHR cannot be used; see the log',
      );
    }
    this.#known.set(issuer, server);
    for (const kid of unpublishedKids(this.configuration, server)) {
      this.warnOnce(
        server.name,
        `signs with the key ${JSON.stringify(kid)}, which the JWKS route does not publish: add the key to client.privateKey, unless the EHR was given it some other way`,
      );
    }
    return server;
  }

  /** The answer must be the server that was asked for: another one would get its codes and secrets. */
  #mistakesIn(server: KnownFhirServer, issuer: string): string[] {
    const mistakes = checkServer('registration', server, this.options.allowNonHttpsLaunch);
    if (mistakes.length > 0) return mistakes;
    const own = server.issuer === undefined ? undefined : parseFhirBaseUrl(server.issuer)?.canonical;
    const isOther = server.issMatch !== undefined || own !== issuer;
    return isOther ? ['registration.issuer is not the issuer that was asked for'] : [];
  }
}
