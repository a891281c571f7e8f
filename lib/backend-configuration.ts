import { requiredText } from './ehr/check-configuration-values.js';
import { checkServer } from './ehr/check-server.js';
import type {
  ClientPrivateKey,
  EndpointOverrides,
  KnownFhirServer,
  KnownFhirServerSwitches,
} from './ehr/known-fhir-server.js';
import type { Registration } from './ehr/registrations.js';
import { unknownOptions } from './ehr/unknown-options.js';
import { parseResourceScope, splitScopes } from './scope/scope.js';
import { DEFAULTS } from './smart-client-options.js';
import type { SmartClientOptions } from './smart-client-options.js';

/** The switches of {@link KnownFhirServerSwitches} that mean something where no user and no browser is. */
type BackendSwitches = Pick<
  KnownFhirServerSwitches,
  'sendClientId' | 'assertionAudience' | 'strictAudienceValidation' | 'assumeBearer' | 'legacyMetadata'
>;

/**
 * What a backend service registered with one FHIR server (SMART 2.2 "Backend Services: Register"). It
 * authenticates with a key and with nothing else.
 *
 * @example
 * { issuer: 'https://ehr.example.org/fhir', clientId: 'nightly', scope: 'system/Patient.rs', privateKey }
 */
export interface BackendFhirClientConfiguration extends BackendSwitches {
  /** FHIR base URL of the server */
  issuer: string;
  /** `client_id` */
  clientId: string;
  /** space-separated `system/` scopes */
  scope: string;
  /** one key or several; the first that the server's advertised algorithms allow signs */
  privateKey: ClientPrivateKey | ClientPrivateKey[];
  /** `jku` of the client assertion: the URL of the JWK set as registered. Left out: no `jku` is sent */
  clientPublicKeySetUrl?: string | undefined;
  /** shown in logs; not sent anywhere. Default: the host of `issuer` */
  name?: string | undefined;
  /** the only one there is; may be left out */
  type?: 'confidential-asymmetric' | undefined;
  /** the only one there is; may be left out */
  method?: 'private_key_jwt' | undefined;
  /** `true`: `scope` may hold other than `system/` scopes, for servers with names of their own. Default `false` */
  allowNonSystemScopes?: boolean | undefined;
  /** static endpoints; with `token` set no discovery is done */
  endpoints?: Pick<EndpointOverrides, 'issuer' | 'token'> | undefined;
}

/**
 * How a {@link BackendFhirClient} behaves; each option means what it means for SmartClient. `refreshSkewMs` is
 * how long before expiry a new token is asked for.
 */
export type BackendFhirClientOptions = Pick<
  SmartClientOptions,
  | 'allowNonHttpsLaunch'
  | 'httpTimeoutMs'
  | 'maxResponseBytes'
  | 'maxFhirResponseBytes'
  | 'discoveryTtlMs'
  | 'refreshSkewMs'
>;

export type ResolvedBackendOptions = Required<BackendFhirClientOptions>;

const OPTIONS = [
  'issuer',
  'clientId',
  'scope',
  'privateKey',
  'clientPublicKeySetUrl',
  'name',
  'type',
  'method',
  'allowNonSystemScopes',
  'endpoints',
  'sendClientId',
  'assertionAudience',
  'strictAudienceValidation',
  'assumeBearer',
  'legacyMetadata',
];
const NUMBERS = [
  'httpTimeoutMs',
  'maxResponseBytes',
  'maxFhirResponseBytes',
  'discoveryTtlMs',
  'refreshSkewMs',
] as const;
/** more milliseconds than this make a timer fire at once */
const MAX_TIMER = 2 ** 31 - 1;
const KEYS_ONLY =
  'a backend service authenticates with private_key_jwt only: give privateKey, and register its public key';

