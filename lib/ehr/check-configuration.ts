import { signingKeys } from './client-authentication.js';
import type { SigningKey } from './client-keys.js';
import { checkServer } from './check-server.js';
import { ownUrl, requiredText } from './check-configuration-values.js';
import { parseFhirBaseUrl } from './fhir-base-url.js';
import type {
  ClientPrivateKey,
  KnownFhirServer,
  PkceMode,
  SmartClientConfiguration,
} from './known-fhir-server.js';
import { checkPkceModes } from './pkce-mode.js';
import { isSameKey, keysByOption } from './published-keys.js';
import { unknownOptions } from './unknown-options.js';

export const CLIENT_OPTIONS = [
  'clientId',
  'scope',
  'callbackUrl',
  'redirectUrl',
  'postLogoutRedirectUrl',
  'knownFhirServers',
  'allowAnyIssuer',
  'registrations',
  'privateKey',
];

/** Every mistake of a client configuration, each as a sentence that names the option, the problem, the fix. */
export function checkConfiguration(
  configuration: SmartClientConfiguration,
  development: boolean,
  pkceMode?: PkceMode,
): string[] {
  if (typeof configuration !== 'object' || configuration === null) {
    return ['client is missing: give clientId, scope, callbackUrl, redirectUrl and knownFhirServers'];
  }
  const mistakes = [
    ...unknownOptions('client', configuration, CLIENT_OPTIONS),
    ...requiredText('client.clientId', configuration.clientId, 'the client_id the EHR gave you'),
    ...requiredText('client.scope', configuration.scope, 'e.g. "launch openid fhirUser patient/Patient.rs"'),
    ...ownUrl('client.callbackUrl', configuration.callbackUrl, development),
    ...ownUrl('client.redirectUrl', configuration.redirectUrl, development),
  ];
  const { postLogoutRedirectUrl } = configuration;
  if (postLogoutRedirectUrl !== undefined)
    mistakes.push(...ownUrl('client.postLogoutRedirectUrl', postLogoutRedirectUrl, development));
  if (!['undefined', 'boolean'].includes(typeof configuration.allowAnyIssuer))
    mistakes.push('client.allowAnyIssuer must be true or false');
  const given: unknown = configuration.knownFhirServers ?? [];
  if (!Array.isArray(given))
    return [...mistakes, 'client.knownFhirServers is not a list: give [{ name, issuer, type }]'];
  const servers = given as KnownFhirServer[];
  const { registrations } = configuration;
  if (registrations !== undefined && typeof registrations !== 'function')
    mistakes.push('client.registrations must be a function: (issuer) => the known server, or null');
  if (servers.length === 0 && configuration.allowAnyIssuer !== true && registrations === undefined) {
    mistakes.push(
      'client.knownFhirServers is empty: name the EHRs that may launch this app, or set client.allowAnyIssuer: true',
    );
  }
  const ofServers = servers.flatMap((server, index) =>
    checkServer(`client.knownFhirServers[${index}]`, server, development),
  );
  const ofKeys = checkPublishedKeys(configuration);
  mistakes.push(...ofServers, ...ofKeys);
  if (ofServers.length === 0) {
    mistakes.push(
      ...checkPkceModes(configuration, pkceMode),
      ...duplicateIssuers(servers),
      ...ambiguousBasic(configuration, servers),
      ...(ofKeys.length === 0 ? sharedKids(configuration) : []),
    );
  }
  return mistakes;
}

function duplicateIssuers(servers: KnownFhirServer[]): string[] {
  const seen = new Map<string, number>();
  return servers.flatMap((server, index) => {
    const stripQuery = server.stripIssQuery;
    const canonical =
      server.issuer === undefined ? undefined : parseFhirBaseUrl(server.issuer, { stripQuery })?.canonical;
    if (!canonical || server.issMatch !== undefined) return [];
    const first = seen.get(canonical);
    if (first === undefined) seen.set(canonical, index);
    return first === undefined
      ? []
      : [`client.knownFhirServers[${index}].issuer is the same server as [${first}]: keep one of them`];
  });
}

/** Basic splits at the first ":", so a client id must not hold one (RFC 7617 2). */
function ambiguousBasic(configuration: SmartClientConfiguration, servers: KnownFhirServer[]): string[] {
  return servers.flatMap((server, index) => {
    const isRawBasic =
      server.type === 'confidential-symmetric' &&
      server.method === 'client_secret_basic' &&
      !server.encodeBasic;
    return isRawBasic && (server.clientId ?? configuration.clientId).includes(':')
      ? [
          `client.knownFhirServers[${index}]: the clientId holds a ":", which Basic cannot carry; set encodeBasic: true`,
        ]
      : [];
  });
}

/** A key that stands here for nothing but to be published needs its public half. */
function checkPublishedKeys(configuration: SmartClientConfiguration): string[] {
  if (configuration.privateKey === undefined) return [];
  let keys: SigningKey[];
  try {
    keys = signingKeys(configuration as { privateKey: ClientPrivateKey });
  } catch (error) {
    return [`client.privateKey ${(error as Error).message}`];
  }
  return keys.some(({ publicJwk }) => publicJwk === undefined)
    ? ['client.privateKey has a key without publicJwk, so it cannot be published: give its public JWK']
    : [];
}

/** All keys are published in one JWKS, where the EHR finds them by kid. */
function sharedKids(configuration: SmartClientConfiguration): string[] {
  const seen = new Map<string, SigningKey['publicJwk']>();
  return keysByOption(configuration).flatMap(([option, keys]) =>
    keys.flatMap(({ kid, publicJwk }) => {
      const other = seen.get(kid);
      seen.set(kid, publicJwk);
      return other === undefined || isSameKey(other, publicJwk)
        ? []
        : [`${option} has the kid of another key: give each key its own`];
    }),
  );
}
