import type { AppAuthentication } from '../registered-app.js';

/** One request at the token or the revocation endpoint, without any secret. */
export interface TokenRequest {
  endpoint: 'token' | 'revocation';
  grantType: string | null;
  clientId: string | null;
  /** How the client authenticated, as seen on the wire. */
  authMethod: AppAuthentication;
  /** Milliseconds since the epoch. */
  at: number;
  status: number;
  error: string | null;
}

export class TokenRequestLog {
  readonly requests: TokenRequest[] = [];

  record(request: TokenRequest): void {
    this.requests.push(request);
  }
}
