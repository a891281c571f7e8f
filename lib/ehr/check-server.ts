import { signingKeys } from './client-authentication.js';
import { parseFhirBaseUrl } from './fhir-base-url.js';
import { ownUrl, requiredText } from './check-configuration-values.js';
import type { ClientAuthenticationConfiguration, KnownFhirServer } from './known-fhir-server.js';
import { endpointUrl } from './smart-configuration.js';
import { unknownOptions } from './unknown-options.js';

const METHODS = {
  'confidential-symmetric': ['client_secret_basic', 'client_secret_post'],
  'confidential-asymmetric': ['private_key_jwt'],
};
const BOOLEANS = [
  'sendNonce',
  'sendClientId',
  'encodeBasic',
  'strictAudienceValidation',
  'profileClaim',
  'refreshWithRedirectUri',
  'stripIssQuery',
  'assumeBearer',
  'contextReferences',
  'legacyMetadata',
  'discoverPatient',
  'patientFromFhirUser',
  'dpop',
  'resource',
] as const;
const CHOICES = {
  bareFhirUserType: ['Practitioner', 'Patient'],
  fhirMediaType: ['application/fhir+json', 'application/json+fhir'],
  target: ['_self', '_top', '_blank', 'popup'],
} as const;
/** RFC 6749 3.3 */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
/** where relative endpoints are tried while the issuer is known only by a pattern */
const ANY_BASE = 'https://ehr.invalid/fhir';
const ENDPOINTS = [
  'issuer',
  'authorization',
  'token',
  'jwks',
  'introspection',
  'revocation',
  'endSession',
  'pushedAuthorization',
];
const OPTIONS = [
  'name',
  'issuer',
  'issMatch',
  'type',
  'method',
  'clientSecret',
  'privateKey',
  'clientPublicKeySetUrl',
  'clientId',
  'scope',
  'callbackUrl',
  'redirectUrl',
  'postLogoutRedirectUrl',
  'endpoints',
  'aud',
  'assertionAudience',
  'issuerAliases',
  'pkceMode',
  'scopeNames',
  ...Object.keys(CHOICES),
  'pushedAuthorizationRequests',
  'endSession',
  ...BOOLEANS,
];

