import { exportJWK, generateKeyPair } from 'jose';
import type { JWK } from 'jose';
import type { BackendFhirClientConfiguration } from '../../lib/backend-configuration.js';
import { BackendFhirClient } from '../../lib/backend-fhir-client.js';
import type { BackendFhirClientOptions } from '../../lib/backend-configuration.js';
import { EhrServer } from './ehr-server.js';
import type { EhrAnswer, EhrRequest, EhrResponder } from './ehr-server.js';

const PATIENT = { resourceType: 'Patient', id: 'patient-1' };

/** A FHIR server with an authorization server that gives backend services tokens: `access-1`, `access-2` … */
export class BackendEhr {
  /** answers token requests; `n` counts them */
  onToken: (request: EhrRequest, n: number) => EhrAnswer | Promise<EhrAnswer> = (_request, n) => ({
    json: this.granted(n),
  });
  onFhir: EhrResponder = () => ({ json: PATIENT });

  private constructor(
    readonly server: EhrServer,
    readonly privateJwk: JWK,
    readonly publicJwk: JWK,
  ) {
    this.reset();
  }

  static async start(): Promise<BackendEhr> {
    const pair = await generateKeyPair('ES384', { extractable: true });
    const own = { kid: 'key-1', alg: 'ES384' };
    return new BackendEhr(
      await EhrServer.start(),
      { ...(await exportJWK(pair.privateKey)), ...own },
      { ...(await exportJWK(pair.publicKey)), ...own, use: 'sig' },
    );
  }

  get fhirBaseUrl(): string {
    return `${this.server.url}/fhir`;
  }

  get tokenRequests(): EhrRequest[] {
    return this.server.to('/token');
  }

  /** The requests to the FHIR server, discovery aside. */
  get fhirRequests(): EhrRequest[] {
    return this.server.requests.filter(
      ({ path }) => path.startsWith('/fhir/') && !path.includes('/.well-known/'),
    );
  }

  granted(n: number): Record<string, unknown> {
    return { access_token: `access-${n}`, token_type: 'Bearer', expires_in: 300, scope: 'system/Patient.rs' };
  }

  client(
    changed: Partial<BackendFhirClientConfiguration> = {},
    options: BackendFhirClientOptions = {},
  ): BackendFhirClient {
    const { fhirBaseUrl: issuer, privateJwk: privateKey } = this;
    return new BackendFhirClient(
      { issuer, clientId: 'nightly', scope: 'system/Patient.rs', privateKey, ...changed },
      { allowNonHttpsLaunch: true, ...options },
    );
  }

  reset(): void {
    this.server.reset();
    this.onToken = (_request, n) => ({ json: this.granted(n) });
    this.onFhir = () => ({ json: PATIENT });
    this.server.respondWith((request) => {
      if (request.path === '/token') return this.onToken(request, this.tokenRequests.length);
      if (request.path !== '/fhir/.well-known/smart-configuration') return this.onFhir(request);
      return { json: { token_endpoint: `${this.server.url}/token`, capabilities: [] } };
    });
  }

  close(): Promise<void> {
    return this.server.close();
  }
}
