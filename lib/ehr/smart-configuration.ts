import { isJsonObject } from '../http/json.js';
import type { JsonObject } from '../http/json.js';

/**
 * `.well-known/smart-configuration` as this package reads it (SMART 2.2 "Conformance"). Endpoint URLs are
 * absolute and checked; what a server leaves out is undefined.
 */
export interface SmartConfiguration {
  issuer?: string;
  jwks_uri?: string;
  authorization_endpoint?: string;
  token_endpoint: string;
  introspection_endpoint?: string;
  revocation_endpoint?: string;
  registration_endpoint?: string;
  management_endpoint?: string;
  end_session_endpoint?: string;
  pushed_authorization_request_endpoint?: string;
  capabilities: string[];
  scopes_supported?: string[];
  code_challenge_methods_supported?: string[];
  grant_types_supported?: string[];
  token_endpoint_auth_methods_supported?: string[];
  token_endpoint_auth_signing_alg_values_supported?: string[];
  id_token_signing_alg_values_supported?: string[];
  dpop_signing_alg_values_supported?: string[];
  authorization_response_iss_parameter_supported?: boolean;
  require_pushed_authorization_requests?: boolean;
  /** FHIR servers that share this authorization server (SMART 2.2 "Conformance") */
  associated_endpoints?: AssociatedEndpoint[];
  user_access_brand_bundle?: string;
  user_access_brand_identifier?: { system?: string; value?: string };
  /** deprecated: SMART 2.2 lists app state as a capability of an associated endpoint */
  smart_app_state_endpoint?: string;
}

export interface AssociatedEndpoint {
  url: string;
  capabilities: string[];
}

/** The capabilities of SMART 2.2 "Conformance"; servers may list others. */
export type SmartCapability =
  | 'launch-ehr'
  | 'launch-standalone'
  | 'authorize-post'
  | 'client-public'
  | 'client-confidential-symmetric'
  | 'client-confidential-asymmetric'
  | 'sso-openid-connect'
  | 'context-banner'
  | 'context-style'
  | 'context-ehr-patient'
  | 'context-ehr-encounter'
  | 'context-standalone-patient'
  | 'context-standalone-encounter'
  | 'permission-offline'
  | 'permission-online'
  | 'permission-patient'
  | 'permission-user'
  | 'permission-v1'
  | 'permission-v2'
  | 'smart-app-state';

/** names of SMART 1 that mean the same */
const ALIASES: Partial<Record<SmartCapability, string>> = {
  'context-banner': 'context-passthrough-banner',
  'context-style': 'context-passthrough-style',
};

/** Whether the server lists the capability, by its name of today or of SMART 1. */
export function supports(configuration: SmartConfiguration, capability: SmartCapability): boolean {
  const alias = ALIASES[capability];
  const listed = configuration.capabilities;
  return listed.includes(capability) || (alias !== undefined && listed.includes(alias));
}

/** what a stranger's document may make us keep for every launch */
const MAX_URL_LENGTH = 2_048;
const MAX_ITEMS = 500;
const MAX_ITEM_LENGTH = 500;
const MAX_ASSOCIATED = 100;
/** methods and algorithms are pinned to every launch in progress, which costs a stranger one request */
const MAX_ALGORITHMS = 30;
const ALGORITHM = /^[\w-]{1,30}$/;

const ENDPOINTS = [
  'jwks_uri',
  'authorization_endpoint',
  'token_endpoint',
  'introspection_endpoint',
  'revocation_endpoint',
  'registration_endpoint',
  'management_endpoint',
  'end_session_endpoint',
  'pushed_authorization_request_endpoint',
  'user_access_brand_bundle',
  'smart_app_state_endpoint',
] as const;

const LISTS = ['scopes_supported', 'code_challenge_methods_supported', 'grant_types_supported'] as const;

const ALGORITHM_LISTS = [
  'token_endpoint_auth_methods_supported',
  'token_endpoint_auth_signing_alg_values_supported',
  'id_token_signing_alg_values_supported',
  'dpop_signing_alg_values_supported',
] as const;

