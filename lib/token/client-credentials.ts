import { SmartError } from '../smart-error.js';
import type { HttpClient } from '../http/http-client.js';
import type { Registration } from '../ehr/registrations.js';
import { tokenRequest } from './token-endpoint.js';
import type { AuthorizationServer } from './token-endpoint.js';
import { readTokenResponse } from './token-response.js';

/** An access token of a backend service, and until when it is used. */
export interface BackendToken {
  readonly accessToken: string;
  /** epoch milliseconds from which on a new one is asked for */
  readonly renewAt: number;
}

/**
 * Access tokens of a backend service (SMART 2.2 "Backend Services: Obtain access token", RFC 6749 4.4): one is
 * kept in memory until shortly before it expires, then a new one is asked for; nothing is ever refreshed. Any
 * number of callers at once wait for one request.
 */
export class ClientCredentials {
  // Private to the runtime, so that no logger finds a token in here.
  #current: BackendToken | undefined;
  #flight: Promise<BackendToken | SmartError> | undefined;

  /**
   * @param findServer the authorization server, found anew for each request
   * @param skewMs milliseconds before expiry, at most half the token's lifetime
   */
  constructor(
    private readonly http: HttpClient,
    private readonly registration: Registration,
    private readonly findServer: () => Promise<AuthorizationServer | SmartError>,
    private readonly skewMs: number,
  ) {}

  async token(): Promise<BackendToken | SmartError> {
    const current = this.#current;
    if (current && Date.now() < current.renewAt) return current;
    this.#flight ??= this.#request().finally(() => (this.#flight = undefined));
    return this.#flight;
  }

  /** The FHIR server refused this token. One that took its place meanwhile stays. */
  drop(refused: BackendToken): void {
    if (this.#current === refused) this.#current = undefined;
  }

  async #request(): Promise<BackendToken | SmartError> {
    const server = await this.findServer();
    if (server instanceof SmartError) return server;
    const { scope } = this.registration;
    const answer = await tokenRequest(this.http, this.registration, server, 'client_credentials', { scope });
    if (answer instanceof SmartError) return answer;
    try {
      const now = Date.now();
      // A refresh token in it is left where it is (RFC 6749 4.4.3: there should be none).
      const { accessToken, expiresAt } = readTokenResponse(answer, scope, now);
      const skewMs = Math.min(this.skewMs, (expiresAt - now) / 2);
      return (this.#current = { accessToken, renewAt: expiresAt - skewMs });
    } catch (error) {
      return new SmartError(
        'invalid_token_response',
        `The token response is unusable: ${(error as Error).message}`,
      );
    }
  }
}
