import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Endpoint } from './exchange.js';
import { createKeys } from './keys.js';
import type { Keys } from './keys.js';
import { createProfiles } from './profiles.js';
import type { Profiles } from './profiles.js';
import { Tenant } from './tenant.js';
import type { TenantSettings } from './tenant.js';

const ENDPOINTS: [pattern: RegExp, endpoint: Endpoint][] = [
  [/^\/fhir\/\.well-known\/smart-configuration$/, 'discovery'],
  [/^(\/fhir)?\/\.well-known\/openid-configuration$/, 'openid'],
  [/^\/authorize$/, 'authorize'],
  [/^\/token$/, 'token'],
  [/^\/jwks$/, 'jwks'],
  [/^\/revoke$/, 'revocation'],
  [/^\/introspect$/, 'introspection'],
  [/^\/style$/, 'style'],
  [/^\/fhir(\/|$)/, 'fhir'],
];

/** an issuer that one registration takes for the EHR’s own */
export const ALIAS = 'https://moved.example.org/issuer';

/**
 * An EHR on 127.0.0.1 that speaks SMART well, apart from what it is told to do wrong. It is many EHRs: each
 * test makes one with `tenant()`, under a path that holds the name of the app’s registration.
 */
export class HostileEhr {
  /** part of every secret, so that one search finds any of them */
  readonly canary = `canary${randomBytes(8).toString('hex')}`;
  readonly tenants: Tenant[] = [];
  evil: Tenant | undefined;
  /** TCP connections that were opened, with or without a request on them */
  connections = 0;
  /** what a hook threw: a mistake in a table, never the app’s */
  readonly mistakes: unknown[] = [];
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  private constructor(
    readonly keys: Keys,
    readonly profiles: Profiles,
  ) {}

  /** Two servers: the EHR, and one of somebody else that must never be called. */
  static async startWithEvilTwin(): Promise<HostileEhr> {
    const keys = await createKeys();
    const profiles = await createProfiles(ALIAS);
    const ehr = new HostileEhr(keys, profiles);
    const twin = new HostileEhr({ ...keys, rsa: keys.attacker }, profiles);
    await ehr.#listen();
    await twin.#listen();
    ehr.evil = twin.tenant({ profile: 'basic', misbehaviour: {} });
    return ehr;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  tenant(settings: TenantSettings): Tenant {
    const tenant = new Tenant(this, `/${settings.profile}/${this.tenants.length}`, settings);
    this.tenants.push(tenant);
    return tenant;
  }

  async close(): Promise<void> {
    const twin = this.evil?.server;
    if (twin) await twin.#stop();
    await this.#stop();
  }

  async #listen(): Promise<void> {
    this.#server.on('connection', () => this.connections++);
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async #stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // what a fault does to its connection is no failure of the test
    response.on('error', () => undefined);
    const { method = '', headers } = request;
    const { pathname, searchParams: query } = new URL(request.url ?? '', this.url);
    const tenant = this.tenants.find(({ root }) => pathname.startsWith(`${root}/`));
    const body = await text(request).catch(() => '');
    if (!tenant) return void response.writeHead(404).end();
    const path = pathname.slice(tenant.root.length);
    const endpoint = ENDPOINTS.find(([pattern]) => pattern.test(path))?.[1] ?? 'other';
    const form = new URLSearchParams(body);
    await tenant
      .serve({ endpoint, method, path, query, headers, body, form }, response)
      .catch((mistake: unknown) => {
        this.mistakes.push(mistake);
        response.destroy();
      });
  }
}
