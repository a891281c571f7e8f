export type AppAuthentication = 'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt';

/** A public JSON Web Key (RFC 7517). */
export interface PublicJwk {
  kty: string;
  kid?: string;
  alg?: string;
  use?: string;
  crv?: string;
  x?: string;
  y?: string;
  n?: string;
  e?: string;
  [member: string]: unknown;
}

/** An app as the hospital registered it with its EHR. */
export interface RegisteredApp {
  clientId: string;
  name: string;
  launchUri: string;
  redirectUris: string[];
  /** Where it may have the browser sent after a logout here. */
  postLogoutRedirectUris?: string[];
  authentication: AppAuthentication;
  clientSecret?: string;
  jwks?: { keys: PublicJwk[] };
  jwksUri?: string;
}

export class AppRegistry {
  readonly #apps = new Map<string, RegisteredApp>();

  register(app: RegisteredApp): void {
    const lacksSecret = app.authentication.startsWith('client_secret') && app.clientSecret === undefined;
    const lacksKeys = app.authentication === 'private_key_jwt' && !app.jwks && !app.jwksUri;
    if (lacksSecret) throw new Error(`App ${app.clientId} authenticates by a secret but has none`);
    if (lacksKeys) throw new Error(`App ${app.clientId} authenticates by a key: give jwks or jwksUri`);
    this.#apps.set(app.clientId, app);
  }

  find(clientId: string): RegisteredApp | undefined {
    return this.#apps.get(clientId);
  }

  all(): RegisteredApp[] {
    return [...this.#apps.values()];
  }
}
