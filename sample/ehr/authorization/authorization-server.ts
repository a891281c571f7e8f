import type { IncomingMessage, ServerResponse } from 'node:http';
import { launchMembersFor } from 'nestjs-smart-on-fhir';
import type { LaunchMembers } from 'nestjs-smart-on-fhir';
import { Provider } from 'oidc-provider';
import { GrantedContexts } from '../launch/granted-contexts.js';
import type { DpopProof } from '../fhir/index.js';
import type { Clinician } from './clinician.js';
import { DpopProofs } from './dpop-proofs.js';
import type { AuthorizationServerOptions } from './provider-configuration.js';
import { providerConfiguration } from './provider-configuration.js';
import { addSmartExtensions } from './smart-extensions.js';
import { grantableByUser, isSystemScope } from './smart-scopes.js';
import { TokenRequestLog } from './token-requests.js';

/** An authorization request that waits for the clinician. */
export interface PendingAuthorization {
  uid: string;
  clientId: string;
  scopes: string[];
  launch: string | undefined;
}

/** What a bearer token is good for at the FHIR server. */
export interface TokenAccess {
  scopes: string[];
  patient: string | null;
}

export class AuthorizationServer {
  readonly #contexts = new GrantedContexts();
  readonly #tokenRequests = new TokenRequestLog();
  readonly #proofs: DpopProofs;

  private constructor(
    private readonly provider: Provider,
    private readonly clinician: Clinician,
    fhirBaseUrl: string,
  ) {
    this.#proofs = new DpopProofs(new URL(fhirBaseUrl).origin);
    addSmartExtensions(provider, this.#contexts, this.#tokenRequests, clinician.fhirUser);
  }

  static async create(options: AuthorizationServerOptions): Promise<AuthorizationServer> {
    const provider = new Provider(options.issuer, await providerConfiguration(options));
    return new AuthorizationServer(provider, options.clinician, options.fhirBaseUrl);
  }

  get tokenRequests(): TokenRequestLog['requests'] {
    return this.#tokenRequests.requests;
  }

  /** The endpoints, to be mounted at the issuer's path. */
  get requestListener(): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
    return this.provider.callback();
  }

  /** @param proof of the key that the token is bound to; left out: it was shown as a Bearer token */
  async authenticate(token: string | null, proof?: DpopProof): Promise<TokenAccess | null> {
    if (token === null) return null;
    const provenKey = proof && (await this.#proofs.keyOf(proof, token));
    const userToken = await this.provider.AccessToken.find(token);
    const systemToken = await this.provider.ClientCredentials.find(token);
    // A bound token is nobody's without its key, and a Bearer token has none.
    if ((userToken ?? systemToken)?.jkt !== provenKey) return null;
    if (userToken?.isValid) {
      const { patient } = this.#contexts.of(userToken.grantId);
      return { scopes: [...userToken.scopes], patient: patient ?? null };
    }
    if (systemToken?.isValid) return { scopes: [...systemToken.scopes].filter(isSystemScope), patient: null };
    return null;
  }

  async pending(request: IncomingMessage, response: ServerResponse): Promise<PendingAuthorization> {
    const { uid, params } = await this.provider.interactionDetails(request, response);
    const { client_id: clientId, scope, launch } = params;
    return {
      uid,
      clientId: String(clientId),
      scopes: typeof scope === 'string' ? scope.split(' ') : [],
      launch: typeof launch === 'string' ? launch : undefined,
    };
  }

  /** The demo's clinician is logged in and consents to every scope there is; a real EHR asks here. */
  async approve(request: IncomingMessage, response: ServerResponse, context: LaunchMembers): Promise<void> {
    const { clientId, scopes } = await this.pending(request, response);
    const granted = scopes.filter(grantableByUser);
    if (granted.length === 0) {
      const error_description = 'none of the requested scopes can be granted';
      return this.#finish(request, response, { error: 'invalid_scope', error_description });
    }
    const grant = new this.provider.Grant({ accountId: this.clinician.id, clientId });
    grant.addOIDCScope(granted.join(' '));
    // A scope neither granted nor rejected would be asked for again, without end.
    const rejected = scopes.filter((scope) => !grantableByUser(scope));
    if (rejected.length > 0) grant.rejectOIDCScope(rejected.join(' '));
    const grantId = await grant.save();
    this.#contexts.keep(grantId, launchMembersFor(context, granted));
    await this.#finish(request, response, { login: { accountId: this.clinician.id }, consent: { grantId } });
  }

  /** For a launch that is not this user's, or was used before. */
  async refuseLaunch(request: IncomingMessage, response: ServerResponse, reason: string): Promise<void> {
    await this.#finish(request, response, { error: 'invalid_request', error_description: reason });
  }

  async deny(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const error_description = 'the user cancelled';
    await this.#finish(request, response, { error: 'access_denied', error_description });
  }

  async #finish(
    request: IncomingMessage,
    response: ServerResponse,
    result: Parameters<Provider['interactionFinished']>[2],
  ): Promise<void> {
    await this.provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }
}
