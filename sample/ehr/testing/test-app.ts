import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { CryptoKey } from 'jose';
import type { AppAuthentication, PublicJwk, RegisteredApp } from '../registered-app.js';
import type { RunningEhr } from '../start-ehr.js';
import { Browser } from './browser.js';

export type Json = Record<string, unknown>;

export interface TokenAnswer {
  status: number;
  headers: Headers;
  body: Json;
}

interface Authorization {
  url: string;
  verifier: string;
  state: string;
  nonce: string;
}

/** A bare SMART app for the EHR's own tests: it has no server, the browser stops at its redirect URI. */
export class TestApp {
  readonly redirectUri: string;

  private constructor(
    readonly registration: RegisteredApp,
    private readonly privateKey: CryptoKey | null,
  ) {
    this.redirectUri = `http://127.0.0.1:9/${registration.clientId}/callback`;
  }

  static async create(clientId: string, authentication: AppAuthentication): Promise<TestApp> {
    const base = {
      clientId,
      name: `App ${clientId}`,
      launchUri: `http://127.0.0.1:9/${clientId}/launch?tenant=1`,
      redirectUris: [`http://127.0.0.1:9/${clientId}/callback`],
      authentication,
    };
    if (authentication === 'none') return new TestApp(base, null);
    if (authentication !== 'private_key_jwt')
      return new TestApp({ ...base, clientSecret: randomUUID() }, null);
    const { publicKey, privateKey } = await generateKeyPair('ES384', { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid: clientId, alg: 'ES384' } as PublicJwk;
    return new TestApp({ ...base, jwks: { keys: [jwk] } }, privateKey);
  }

  authorizationRequest(ehr: RunningEhr, parameters: Record<string, string | null>): Authorization {
    const verifier = randomBytes(32).toString('base64url');
    const state = randomUUID();
    const nonce = randomUUID();
    const request: Record<string, string | null> = {
      response_type: 'code',
      client_id: this.registration.clientId,
      redirect_uri: this.redirectUri,
      aud: ehr.fhirBaseUrl,
      state,
      nonce,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...parameters,
    };
    const url = new URL(`${ehr.issuer}/auth`);
    for (const [name, value] of Object.entries(request)) {
      if (value !== null) url.searchParams.set(name, value);
    }
    return { url: url.href, verifier, state, nonce };
  }

  /** Goes through the EHR without stopping; the parameters that arrive at the redirect URI. */
  async authorize(
    ehr: RunningEhr,
    parameters: Record<string, string | null>,
    browser = new Browser(),
  ): Promise<{ callback: URLSearchParams; request: Authorization }> {
    const request = this.authorizationRequest(ehr, parameters);
    const arrived = await browser.follow(request.url, this.redirectUri);
    if (!(arrived instanceof URL)) throw new Error(`Stopped at ${arrived.status} ${await arrived.text()}`);
    return { callback: arrived.searchParams, request };
  }

  async launch(
    ehr: RunningEhr,
    parameters: Record<string, string | null>,
  ): Promise<TokenAnswer & { nonce: string }> {
    const { callback, request } = await this.authorize(ehr, parameters);
    return { ...(await this.exchange(ehr, callback, request.verifier)), nonce: request.nonce };
  }

  exchange(ehr: RunningEhr, callback: URLSearchParams, verifier: string): Promise<TokenAnswer> {
    return this.post(ehr, 'token', {
      grant_type: 'authorization_code',
      code: callback.get('code') ?? '',
      redirect_uri: this.redirectUri,
      code_verifier: verifier,
    });
  }

  refresh(ehr: RunningEhr, refreshToken: unknown, more: Record<string, string> = {}): Promise<TokenAnswer> {
    const parameters = { grant_type: 'refresh_token', refresh_token: String(refreshToken), ...more };
    return this.post(ehr, 'token', parameters);
  }

  /** An authenticated request at one of the EHR's endpoints. */
  async post(ehr: RunningEhr, path: string, parameters: Record<string, string>): Promise<TokenAnswer> {
    const url = `${ehr.issuer}/${path}`;
    const form = { ...parameters, ...(await this.#bodyCredentials(url)) };
    const response = await fetch(url, {
      method: 'POST',
      headers: { Accept: 'application/json', ...this.#headerCredentials() },
      body: new URLSearchParams(form),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? {} : (JSON.parse(text) as Json),
    };
  }

  async assertion(audience: string, lifetimeSeconds = 60): Promise<string> {
    if (!this.privateKey) throw new Error('This app has no key');
    const { clientId } = this.registration;
    return new SignJWT({ jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES384', kid: clientId, typ: 'JWT' })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(audience)
      .setExpirationTime(Math.floor(Date.now() / 1000) + lifetimeSeconds)
      .sign(this.privateKey);
  }

  #headerCredentials(): Record<string, string> {
    const { authentication, clientId, clientSecret } = this.registration;
    if (authentication !== 'client_secret_basic') return {};
    return { Authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` };
  }

  async #bodyCredentials(url: string): Promise<Record<string, string>> {
    const { authentication, clientId, clientSecret } = this.registration;
    switch (authentication) {
      case 'none':
        return { client_id: clientId };
      case 'client_secret_basic':
        return {};
      case 'client_secret_post':
        return { client_id: clientId, client_secret: clientSecret ?? '' };
      case 'private_key_jwt':
        return {
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: await this.assertion(url),
        };
    }
  }
}
