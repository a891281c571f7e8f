import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import type { CryptoKey, JWK } from 'jose';
import type { KnownFhirServer } from 'nestjs-smart-on-fhir';

/** What a launch is about. The two EHRs use the same patient ids for different people. */
export interface Target {
  ehr: 'a' | 'b';
  patient: string;
  user: string;
}

interface Answer {
  status: number;
  body: object;
}

const TOKEN_SECONDS = 300;

/**
 * Two EHRs on loopback. A code says what it is for, and so does a token: whoever shows a token gets that patient,
 * whatever was asked for. Refresh tokens rotate; one that is shown twice ends its grant.
 */
export class TwoEhrs {
  readonly #server = createServer((request, response) => {
    const { method, url = '', headers } = request;
    void text(request).then(async (body) => {
      await this.pause();
      const { status, body: json } = await this.#answer(method, url, headers.authorization, body);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
    });
  });
  /** refresh tokens that are good, by grant */
  readonly #grants = new Map<string, { target: Target; refreshToken: string }>();
  readonly #idTokens = new Map<string, { signedAt: number; idToken: Promise<string> }>();
  #count = 0;
  /** waits before every answer */
  pause: () => Promise<void> = () => Promise.resolve();

  private constructor(
    private readonly key: CryptoKey,
    private readonly jwk: JWK,
  ) {}

  static async start(): Promise<TwoEhrs> {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const ehrs = new TwoEhrs(privateKey, await exportJWK(publicKey));
    await new Promise<void>((resolve) => ehrs.#server.listen(0, '127.0.0.1', resolve));
    return ehrs;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  issuer(ehr: Target['ehr']): string {
    return `${this.#base(ehr)}/fhir`;
  }

  knownServer(ehr: Target['ehr']): KnownFhirServer {
    const base = this.#base(ehr);
    const endpoints = {
      issuer: base,
      authorization: `${base}/authorize`,
      token: `${base}/token`,
      jwks: `${base}/jwks`,
    };
    return { name: ehr, issuer: this.issuer(ehr), type: 'public', sendNonce: false, endpoints };
  }

  /** what the authorization endpoint would send back */
  code(target: Target): string {
    return seal(target);
  }

  /** Ends every grant that the EHR gave for this patient: the next refresh is `invalid_grant`. */
  endGrants({ ehr, patient }: Target): void {
    for (const [grant, { target }] of this.#grants) {
      if (target.ehr === ehr && target.patient === patient) this.#grants.delete(grant);
    }
  }

  #base(ehr: Target['ehr']): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${ehr}`;
  }

  async #answer(
    method: string | undefined,
    url: string,
    authorization: string | undefined,
    body: string,
  ): Promise<Answer> {
    const [, ehr, route] = url.split('/');
    if (route === 'jwks') return { status: 200, body: { keys: [this.jwk] } };
    if (route === 'token' && method === 'POST') return this.#token(ehr, new URLSearchParams(body));
    const token = unseal<{ target: Target; expiresAt: number }>(authorization?.slice('Bearer '.length) ?? '');
    const isGood = token !== undefined && token.expiresAt > Date.now() && token.target.ehr === ehr;
    if (!isGood) return { status: 401, body: {} };
    const source = this.issuer(token.target.ehr);
    return { status: 200, body: { resourceType: 'Patient', id: token.target.patient, meta: { source } } };
  }

  async #token(ehr: string | undefined, form: URLSearchParams): Promise<Answer> {
    const refused = { status: 400, body: { error: 'invalid_grant' } };
    const code = form.get('code');
    if (code !== null) {
      const target = unseal<Target>(code);
      return target && target.ehr === ehr ? this.#tokens(target, `grant-${++this.#count}`) : refused;
    }
    const refreshToken = form.get('refresh_token') ?? '';
    const [grantId = ''] = refreshToken.split('.');
    const grant = this.#grants.get(grantId);
    if (grant?.refreshToken === refreshToken) return this.#tokens(grant.target, grantId);
    this.#grants.delete(grantId);
    return refused;
  }

  async #tokens(target: Target, grant: string): Promise<Answer> {
    const refreshToken = `${grant}.${++this.#count}`;
    this.#grants.set(grant, { target, refreshToken });
    const idToken = await this.#idToken(this.#base(target.ehr), target.user);
    const expiresAt = Date.now() + TOKEN_SECONDS * 1_000;
    return {
      status: 200,
      body: {
        access_token: seal({ target, expiresAt, count: this.#count }),
        token_type: 'Bearer',
        expires_in: TOKEN_SECONDS,
        refresh_token: refreshToken,
        id_token: idToken,
        scope: 'launch openid offline_access patient/Patient.rs',
        patient: target.patient,
      },
    };
  }

  /** Signed once a minute: signing is what takes longest. */
  #idToken(issuer: string, user: string): Promise<string> {
    const known = this.#idTokens.get(issuer + user);
    const now = Date.now();
    if (known && now - known.signedAt < 60_000) return known.idToken;
    const idToken = new SignJWT()
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer(issuer)
      .setSubject(user)
      .setAudience('tabs')
      .setIssuedAt()
      .setExpirationTime('5 minutes')
      .sign(this.key);
    this.#idTokens.set(issuer + user, { signedAt: now, idToken });
    return idToken;
  }
}

function seal(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function unseal<T>(text: string): T | undefined {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString()) as T;
  } catch {
    return undefined;
  }
}
