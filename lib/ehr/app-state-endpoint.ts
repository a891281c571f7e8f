import { parseFhirBaseUrl } from './fhir-base-url.js';
import { supports } from './smart-configuration.js';
import type { SmartConfiguration } from './smart-configuration.js';

/**
 * Where the EHR keeps app state (SMART 2.2 "App State"): at the one associated endpoint that lists `smart-app-state`,
 * or in the FHIR server itself where that lists it. Undefined where neither does, or several endpoints do: state may
 * be a key, and must not come to lie among the Basic resources that everybody can search.
 */
export function appStateEndpoint(server: SmartConfiguration, fhirBaseUrl: string): string | undefined {
  const canonical = (url: string) => parseFhirBaseUrl(url)?.canonical;
  const associated = (server.associated_endpoints ?? []).filter(({ capabilities }) =>
    capabilities.includes('smart-app-state'),
  );
  const [endpoint, ...others] = associated.map(({ url }) => url);
  if (endpoint !== undefined) {
    const base = canonical(endpoint);
    if (base === undefined || others.some((other) => canonical(other) !== base)) return undefined;
    return base === canonical(fhirBaseUrl) ? fhirBaseUrl : endpoint;
  }
  // The way of SMART 2.1: the state is there, and not in the FHIR server; but the token may not go there.
  const deprecated = server.smart_app_state_endpoint;
  if (deprecated !== undefined && canonical(deprecated) !== canonical(fhirBaseUrl)) return undefined;
  return supports(server, 'smart-app-state') ? fhirBaseUrl : undefined;
}
