import type { ClientApplication } from 'nestjs-smart-on-fhir';

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

  /** The same apps, as SmartLaunchModule looks for them. */
  findById(id: string): ClientApplication | undefined {
    return this.applications().find((application) => application.id === id);
  }

  findByClientId(clientId: string): ClientApplication | undefined {
    const app = this.#apps.get(clientId);
    return app && clientApplication(app);
  }

  applications(): ClientApplication[] {
    return this.all().map(clientApplication);
  }
}

function clientApplication({ clientId, name, launchUri, redirectUris }: RegisteredApp): ClientApplication {
  // A FHIR id has fewer characters than a client id may have.
  return { id: clientId.replace(/[^A-Za-z0-9.-]/g, '-'), clientId, name, launchUri, redirectUris };
}
