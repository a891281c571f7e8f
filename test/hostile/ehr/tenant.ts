import type { ServerResponse } from 'node:http';
import { randomBytes } from 'node:crypto';
import type { JWK } from 'jose';
import type { SigningKey } from '../../support/openid-provider.js';
import { answerAuthorize } from './authorize.js';
import { openIdConfiguration, smartConfiguration } from './documents.js';
import type { Answer, Endpoint, Json, Seen } from './exchange.js';
import { ok, send } from './exchange.js';
import type { Misbehaviour } from './fault.js';
import { FhirData } from './fhir-data.js';
import type { HostileEhr } from './hostile-ehr.js';
import { CLIENT_ID } from './profiles.js';
import type { Profile, ProfileName } from './profiles.js';
import { answerRevocation, answerToken } from './token-endpoint.js';

export interface CodeGrant {
  scope: string;
  redirectUri: string;
  challenge: string | undefined;
  nonce: string | undefined;
}

export interface TenantSettings {
  profile: ProfileName;
  misbehaviour: Misbehaviour;
  /** `false`: the issuer is the FHIR base, and says so nowhere else (Inferno’s mock) */
  ownIssuer?: boolean;
  patient?: string;
  /** the handle of its launches; null: the app is launched standalone. Left out: `launch-1` */
  launch?: string | null;
}

/**
 * One EHR of the many that a HostileEhr is: with a FHIR base of its own nothing that an app remembers of one
 * (configuration, keys, sessions) reaches the next.
 */
export class Tenant {
  readonly requests: Seen[] = [];
  readonly codes = new Map<string, CodeGrant>();
  readonly accessTokens = new Set<string>();
  readonly refreshTokens = new Map<string, CodeGrant>();
  readonly assertions = new Set<string>();
  /** whatever must never be shown to a browser or written to a log */
  readonly secrets = new Set<string>();
  readonly fhir: FhirData;
  readonly profile: Profile;
  readonly patient: string;
  readonly launch: string | null;
  signingKey: SigningKey;
  keys: JWK[];
  /** what a test may count with, e.g. how often a key was asked for */
  readonly memo: Record<string, number> = {};
  readonly misbehaviour: Misbehaviour;

  constructor(
    readonly server: HostileEhr,
    /** path of this tenant, e.g. `/basic/7` */
    readonly root: string,
    readonly settings: TenantSettings,
  ) {
    this.profile = server.profiles[settings.profile];
    this.misbehaviour = settings.misbehaviour;
    this.patient = settings.patient ?? 'p1';
    this.launch = settings.launch === undefined ? 'launch-1' : settings.launch;
    this.signingKey = server.keys.rsa;
    this.keys = [server.keys.rsa.publicJwk];
    this.fhir = new FhirData(this);
  }

  get url(): string {
    return this.server.url + this.root;
  }

  get fhirBaseUrl(): string {
    return `${this.url}/fhir`;
  }

  get issuer(): string {
    return this.settings.ownIssuer === false ? this.fhirBaseUrl : this.url;
  }

  /** how the app is registered here */
  get clientId(): string {
    return this.profile.switches.clientId ?? CLIENT_ID;
  }

  /** The server of somebody who should never hear from the app. */
  get evil(): Tenant {
    if (!this.server.evil) throw new Error('This server has no evil twin');
    return this.server.evil;
  }

  count(endpoint: Endpoint): number {
    return this.requests.filter((request) => request.endpoint === endpoint).length;
  }

  to(endpoint: Endpoint): Seen[] {
    return this.requests.filter((request) => request.endpoint === endpoint);
  }

  /** One more of something; answers how many there are now. */
  tick(name: string): number {
    return (this.memo[name] = (this.memo[name] ?? 0) + 1);
  }

  /** A value that nobody but the app may see. */
  secret(kind: string): string {
    const value = `${kind}-${this.server.canary}-${randomBytes(12).toString('base64url')}`;
    this.secrets.add(value);
    return value;
  }

  async serve(request: Seen, response: ServerResponse): Promise<void> {
    this.requests.push(request);
    const { misbehaviour } = this;
    const transport = misbehaviour.transport?.[request.endpoint];
    if (transport) return transport(response, this, request);
    return this.serveWell(request, response);
  }

  /** As `serve`, on a connection that nothing is wrong with. */
  async serveWell(request: Seen, response: ServerResponse): Promise<void> {
    const { instead, answer: changes } = this.misbehaviour;
    const answer = instead?.[request.endpoint]?.(this, request) ?? (await this.#answer(request));
    const change = changes?.[request.endpoint];
    send(response, change ? await change(answer, this, request) : answer);
  }

  async #answer(request: Seen): Promise<Answer> {
    const { misbehaviour } = this;
    switch (request.endpoint) {
      case 'discovery': {
        const document: Json = smartConfiguration(this);
        return ok(misbehaviour.discovery?.(document, this) ?? document);
      }
      case 'openid': {
        const document: Json = openIdConfiguration(this);
        return ok(misbehaviour.openid?.(document, this) ?? document);
      }
      case 'jwks':
        return ok({ keys: misbehaviour.jwks?.(this.keys, this) ?? this.keys });
      case 'authorize':
        return answerAuthorize(this, request);
      case 'token':
        return answerToken(this, request);
      case 'revocation':
        return answerRevocation(this, request);
      case 'style':
        return ok({ color_text: '#102030', font_family_body: 'Inter, "Open Sans", sans-serif' });
      case 'fhir':
        return this.fhir.answer(request);
      default:
        return { status: 404 };
    }
  }
}
