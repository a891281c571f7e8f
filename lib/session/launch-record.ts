import type { JWK } from 'jose';
import type { LaunchContext } from '../ehr/launch-context.js';
import { appStateEndpoint } from '../ehr/app-state-endpoint.js';
import type { SmartConfiguration } from '../ehr/smart-configuration.js';
import type { JsonValue } from '../http/json.js';
import type { LaunchHistory } from './launch-history.js';

/** Who launched, from the verified id_token. */
export interface VerifiedIdentity {
  iss: string;
  sub: string;
  /** `Practitioner/1` under the FHIR base, or an absolute URL on another server; null without the claim */
  fhirUser: string | null;
  claims: Record<string, unknown>;
}

/** Endpoints of the authorization server that issued the tokens, pinned: its tokens go nowhere else. */
export type PinnedServer = Pick<SmartConfiguration, (typeof PINNED)[number]> & {
  /** where app state is kept, the only place besides the FHIR base that the access token goes to */
  appStateEndpoint?: string;
};

const PINNED = [
  'issuer',
  'jwks_uri',
  'token_endpoint',
  'revocation_endpoint',
  'introspection_endpoint',
  'end_session_endpoint',
  'token_endpoint_auth_methods_supported',
  'token_endpoint_auth_signing_alg_values_supported',
  'id_token_signing_alg_values_supported',
  'authorization_response_iss_parameter_supported',
] as const;

export function pinnedServer(server: SmartConfiguration, fhirBaseUrl: string): PinnedServer {
  return {
    ...(Object.fromEntries(PINNED.map((name) => [name, server[name]])) as PinnedServer),
    appStateEndpoint: appStateEndpoint(server, fhirBaseUrl),
  };
}

/** One completed launch as it is stored, encrypted. Times are epoch milliseconds. */
export interface LaunchRecord {
  /** tells this launch from a later one under the same session id */
  launchId: string;
  iss: string;
  clientId: string;
  server: PinnedServer;
  /** empty: the FHIR server is open, and none is sent */
  accessToken: string;
  /** when the access token was received */
  issuedAt: number;
  expiresAt: number;
  refreshToken?: string;
  /** of the login, verified; kept where the EHR's session is ended with it (`endSession: true`) */
  idToken?: string;
  /** the private key that the tokens are bound to (RFC 9449); absent: they are Bearer tokens */
  dpopKey?: JWK;
  scope: string;
  scopeAssumed: boolean;
  context: LaunchContext;
  identity: VerifiedIdentity | null;
  /** no EHR granted it: the server is open, or the token response was made up in development */
  ungranted?: 'open' | 'fake';
  /** the app's own, given at the launch */
  appData?: JsonValue;
  /** scopes that were asked for; absent where they are those that were granted */
  requestedScope?: string;
  /** names of what the launch found odd, for its validation report; absent of launches of older versions */
  findings?: string[];
  /** the launches that it took the place of, where several EHRs may launch the app */
  history?: LaunchHistory;
  startedAt: number;
  seenAt: number;
}