/** Every mistake of one known server, each as a sentence that names the option, the problem, the fix. */
export function checkServer(path: string, server: KnownFhirServer, development: boolean): string[] {
  if (typeof server !== 'object' || server === null) return [`${path} is not an object`];
  const { clientId, scope, callbackUrl, redirectUrl, postLogoutRedirectUrl: afterLogout } = server;
  return [
    ...unknownOptions(path, server, OPTIONS),
    ...requiredText(`${path}.name`, server.name, 'any name you know the EHR by'),
    ...checkIssuer(path, server, development),
    ...checkAuthentication(path, server),
    ...checkPublicKeySetUrl(path, server, development),
    ...(clientId === undefined ? [] : requiredText(`${path}.clientId`, clientId, 'or leave it out')),
    ...(scope === undefined ? [] : requiredText(`${path}.scope`, scope, 'or leave it out')),
    ...(callbackUrl === undefined ? [] : ownUrl(`${path}.callbackUrl`, callbackUrl, development)),
    ...(redirectUrl === undefined ? [] : ownUrl(`${path}.redirectUrl`, redirectUrl, development)),
    ...(afterLogout === undefined ? [] : ownUrl(`${path}.postLogoutRedirectUrl`, afterLogout, development)),
    ...checkSwitches(path, server, development),
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
  if (!base) {
    return [`${path}.issuer is not a FHIR base URL: give an absolute URL without query, fragment or user`];
  }
  if (base.url.pathname.includes('/.well-known/')) {
    return [
      `${path}.issuer is the address of the SMART configuration: give the FHIR base, without /.well-known/…`,
    ];
  }
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
  if (type === 'open') {
    const secrets = (['clientSecret', 'privateKey'] as const).filter((name) => name in server);
    return secrets.map(
      (name) => `${path} is an open server and has a ${name}: remove it, or set another type`,
    );
  }
  if (type !== 'confidential-symmetric' && type !== 'confidential-asymmetric') {
    return [
      `${path}.type must be 'public', 'confidential-symmetric', 'confidential-asymmetric' or 'open'` +
        (typeof type === 'string' ? `, not '${type.slice(0, 40)}'` : ': a public client must be asked for'),
    ];
  }
  if (!METHODS[type].includes(method as string)) {
    const choice = METHODS[type].map((name) => `'${name}'`).join(' or ');
    return [`${path}.method must be ${choice} for type '${type}'`];
  }
  if (server.type === 'confidential-asymmetric') {
    if (server.privateKey === undefined) return [`${path}.privateKey is missing: give the private JWK`];
    try {
      signingKeys(server);
      return clientSecret === undefined
        ? []
        : requiredText(`${path}.clientSecret`, clientSecret, 'or leave it out');
    } catch (error) {
      return [`${path}.privateKey ${(error as Error).message}`];
    }
  }
  return requiredText(`${path}.clientSecret`, clientSecret, 'the secret the EHR gave you');
}

/** What the header names must be what was registered: an https URL that anybody may read. */
function checkPublicKeySetUrl(
  path: string,
  server: ClientAuthenticationConfiguration,
  development: boolean,
): string[] {
  const { type, clientPublicKeySetUrl: url } = server as { type: unknown; clientPublicKeySetUrl?: unknown };
  if (url === undefined) return [];
  return type === 'confidential-asymmetric'
    ? ownUrl(`${path}.clientPublicKeySetUrl`, url, development)
    : [
        `${path}.clientPublicKeySetUrl goes with a privateKey: set type: 'confidential-asymmetric', or remove it`,
      ];
}

function checkSwitches(path: string, server: KnownFhirServer, development: boolean): string[] {
  const mistakes = BOOLEANS.filter(
    (name) => server[name] !== undefined && typeof server[name] !== 'boolean',
  ).map((name) => `${path}.${name} must be true or false`);
  for (const name of ['aud', 'assertionAudience'] as const) {
    if (server[name] !== undefined)
      mistakes.push(...requiredText(`${path}.${name}`, server[name], 'or leave it out'));
  }
  for (const [name, choices] of Object.entries(CHOICES)) {
    const value: unknown = server[name as keyof typeof CHOICES];
    if (value !== undefined && !(choices as readonly unknown[]).includes(value))
      mistakes.push(`${path}.${name} must be one of ${choices.join(', ')}`);
  }
  if (server.scopeNames !== undefined) mistakes.push(...checkScopeNames(path, server.scopeNames));
  const { issuerAliases, endpoints, pushedAuthorizationRequests: pushes } = server;
  if (![undefined, true, false, 'ifRequired'].includes(pushes)) {
    mistakes.push(`${path}.pushedAuthorizationRequests must be true, false or 'ifRequired'`);
  }
  if (![undefined, true, false, 'redirect'].includes(server.endSession)) {
    mistakes.push(`${path}.endSession must be true, false or 'redirect'`);
  }
  if (issuerAliases !== undefined && !(Array.isArray(issuerAliases) && issuerAliases.every(isText))) {
    mistakes.push(`${path}.issuerAliases must be a list of issuers, as id_tokens carry them`);
  }
  if (endpoints === undefined) return mistakes;
  if (typeof endpoints !== 'object' || endpoints === null)
    return [...mistakes, `${path}.endpoints is not an object`];
  mistakes.push(...unknownOptions(`${path}.endpoints`, endpoints, ENDPOINTS));
  for (const [name, value] of Object.entries(endpoints)) {
    try {
      if (name !== 'issuer' && value !== undefined)
        endpointUrl(name, value, server.issuer ?? ANY_BASE, development);
    } catch (error) {
      mistakes.push(`${path}.endpoints.${(error as Error).message}`);
    }
  }
  return mistakes;
}

/** Read back, one name must mean one scope. */
function checkScopeNames(path: string, names: unknown): string[] {
  const isMap = typeof names === 'object' && names !== null && !Array.isArray(names);
  const all = isMap ? Object.entries(names as Record<string, unknown>) : [];
  if (!isMap || !all.flat().every((scope) => typeof scope === 'string' && SCOPE.test(scope))) {
    return [
      `${path}.scopeNames must map scopes to the server's names: { 'patient/Patient.rs': 'patient.Patient.rs' }`,
    ];
  }
  const isAmbiguous = new Set(all.map(([, name]) => name)).size < all.length;
  return isAmbiguous ? [`${path}.scopeNames has one name for two scopes: give each its own`] : [];
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
