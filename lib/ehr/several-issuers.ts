import { parseFhirBaseUrl } from './fhir-base-url.js';
import type { SmartClientConfiguration } from './known-fhir-server.js';

/** Whether more than one FHIR base may launch the app: a patient's id alone does not say whose patient it is. */
export function mayHaveSeveralIssuers(configuration: SmartClientConfiguration): boolean {
  const { allowAnyIssuer, registrations, knownFhirServers = [] } = configuration;
  if (allowAnyIssuer === true || registrations !== undefined) return true;
  const issuers = knownFhirServers.map(({ issuer, issMatch = issuer }) =>
    typeof issMatch === 'string' ? parseFhirBaseUrl(issMatch)?.canonical : undefined,
  );
  return issuers.includes(undefined) || new Set(issuers).size > 1;
}
