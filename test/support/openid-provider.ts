import { KeyObject, generateKeyPairSync, sign } from 'node:crypto';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import type { CryptoKey, JWK, JWTPayload } from 'jose';
import type { ClientAuthenticationConfiguration } from '../../lib/ehr/known-fhir-server.js';
import type { SmartConfiguration } from '../../lib/ehr/smart-configuration.js';
import type { SmartError } from '../../lib/smart-error.js';
import type { IdTokenChecks, IdTokenClaims, IdTokenVerifier } from '../../lib/token/id-token.js';
import { EhrServer } from './ehr-server.js';
import { registrationOf } from './registration.js';
import type { ServerSettings } from './registration.js';

/** A key pair of the provider, or of somebody who would like to be. */
export interface SigningKey {
  privateKey: CryptoKey;
  publicJwk: JWK;
  alg: string;
}

export async function signingKey(alg: string, members: JWK | { kid?: string } = {}): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { privateKey, publicJwk: { ...(await exportJWK(publicKey)), alg, use: 'sig', ...members }, alg };
}

/** An id_token, its `kid` the key's own unless the header says otherwise. */
export function idToken(
  key: SigningKey,
  claims: JWTPayload,
  header: Record<string, unknown> = {},
): Promise<string> {
  const { alg, publicJwk } = key;
  return new SignJWT(claims)
    .setProtectedHeader({ alg, ...(publicJwk.kid && { kid: publicJwk.kid }), ...header })
    .sign(key.privateKey);
}

/** A JWS put together by hand, for what no library would sign. */
export function forged(header: object, claims: object, sign: (signed: string) => Buffer): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${sign(signed).toString('base64url')}`;
}

/** Signs what jose would not, with a good RSA key. */
export function signedBy({ privateKey }: SigningKey): (signed: string) => Buffer {
  return (signed) => sign('sha256', Buffer.from(signed), KeyObject.from(privateKey));
}

/** An RSA key too short to be trusted. */
export function shortRsaKey(kid: string): { publicJwk: JWK; sign: (signed: string) => Buffer } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  return {
    publicJwk: { ...(publicKey.export({ format: 'jwk' }) as JWK), kid, alg: 'RS256', use: 'sig' },
    sign: (signed) => sign('sha256', Buffer.from(signed), privateKey),
  };
}

/** What differs from an ordinary login. */
export interface LoginSituation {
  checks?: Partial<IdTokenChecks>;
  server?: Partial<SmartConfiguration>;
  settings?: ServerSettings;
  authentication?: ClientAuthenticationConfiguration;
}

/** An OpenID provider: its JWKS at `/jwks`, its own document at `/.well-known/openid-configuration`. */
export class OpenIdProvider {
  keys: JWK[] = [];
  /** replaces members of the OpenID configuration */
  metadata: Record<string, unknown> = {};

  private constructor(readonly server: EhrServer) {}

  static async start(): Promise<OpenIdProvider> {
    const server = await EhrServer.start();
    const provider = new OpenIdProvider(server);
    provider.reset([]);
    return provider;
  }

  get issuer(): string {
    return this.server.url;
  }

  get jwksUri(): string {
    return `${this.server.url}/jwks`;
  }

  /** The claims of a good id_token for the client `growth-chart`, some of them changed. */
  claims(changed: Record<string, unknown> = {}): Record<string, unknown> {
    const now = Math.floor(Date.now() / 1000);
    const good = { sub: 'user-1', aud: 'growth-chart', exp: now + 300, iat: now, nonce: 'nonce-1' };
    return { iss: this.issuer, ...good, ...changed };
  }

  /** Verifies as a login does that sent the nonce `nonce-1` and got the access token `access-1`. */
  async verify(
    verifier: IdTokenVerifier,
    token: string | Promise<string>,
    { checks, server, settings, authentication }: LoginSituation = {},
  ): Promise<IdTokenClaims | SmartError> {
    const { issuer, jwksUri: jwks_uri } = this;
    return verifier.verify(
      await token,
      registrationOf(settings, authentication),
      { issuer, jwks_uri, token_endpoint: `${issuer}/token`, capabilities: [], ...server },
      { nonce: 'nonce-1', accessToken: 'access-1', clockToleranceSeconds: 30, maxAgeSeconds: 600, ...checks },
    );
  }

  /** how often the keys were fetched */
  get fetches(): number {
    return this.server.to('/jwks').length;
  }

  reset(keys: SigningKey[]): void {
    this.keys = keys.map(({ publicJwk }) => publicJwk);
    this.metadata = {};
    this.server.reset();
    this.server.respondWith(({ path }) => {
      if (path === '/jwks') return { json: { keys: this.keys } };
      if (path !== '/.well-known/openid-configuration') return { status: 404 };
      return { json: { issuer: this.issuer, jwks_uri: this.jwksUri, ...this.metadata } };
    });
  }

  close(): Promise<void> {
    return this.server.close();
  }
}