/** Every mistake of a backend service's configuration, each as a sentence that names the option and the fix. */
export function checkBackend(
  client: BackendFhirClientConfiguration,
  options: BackendFhirClientOptions | null | undefined,
): string[] {
  if (typeof client !== 'object' || client === null) {
    return ['client is missing: give issuer, clientId, scope and privateKey'];
  }
  const { clientId, scope, allowNonSystemScopes: allowed } = client;
  return [
    ...checkAuthentication(client),
    ...requiredText('client.clientId', clientId, 'the client_id the EHR gave you'),
    ...requiredText('client.scope', scope, 'e.g. "system/Patient.rs"'),
    ...(typeof scope === 'string' && allowed !== true ? checkScopes(scope) : []),
    ...(allowed === undefined || typeof allowed === 'boolean'
      ? []
      : ['client.allowNonSystemScopes must be true or false']),
    ...unknownOptions('client.endpoints', client.endpoints ?? {}, ['issuer', 'token']),
    ...checkServer('client', knownServer(client), options?.allowNonHttpsLaunch === true),
    ...checkOptions(options ?? {}),
  ];
}

function checkAuthentication(client: BackendFhirClientConfiguration): string[] {
  const { clientSecret, ...others } = client as BackendFhirClientConfiguration & { clientSecret?: unknown };
  const { type, method } = others as { type?: string; method?: string };
  return [
    ...(clientSecret === undefined ? [] : [`client.clientSecret is no option: ${KEYS_ONLY}`]),
    ...(type === undefined || type === 'confidential-asymmetric'
      ? []
      : [`client.type must be 'confidential-asymmetric' or left out: ${KEYS_ONLY}`]),
    ...(method === undefined || method === 'private_key_jwt'
      ? []
      : [`client.method must be 'private_key_jwt' or left out: ${KEYS_ONLY}`]),
    ...unknownOptions('client', others, OPTIONS),
  ];
}

/** No user is there whom `user/` or `patient/` could mean (SMART 2.2 "Backend Services: Scopes"). */
function checkScopes(scope: string): string[] {
  const others = splitScopes(scope).filter((item) => parseResourceScope(item)?.level !== 'system');
  if (others.length === 0) return [];
  return [
    `client.scope holds ${others.map((item) => JSON.stringify(item)).join(', ')}: ask for system/ scopes such as ` +
      '"system/Patient.rs", or set client.allowNonSystemScopes: true',
  ];
}

function checkOptions(options: BackendFhirClientOptions): string[] {
  const { allowNonHttpsLaunch: http } = options;
  const mistakes = unknownOptions('options', options, ['allowNonHttpsLaunch', ...NUMBERS]);
  if (http !== undefined && typeof http !== 'boolean')
    mistakes.push('options.allowNonHttpsLaunch must be true or false');
  for (const name of NUMBERS) {
    const value: unknown = options[name];
    const least = name === 'refreshSkewMs' ? 0 : 1;
    if (value === undefined || (typeof value === 'number' && value >= least && value <= MAX_TIMER)) continue;
    mistakes.push(`options.${name} must be a ${least === 0 ? 'number, zero or more' : 'positive number'}`);
  }
  return mistakes;
}

/** The configuration as that of a known server, whose checks and requests it shares. */
function knownServer(client: BackendFhirClientConfiguration): KnownFhirServer {
  const { issuer, privateKey, clientPublicKeySetUrl, name, endpoints } = client;
  const { sendClientId, assertionAudience, strictAudienceValidation, assumeBearer, legacyMetadata } = client;
  return {
    name: name ?? 'backend',
    issuer,
    type: 'confidential-asymmetric',
    method: 'private_key_jwt',
    privateKey,
    clientPublicKeySetUrl,
    endpoints,
    sendClientId,
    assertionAudience,
    strictAudienceValidation,
    assumeBearer,
    legacyMetadata,
  };
}

/** What requests to the authorization server are made from; the configuration has passed `checkBackend`. */
export function backendRegistration(client: BackendFhirClientConfiguration): Registration {
  const server = knownServer(client);
  return {
    name: client.name ?? new URL(client.issuer).host,
    iss: client.issuer,
    clientId: client.clientId,
    scope: splitScopes(client.scope).join(' '),
    // no browser comes here
    callbackUrl: '',
    redirectUrl: '',
    authentication: server,
    switches: server,
    isKnown: true,
  };
}

export function resolveBackendOptions(
  options: BackendFhirClientOptions | null | undefined,
): ResolvedBackendOptions {
  const given = Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined));
  const defaults = Object.fromEntries(NUMBERS.map((name) => [name, DEFAULTS[name]]));
  return { allowNonHttpsLaunch: false, ...defaults, ...given } as ResolvedBackendOptions;
}
