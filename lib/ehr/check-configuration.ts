import { signingKeys } from './client-authentication.js';
import { isLoopback, parseFhirBaseUrl } from './fhir-base-url.js';
import type {
  ClientAuthenticationConfiguration,
  KnownFhirServer,
  SmartClientConfiguration,
} from './known-fhir-server.js';

const METHODS = {
  'confidential-symmetric': ['client_secret_basic', 'client_secret_post'],
  'confidential-asymmetric': ['private_key_jwt'],
};

/** Every mistake of a client configuration, each as a sentence that names the option, the problem, the fix. */
export function checkConfiguration(configuration: SmartClientConfiguration, development: boolean): string[] {
  if (typeof configuration !== 'object' || configuration === null) {
    return ['client is missing: give clientId, scope, callbackUrl, redirectUrl and knownFhirServers'];
  }
  const mistakes = [
    ...requiredText('client.clientId', configuration.clientId, 'the client_id the EHR gave you'),
    ...requiredText('client.scope', configuration.scope, 'e.g. "launch openid fhirUser patient/Patient.rs"'),
    ...ownUrl('client.callbackUrl', configuration.callbackUrl, development, true),
    ...ownUrl('client.redirectUrl', configuration.redirectUrl, development, false),
  ];
  const servers: unknown = configuration.knownFhirServers ?? [];
  if (!Array.isArray(servers)) {
    mistakes.push('client.knownFhirServers is not a list: give [{ name, issuer, type }]');
  } else if (servers.length === 0 && configuration.allowAnyIssuer !== true) {
    mistakes.push(
      'client.knownFhirServers is empty: name the EHRs that may launch this app, or set client.allowAnyIssuer: true',
    );
  } else {
    (servers as KnownFhirServer[]).forEach((server, index) =>
      mistakes.push(...checkServer(`client.knownFhirServers[${index}]`, server, development)),
    );
    mistakes.push(...duplicateIssuers(servers as KnownFhirServer[]));
  }
  return mistakes;
}

function checkServer(path: string, server: KnownFhirServer, development: boolean): string[] {
  if (typeof server !== 'object' || server === null) return [`${path} is not an object`];
  return [
    ...requiredText(`${path}.name`, server.name, 'any name you know the EHR by'),
    ...checkIssuer(path, server, development),
    ...checkAuthentication(path, server),
    ...(server.clientId === undefined
      ? []
      : requiredText(`${path}.clientId`, server.clientId, 'or leave it out')),
    ...(server.scope === undefined ? [] : requiredText(`${path}.scope`, server.scope, 'or leave it out')),
    ...(server.callbackUrl === undefined
      ? []
      : ownUrl(`${path}.callbackUrl`, server.callbackUrl, development, true)),
    ...(server.redirectUrl === undefined
      ? []
      : ownUrl(`${path}.redirectUrl`, server.redirectUrl, development, false)),
  ];
}

function checkIssuer(path: string, server: KnownFhirServer, development: boolean): string[] {
  const { issuer, issMatch } = server;
  if (issMatch !== undefined && issuer === undefined) {
    const valid =
      typeof issMatch === 'string' || issMatch instanceof RegExp || typeof issMatch === 'function';
    return valid ? [] : [`${path}.issMatch must be a string, a RegExp or a function`];
  }
  if (typeof issuer !== 'string' || issuer === '') {
    return [`${path}.issuer is missing: give the FHIR base URL, e.g. "https://ehr.example.org/fhir"`];
  }
  const base = parseFhirBaseUrl(issuer, { stripQuery: server.stripIssQuery });
  if (!base)
    return [`${path}.issuer is not a FHIR base URL: give an absolute URL without query, fragment or user`];
  if (base.url.protocol === 'http:' && !development) {
    return [`${path}.issuer must use https (for development: options.allowNonHttpsLaunch: true)`];
  }
  return [];
}

function checkAuthentication(path: string, server: ClientAuthenticationConfiguration): string[] {
  const { type, method, clientSecret } = server as {
    type?: unknown;
    method?: unknown;
    clientSecret?: unknown;
  };
  if (type === 'public') {
    return clientSecret === undefined
      ? []
      : [
          `${path} is public and has a clientSecret: set type: 'confidential-symmetric', or remove the secret`,
        ];
  }
  if (type !== 'confidential-symmetric' && type !== 'confidential-asymmetric') {
    return [
      `${path}.type must be 'public', 'confidential-symmetric' or 'confidential-asymmetric': ` +
        'a client that authenticates is the safer choice, public must be asked for',
    ];
  }
  if (!METHODS[type].includes(method as string)) {
    return [
      `${path}.method must be ${METHODS[type].map((name) => `'${name}'`).join(' or ')} for type '${type}'`,
    ];
  }
  if (server.type === 'confidential-asymmetric') {
    if (server.privateKey === undefined) return [`${path}.privateKey is missing: give the private JWK`];
    try {
      signingKeys(server);
      return [];
    } catch (error) {
      return [`${path}.privateKey ${(error as Error).message}`];
    }
  }
  const mistakes = requiredText(`${path}.clientSecret`, clientSecret, 'the secret the EHR gave you');
  const id = (server as Partial<KnownFhirServer>).clientId;
  if (
    method === 'client_secret_basic' &&
    id?.includes(':') &&
    !(server as Partial<KnownFhirServer>).encodeBasic
  ) {
    mistakes.push(`${path}.clientId holds a ":", which Basic cannot carry: set encodeBasic: true`);
  }
  return mistakes;
}

function duplicateIssuers(servers: KnownFhirServer[]): string[] {
  const seen = new Map<string, number>();
  return servers.flatMap((server, index) => {
    const canonical = typeof server?.issuer === 'string' && parseFhirBaseUrl(server.issuer)?.canonical;
    if (!canonical || server.issMatch !== undefined) return [];
    const first = seen.get(canonical);
    if (first === undefined) seen.set(canonical, index);
    return first === undefined
      ? []
      : [`client.knownFhirServers[${index}].issuer is the same server as [${first}]: keep one of them`];
  });
}

/** The app's own URLs (SMART 2.2 "Register App with EHR"): fixed, absolute, https. */
function ownUrl(path: string, value: unknown, development: boolean, registered: boolean): string[] {
  if (typeof value !== 'string' || value === '') return [`${path} is missing: give an absolute https URL`];
  let url: URL;
  try {
    url = new URL(value);
  } catch {
    return [`${path} is not an absolute URL: give e.g. "https://app.example.com/fhir/callback"`];
  }
  const mistakes: string[] = [];
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && development && isLoopback(url.hostname))) {
    mistakes.push(
      `${path} must use https (http only for localhost, with options.allowNonHttpsLaunch: true, in development)`,
    );
  }
  if (registered && value.includes('#')) mistakes.push(`${path} must not have a fragment`);
  if (value.includes('*')) mistakes.push(`${path} must not have a wildcard`);
  if (url.username || url.password) mistakes.push(`${path} must not hold credentials`);
  return mistakes;
}

function requiredText(path: string, value: unknown, fix: string): string[] {
  return typeof value === 'string' && value.trim() !== '' ? [] : [`${path} is missing: give ${fix}`];
}
