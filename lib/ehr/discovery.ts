import QuickLRU from 'quick-lru';
import { SmartError } from '../smart-error.js';
import type { HttpAnswer, HttpClient } from '../http/http-client.js';
import { HttpFailure } from '../http/http-failure.js';
import { parseJsonObject } from '../http/json.js';
import type { JsonObject } from '../http/json.js';
import { parseFhirBaseUrl, underFhirBase } from './fhir-base-url.js';
import { legacyConfiguration } from './legacy-metadata.js';
import type { Registration } from './registrations.js';
import { discoveredUrls, endpointUrl, readSmartConfiguration } from './smart-configuration.js';
import type { SmartConfiguration } from './smart-configuration.js';

const MAX_REMEMBERED = 500;
const MAX_REDIRECTS = 3;
/** with the media type of DSTU2 */
const CAPABILITY_STATEMENT = 'application/fhir+json, application/json+fhir;q=0.9, application/json;q=0.8';

/** Reads and remembers SMART configurations: one request per server at a time, failures never remembered. */
export class Discovery {
  readonly #cache: QuickLRU<string, Promise<SmartConfiguration>>;

  constructor(
    private readonly http: HttpClient,
    private readonly options: { allowHttp: boolean; discoveryTtlMs: number },
  ) {
    this.#cache = new QuickLRU({ maxSize: MAX_REMEMBERED, maxAge: options.discoveryTtlMs });
  }

  async discover(registration: Registration): Promise<SmartConfiguration | SmartError> {
    try {
      return this.#withOverrides(registration, await this.#discovered(registration));
    } catch (error) {
      return asDiscoveryError(error, registration);
    }
  }

  /** Forgets what is known of a server, e.g. after its token endpoint moved. */
  forget(iss: string): void {
    this.#cache.delete(cacheKey(iss));
  }

  async #discovered(registration: Registration): Promise<SmartConfiguration | undefined> {
    const { endpoints } = registration.switches;
    if (endpoints?.authorization && endpoints.token) return undefined;
    const key = cacheKey(registration.iss);
    const known = this.#cache.get(key);
    if (known) return known;
    const pending = this.#fetch(registration);
    this.#cache.set(key, pending);
    pending.catch(() => {
      if (this.#cache.peek(key) === pending) this.#cache.delete(key);
    });
    return pending;
  }