const FLAGS = [
  'authorization_response_iss_parameter_supported',
  'require_pushed_authorization_requests',
] as const;

/**
 * Reads a discovery document; relative endpoints are resolved against the FHIR base (SMART 2.2
 * "Conformance"). Throws an Error whose message names the member at fault.
 */
export function readSmartConfiguration(
  document: JsonObject,
  fhirBaseUrl: string,
  allowHttp: boolean,
): SmartConfiguration {
  const configuration: Partial<SmartConfiguration> = {
    capabilities: stringList(document.capabilities) ?? [],
  };
  if (isIssuer(document.issuer, allowHttp)) configuration.issuer = document.issuer;
  for (const name of ENDPOINTS) {
    const value = document[name];
    if (value === undefined || value === null || value === '') continue;
    configuration[name] = endpointUrl(name, value, fhirBaseUrl, allowHttp);
  }
  for (const name of LISTS) {
    const list = stringList(document[name]);
    if (list) configuration[name] = list;
  }
  for (const name of ALGORITHM_LISTS) {
    const list = stringList(document[name])?.filter((alg) => ALGORITHM.test(alg));
    if (list) configuration[name] = list.slice(0, MAX_ALGORITHMS);
  }
  for (const name of FLAGS) {
    if (document[name] === true) configuration[name] = true;
  }
  if (Array.isArray(document.associated_endpoints)) {
    configuration.associated_endpoints = document.associated_endpoints
      .slice(0, MAX_ASSOCIATED)
      .filter(isJsonObject)
      .map((endpoint) => ({
        url: endpointUrl('associated_endpoints.url', endpoint.url, fhirBaseUrl, allowHttp),
        capabilities: stringList(endpoint.capabilities) ?? [],
      }));
  }
  if (isJsonObject(document.user_access_brand_identifier)) {
    const { system, value } = document.user_access_brand_identifier;
    configuration.user_access_brand_identifier = {
      ...(isShortText(system) && { system }),
      ...(isShortText(value) && { value }),
    };
  }
  if (!configuration.token_endpoint) throw new Error('token_endpoint is missing');
  return configuration as SmartConfiguration;
}

/** Every URL of a configuration with the member it stands in. */
export function discoveredUrls(configuration: SmartConfiguration): [member: string, url: string][] {
  const endpoints = (['issuer', ...ENDPOINTS] as const).map((name) => [name, configuration[name]] as const);
  const associated = configuration.associated_endpoints ?? [];
  return [...endpoints, ...associated.map(({ url }) => ['associated_endpoints.url', url] as const)].flatMap(
    ([name, url]) => (url === undefined ? [] : [[name, url] as [string, string]]),
  );
}

export function endpointUrl(name: string, value: unknown, fhirBaseUrl: string, allowHttp: boolean): string {
  if (typeof value !== 'string') throw new Error(`${name} is not a string`);
  let url: URL;
  try {
    url = new URL(value, fhirBaseUrl);
  } catch {
    throw new Error(`${name} is not a URL`);
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && allowHttp)) {
    throw new Error(`${name} must use https`);
  }
  if (url.username || url.password) throw new Error(`${name} must not hold credentials`);
  if (value.includes('#')) throw new Error(`${name} must not have a fragment`);
  if (value.length > MAX_URL_LENGTH) throw new Error(`${name} is too long`);
  return /^https?:\/\//i.test(value) ? value : url.href;
}

/** An issuer we can compare with and look up: https, no query or fragment (OIDC Discovery 3). */
function isIssuer(value: unknown, allowHttp: boolean): value is string {
  if (typeof value !== 'string' || value.includes('?')) return false;
  try {
    return endpointUrl('issuer', value, value, allowHttp) !== '';
  } catch {
    return false;
  }
}

function stringList(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.filter(isShortText).slice(0, MAX_ITEMS);
}

function isShortText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_ITEM_LENGTH;
}
