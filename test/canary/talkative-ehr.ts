import { EhrServer } from '../support/ehr-server.js';
import type { EhrAnswer, EhrRequest } from '../support/ehr-server.js';
import { idToken, signingKey } from '../support/openid-provider.js';
import type { SigningKey } from '../support/openid-provider.js';
import { PLANTED } from './secrets.js';
import type { Secrets } from './secrets.js';

export type Endpoint = 'configuration' | 'token' | 'refresh' | 'jwks' | 'revoke' | 'Patient' | 'Observation';
/** an answer, or what to answer with all secrets at hand */
type Fault = EhrAnswer | ((quotation: string, good: Record<string, unknown>) => EhrAnswer);
export type Faults = Partial<Record<Endpoint, Fault>>;

export const CLIENT_ID = 'records-app';

/** An EHR that repeats whatever it was told, in every error it makes. */
export class TalkativeEhr {
  readonly #server: EhrServer;
  readonly #key: SigningKey;
  /** of the launch under way, for its id_token */
  nonce: string | null = null;

  private constructor(
    server: EhrServer,
    key: SigningKey,
    private readonly secrets: Secrets,
    private readonly faults: Faults,
  ) {
    this.#server = server;
    this.#key = key;
    server.respondWith((request) => this.#answer(request));
  }

  static async start(secrets: Secrets, faults: Faults): Promise<TalkativeEhr> {
    return new TalkativeEhr(
      await EhrServer.start(),
      await signingKey('ES384', { kid: 'ehr' }),
      secrets,
      faults,
    );
  }

  get url(): string {
    return this.#server.url;
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  async #answer(request: EhrRequest): Promise<EhrAnswer> {
    this.#learn(request);
    const endpoint = endpointOf(request);
    const fault = endpoint && this.faults[endpoint];
    if (fault !== undefined) {
      return typeof fault === 'function' ? fault(this.#quotation(request), await this.#tokens()) : fault;
    }
    return this.#good(endpoint);
  }

  #learn({ form, headers }: EhrRequest): void {
    for (const name of ['code_verifier', 'client_assertion']) this.secrets.learn(name, form.get(name));
    this.secrets.learn('Authorization', headers.authorization?.replace(/^\w+ /, ''));
  }

  #quotation({ target, headers, body }: EhrRequest): string {
    return `${this.secrets.quotation()} ${target} ${JSON.stringify(headers)} ${body}`;
  }

  async #good(endpoint: Endpoint | undefined): Promise<EhrAnswer> {
    switch (endpoint) {
      case 'configuration':
        return { json: this.#configuration() };
      case 'jwks':
        return { json: { keys: [this.#key.publicJwk] } };
      case 'token':
        return { json: await this.#tokens() };
      case 'refresh':
        return {
          json: { ...TOKENS, access_token: PLANTED.renewedToken, refresh_token: PLANTED.rotatedToken },
        };
      case 'Patient':
        return {
          json: { resourceType: 'Patient', id: PLANTED.patient, name: [{ family: PLANTED.familyName }] },
        };
      case 'Observation':
        return { json: { resourceType: 'Bundle', type: 'searchset', entry: [] } };
      case 'revoke':
        return { status: 200 };
      default:
        return { status: 404, text: this.secrets.quotation() };
    }
  }

  #configuration(): object {
    return {
      issuer: this.url,
      jwks_uri: `${this.url}/jwks`,
      authorization_endpoint: `${this.url}/authorize`,
      token_endpoint: `${this.url}/token`,
      revocation_endpoint: `${this.url}/revoke`,
      end_session_endpoint: `${this.url}/end`,
      code_challenge_methods_supported: ['S256'],
      capabilities: ['launch-ehr', 'sso-openid-connect'],
    };
  }

  async #tokens(): Promise<Record<string, unknown>> {
    const now = Math.floor(Date.now() / 1000);
    const token = await idToken(this.#key, {
      iss: this.url,
      sub: 'user-1',
      aud: CLIENT_ID,
      iat: now,
      exp: now + 300,
      nonce: this.nonce ?? undefined,
      fhirUser: `${this.url}/fhir/Practitioner/7`,
      family: PLANTED.claim,
    });
    this.secrets.learn('id_token', token);
    return { ...TOKENS, id_token: token };
  }
}

const TOKENS = {
  access_token: PLANTED.accessToken,
  refresh_token: PLANTED.refreshToken,
  token_type: 'Bearer',
  expires_in: 300,
  scope: 'launch openid fhirUser offline_access patient/Patient.rs patient/Observation.rs',
  patient: PLANTED.patient,
};

function endpointOf({ path, form }: EhrRequest): Endpoint | undefined {
  if (path.endsWith('/smart-configuration')) return 'configuration';
  if (path === '/token') return form.get('grant_type') === 'refresh_token' ? 'refresh' : 'token';
  const last = /^\/(?:fhir\/)?(jwks|revoke|Patient|Observation)/.exec(path)?.[1];
  return last as Endpoint | undefined;
}
