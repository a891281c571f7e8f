import { SmartError } from '../smart-error.js';
import { parseFhirBaseUrl } from './fhir-base-url.js';
import type { FhirBaseUrl } from './fhir-base-url.js';
import type {
  ClientAuthenticationConfiguration,
  ClientRegistration,
  IssuerMatch,
  KnownFhirServer,
  KnownFhirServerSwitches,
  SmartClientConfiguration,
} from './known-fhir-server.js';

/** Everything that holds for one launch from one EHR: the base configuration with the server's overrides. */
export interface Registration extends ClientRegistration {
  name: string;
  /** FHIR base exactly as the launch named it; `aud` and every request are made from it */
  iss: string;
  authentication: ClientAuthenticationConfiguration;
  switches: KnownFhirServerSwitches;
  /** named in `knownFhirServers`; false: anybody's server, admitted by `allowAnyIssuer` */
  isKnown: boolean;
}

const NO_SWITCHES: KnownFhirServerSwitches = {};

/** The registration for an `iss`, decided on the text alone: no DNS, no request (C-13). */
export function findRegistration(
  configuration: SmartClientConfiguration,
  iss: string,
  development: boolean,
  options: { knownOnly?: boolean } = {},
): Registration | SmartError {
  for (const server of configuration.knownFhirServers ?? []) {
    const base = parseFhirBaseUrl(iss, { stripQuery: server.stripIssQuery });
    if (base && matches(server, base)) {
      if (base.url.protocol === 'http:' && !development) return httpIssuer();
      return registrationOf(configuration, server, base.text);
    }
  }
  const base = parseFhirBaseUrl(iss);
  if (configuration.allowAnyIssuer === true && base && !options.knownOnly) {
    if (base.url.protocol === 'http:' && !development) return httpIssuer();
    const { clientId, scope, callbackUrl, redirectUrl } = configuration;
    return {
      name: base.url.host,
      iss,
      clientId,
      scope,
      callbackUrl,
      redirectUrl,
      authentication: { type: 'public' },
      switches: NO_SWITCHES,
      isKnown: false,
    };
  }
  return new SmartError(
    'unknown_issuer',
    base
      ? `No FHIR server with the issuer ${base.canonical} is registered; add it to knownFhirServers`
      : 'The issuer is not the URL of a FHIR server',
  );
}

function httpIssuer(): SmartError {
  return new SmartError(
    'unknown_issuer',
    'The issuer must use https; options.allowNonHttpsLaunch allows http for development',
  );
}

function matches(server: KnownFhirServer, { text, canonical }: FhirBaseUrl): boolean {
  if (server.issMatch !== undefined) return matchesPattern(server.issMatch, text, canonical);
  return parseFhirBaseUrl(server.issuer, { stripQuery: server.stripIssQuery })?.canonical === canonical;
}

function matchesPattern(pattern: IssuerMatch, iss: string, canonical: string): boolean {
  if (typeof pattern === 'function') return pattern(iss) === true;
  if (typeof pattern === 'string') return parseFhirBaseUrl(pattern)?.canonical === canonical;
  // Anchored, and without the stateful g and y flags: /ehr\.example/ must not let https://evil/ehr.example in.
  const anchored = new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gy]/g, ''));
  return anchored.test(canonical) || anchored.test(`${canonical}/`);
}

function registrationOf(
  configuration: SmartClientConfiguration,
  server: KnownFhirServer,
  iss: string,
): Registration {
  return {
    name: server.name,
    iss,
    clientId: server.clientId ?? configuration.clientId,
    scope: server.scope ?? configuration.scope,
    callbackUrl: server.callbackUrl ?? configuration.callbackUrl,
    redirectUrl: server.redirectUrl ?? configuration.redirectUrl,
    postLogoutRedirectUrl: server.postLogoutRedirectUrl ?? configuration.postLogoutRedirectUrl,
    authentication: server,
    switches: server,
    isKnown: true,
  };
}
