import { findRegistration } from '../../lib/ehr/registrations.js';
import type { Registration } from '../../lib/ehr/registrations.js';
import type {
  ClientAuthenticationConfiguration,
  ClientRegistration,
  KnownFhirServer,
  KnownFhirServerSwitches,
} from '../../lib/ehr/known-fhir-server.js';
import { unwrap } from '../../lib/smart-error.js';

export const APP: ClientRegistration = {
  clientId: 'growth-chart',
  scope: 'launch openid fhirUser patient/Patient.rs',
  callbackUrl: 'https://app.example.com/fhir/callback',
  redirectUrl: 'https://app.example.com/',
};

export const ISS = 'https://ehr.example.org/fhir';

export type ServerSettings = Partial<ClientRegistration> & KnownFhirServerSwitches;

/** One known server; public unless told otherwise. */
export function knownServer(
  settings: ServerSettings & { issuer?: string } = {},
  authentication: ClientAuthenticationConfiguration = { type: 'public' },
): KnownFhirServer {
  return { name: 'Hospital', issuer: ISS, ...settings, ...authentication };
}

/** The registration a launch from that server gets. */
export function registrationOf(
  settings: ServerSettings & { iss?: string } = {},
  authentication?: ClientAuthenticationConfiguration,
): Registration {
  const { iss = ISS, ...others } = settings;
  const server = knownServer({ ...others, issuer: iss }, authentication);
  return unwrap(findRegistration({ ...APP, knownFhirServers: [server] }, iss, true));
}