  async #fetch({ iss, isKnown: trusted, switches }: Registration): Promise<SmartConfiguration> {
    const url = underFhirBase(iss, '.well-known/smart-configuration');
    const answer = await this.#get(url, 'application/json', trusted);
    const document = answer.status === 200 ? parseJsonObject(answer.body) : undefined;
    if (document) return this.#read(document, iss, trusted);
    // Only a server that clearly has none: one that is down must not be taken for one of SMART 1.
    const hasNone = [200, 401, 403, 404, 410].includes(answer.status);
    if (switches.legacyMetadata && hasNone) return this.#fetchLegacy(iss, trusted);
    throw new Error(answer.status === 200 ? 'is not a JSON object' : `answered with status ${answer.status}`);
  }

  /** SMART 1: the endpoints stand in the server's capability statement. */
  async #fetchLegacy(iss: string, trusted: boolean): Promise<SmartConfiguration> {
    const answer = await this.#get(underFhirBase(iss, 'metadata'), CAPABILITY_STATEMENT, trusted);
    const document = answer.status === 200 ? parseJsonObject(answer.body) : undefined;
    if (!document)
      throw new Error(`is missing, and the capability statement was answered with status ${answer.status}`);
    const legacy = legacyConfiguration(document);
    if (!legacy) throw new Error('is missing, and the capability statement names no token endpoint');
    return this.#read(legacy, iss, trusted);
  }

  #read(document: JsonObject, iss: string, trusted: boolean): Promise<SmartConfiguration> {
    const configuration = readSmartConfiguration(document, iss, this.options.allowHttp);
    // Names are resolved and checked when they are connected to; an address can be refused right here.
    for (const [member, url] of discoveredUrls(configuration)) {
      if (!trusted && !this.http.allows(new URL(url))) throw new Error(`${member} is not a public address`);
    }
    return this.#withOwnIssuer(configuration, iss, trusted);
  }

  /**
   * A server may name any issuer; one that is neither on its own host nor on its token endpoint's must name it
   * too, in its OpenID configuration. Otherwise one EHR could pass for another: take its answers on the callback,
   * and vouch for its users. An issuer that is not confirmed is left out, and with it every identity.
   */
  async #withOwnIssuer(
    configuration: SmartConfiguration,
    iss: string,
    trusted: boolean,
  ): Promise<SmartConfiguration> {
    const { issuer, token_endpoint: tokenEndpoint } = configuration;
    if (issuer === undefined) return configuration;
    const own = [iss, tokenEndpoint].map((url) => new URL(url).origin);
    if (own.includes(new URL(issuer).origin)) return configuration;
    const answer = await this.http
      .send({
        method: 'GET',
        url: new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`),
        headers: { accept: 'application/json' },
        trusted,
      })
      .catch(() => undefined);
    const provider = answer?.status === 200 ? parseJsonObject(answer.body) : undefined;
    const isConfirmed = provider?.issuer === issuer && provider.token_endpoint === tokenEndpoint;
    if (!isConfirmed) return { ...configuration, issuer: undefined, jwks_uri: undefined };
    return {
      ...configuration,
      jwks_uri: endpointUrl('jwks_uri', provider.jwks_uri, issuer, this.options.allowHttp),
    };
  }

  /** A load balancer may redirect within the EHR's host; another host is somebody else (C-16). */
  async #get(from: URL, accept: string, trusted: boolean): Promise<HttpAnswer> {
    for (let url = from, hops = 0; ; hops += 1) {
      const answer = await this.http.send({ method: 'GET', url, headers: { accept }, trusted });
      const location = answer.header('location');
      if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return answer;
      const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
      const isSecure = next?.protocol === 'https:' || (next?.protocol === 'http:' && this.options.allowHttp);
      if (!next || next.host !== from.host || !isSecure) throw new Error('redirects to another server');
      if (hops >= MAX_REDIRECTS) throw new Error('redirects too often');
      url = next;
    }
  }

  #withOverrides(registration: Registration, discovered: SmartConfiguration | undefined): SmartConfiguration {
    const { endpoints } = registration.switches;
    if (!endpoints) return discovered!;
    const url = (name: string, value: string | undefined) =>
      value === undefined ? undefined : endpointUrl(name, value, registration.iss, this.options.allowHttp);
    const overrides: Partial<SmartConfiguration> = {
      issuer: endpoints.issuer,
      authorization_endpoint: url('endpoints.authorization', endpoints.authorization),
      token_endpoint: url('endpoints.token', endpoints.token),
      jwks_uri: url('endpoints.jwks', endpoints.jwks),
      introspection_endpoint: url('endpoints.introspection', endpoints.introspection),
      revocation_endpoint: url('endpoints.revocation', endpoints.revocation),
      end_session_endpoint: url('endpoints.endSession', endpoints.endSession),
      pushed_authorization_request_endpoint: url(
        'endpoints.pushedAuthorization',
        endpoints.pushedAuthorization,
      ),
    };
    // nothing was discovered: the switch says what the server can, in the algorithm that all of RFC 9449 know
    const dpop = registration.switches.dpop && { dpop_signing_alg_values_supported: ['ES256'] };
    const given = Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined));
    return { capabilities: [], ...(discovered ?? dpop), ...given } as SmartConfiguration;
  }
}

/** With its slash: a relative endpoint is another one below `/fhir/` than below `/fhir` (SMART 2.2 "Conformance"). */
function cacheKey(iss: string): string {
  const canonical = parseFhirBaseUrl(iss)?.canonical;
  return canonical === undefined ? iss : `${canonical}${iss.endsWith('/') ? '/' : ''}`;
}

function asDiscoveryError(error: unknown, registration: Registration): SmartError {
  const host = parseFhirBaseUrl(registration.iss)?.url.host ?? registration.name;
  if (error instanceof HttpFailure) {
    return error.kind === 'timeout'
      ? new SmartError('discovery_timeout', `The SMART configuration of ${host} did not arrive in time`, {
          cause: error,
        })
      : new SmartError('discovery_failed', `The SMART configuration could not be read: ${error.message}`, {
          cause: error,
        });
  }
  const reason = error instanceof Error ? error.message : 'is unreadable';
  return new SmartError('discovery_failed', `The SMART configuration of ${host} cannot be used: ${reason}`);
}
