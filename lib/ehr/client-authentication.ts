import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import type { CryptoKey } from 'jose';
import type { ClientAuth as OpenIdClientAuth } from 'openid-client';
import { readSigningKeys } from './client-keys.js';
import type { SigningKey } from './client-keys.js';
import type { ClientAuthenticationConfiguration, ClientPrivateKey } from './known-fhir-server.js';
import type { Registration } from './registrations.js';
import type { SmartConfiguration } from './smart-configuration.js';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** SMART 2.2 allows five minutes; less leaves room for a clock that is off */
const ASSERTION_LIFETIME_SECONDS = 120;

const SECRET_METHODS = ['client_secret_basic', 'client_secret_post'] as const;
type SecretMethod = (typeof SECRET_METHODS)[number];

/** what a server says of client authentication */
type Advertised =
  'token_endpoint_auth_methods_supported' | 'token_endpoint_auth_signing_alg_values_supported';

type KeyAuthentication = Extract<ClientAuthenticationConfiguration, { method: 'private_key_jwt' }>;

/** openid-client's type says `void`, and it awaits the answer. */
type ClientAuth = (...parameters: Parameters<OpenIdClientAuth>) => unknown;

const keysOf = new WeakMap<object, SigningKey[]>();

/** The keys of one `private_key_jwt` configuration, read once. */
export function signingKeys(authentication: {
  privateKey: ClientPrivateKey | ClientPrivateKey[];
}): SigningKey[] {
  let keys = keysOf.get(authentication);
  if (!keys) keysOf.set(authentication, (keys = readSigningKeys(authentication.privateKey)));
  return keys;
}

/**
 * How requests to the authorization server's back channel are authenticated, as an openid-client
 * `ClientAuth`. openid-client's own `ClientSecretBasic` form-encodes id and secret, which Epic, Medplum and
 * the SMART launcher refuse; its `PrivateKeyJwt` names the issuer as audience.
 */
export function clientAuthentication(
  registration: Registration,
  server: Pick<SmartConfiguration, 'issuer' | 'token_endpoint' | Advertised>,
): ClientAuth {
  const { authentication, clientId } = registration;
  switch (authentication.type) {
    case 'public':
    case 'open':
      return (_server, _client, body) => body.set('client_id', clientId);
    case 'confidential-symmetric':
      return bySecret(registration, authentication.method, authentication.clientSecret);
    case 'confidential-asymmetric': {
      const { clientSecret } = authentication;
      const method = methodWithoutKeys(server.token_endpoint_auth_methods_supported);
      // SMART 2.2 prefers the key; the secret is for a server that says it takes none.
      if (clientSecret !== undefined && method) return bySecret(registration, method, clientSecret);
      return byKey(registration, authentication, server);
    }
  }
}

function bySecret(
  { clientId, switches }: Registration,
  method: SecretMethod,
  clientSecret: string,
): ClientAuth {
  if (method === 'client_secret_post') {
    return (_server, _client, body) => {
      body.set('client_id', clientId);
      body.set('client_secret', clientSecret);
    };
  }
  const encode = switches.encodeBasic ? formEncode : (text: string) => text;
  const credentials = Buffer.from(`${encode(clientId)}:${encode(clientSecret)}`).toString('base64');
  return (_server, _client, body, headers) => {
    headers.set('authorization', `Basic ${credentials}`);
    if (switches.sendClientId) body.set('client_id', clientId);
  };
}

function byKey(
  registration: Registration,
  authentication: KeyAuthentication,
  server: Parameters<typeof clientAuthentication>[1],
): ClientAuth {
  const keys = signingKeys(authentication);
  const { clientPublicKeySetUrl: jku } = authentication;
  return async (_server, _client, body) => {
    const key = chooseKey(keys, server.token_endpoint_auth_signing_alg_values_supported);
    body.set('client_assertion_type', ASSERTION_TYPE);
    body.set('client_assertion', await assertion(key, registration, server, jku));
    if (registration.switches.sendClientId) body.set('client_id', registration.clientId);
  };
}

/** How a secret is sent to a server that lists its methods and no key among them. */
function methodWithoutKeys(methods: string[] | undefined): SecretMethod | undefined {
  if (!methods || methods.includes('private_key_jwt')) return undefined;
  return SECRET_METHODS.find((method) => methods.includes(method));
}

/** No key's algorithm is one the server takes. */
export class NoCommonAlgorithm extends Error {
  override readonly name = 'NoCommonAlgorithm';
}

function chooseKey(keys: SigningKey[], supported: string[] | undefined): SigningKey {
  const key = supported?.length ? keys.find(({ alg }) => supported.includes(alg)) : keys[0];
  if (key) return key;
  throw new NoCommonAlgorithm(
    `The server takes client assertions signed with ${algorithms(supported)}, the configured keys sign with ` +
      keys.map(({ alg }) => alg).join(', '),
  );
}

/** The server's own words, as far as they are names of algorithms. */
function algorithms(supported: string[] | undefined): string {
  const names = (supported ?? []).filter((alg) => /^[A-Z]{2}\d{3}$/.test(alg));
  return names.slice(0, 10).join(', ') || 'others';
}

/** A client assertion, new for every request (SMART 2.2 "Client Authentication: Asymmetric", RFC 7523). */
async function assertion(
  key: SigningKey,
  registration: Registration,
  server: Pick<SmartConfiguration, 'issuer' | 'token_endpoint'>,
  jku: string | undefined,
): Promise<string> {
  const { clientId, switches } = registration;
  const strict = switches.strictAudienceValidation === true;
  const now = Math.floor(Date.now() / 1000);
  const typ = strict ? 'client-authentication+jwt' : 'JWT';
  const header = { alg: key.alg, kid: key.kid, typ, ...(jku !== undefined && { jku }) };
  const payload = {
    iss: clientId,
    sub: clientId,
    aud: switches.assertionAudience ?? (strict && server.issuer ? server.issuer : server.token_endpoint),
    jti: randomUUID(),
    iat: now,
    exp: now + ASSERTION_LIFETIME_SECONDS,
  };
  if (key.kind === 'local') {
    const privateKey = await (key.key as () => Promise<CryptoKey>)();
    return new SignJWT(payload).setProtectedHeader(header).sign(privateKey);
  }
  const signed = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(payload))}`;
  const sign = key.key as (data: Uint8Array) => Promise<Uint8Array>;
  return `${signed}.${base64url(await sign(Buffer.from(signed)))}`;
}

function base64url(data: string | Uint8Array): string {
  return Buffer.from(data as Uint8Array).toString('base64url');
}

/** application/x-www-form-urlencoded, RFC 6749 2.3.1 and appendix B */
function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
