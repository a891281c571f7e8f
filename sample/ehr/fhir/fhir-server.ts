import { AccessPolicy } from './access-policy.js';
import type { Access } from './access-policy.js';
import { processBundle } from './bundle-processor.js';
import { capabilityStatement } from './capability-statement.js';
import { dispatch, requireMethod } from './dispatch.js';
import { FhirError } from './fhir-error.js';
import type { FhirRequest, FhirResponse } from './fhir-exchange.js';
import type { FhirStore } from './fhir-store.js';
import type { DpopProof } from './http-exchange.js';
import { Interactions } from './interactions.js';

export interface FhirServerOptions {
  store: FhirStore;
  /** absolute URL of the FHIR base without a trailing slash; a function as the port is known after listen() */
  baseUrl: () => string;
  /** who calls, from the token, and the proof of its key where it is no bearer token; null is answered with 401 */
  authenticate: (token: string | null, proof?: DpopProof) => Promise<Access | null>;
  smartConfiguration: () => Record<string, unknown>;
}

/** Answers FHIR requests: the open documents to anyone, the rest within the caller's scopes. */
export class FhirServer {
  constructor(private readonly options: FhirServerOptions) {}

  async handle(request: FhirRequest, token: string | null, proof?: DpopProof): Promise<FhirResponse> {
    const open = this.openDocument(request);
    if (open) return { status: 200, headers: {}, body: open };
    const access = await this.options.authenticate(token, proof);
    if (!access) throw new FhirError(401, 'login', 'the request needs a valid access token');
    const base = this.options.baseUrl();
    const interactions = new Interactions(this.options.store, base, new AccessPolicy(access, base));
    if (request.path.length > 0) return dispatch(request, interactions);
    requireMethod(request, ['POST']);
    return processBundle(request.body, interactions, (entry) => dispatch(entry, interactions));
  }

  /** What a client must be able to read before it has a token. */
  private openDocument(request: FhirRequest): FhirResponse['body'] | null {
    const { smartConfiguration, baseUrl } = this.options;
    switch (request.path.join('/')) {
      case 'metadata':
        requireMethod(request, ['GET']);
        return capabilityStatement(baseUrl(), smartConfiguration());
      case '.well-known/smart-configuration':
        requireMethod(request, ['GET']);
        return smartConfiguration();
      default:
        return null;
    }
  }
}
