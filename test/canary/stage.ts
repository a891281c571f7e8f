import { jest } from '@jest/globals';
import { ConsoleLogger, Controller, Get, Inject, Module, Req, UseGuards } from '@nestjs/common';
import type { ArgumentsHost, INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { exportJWK, generateKeyPair } from 'jose';
import {
  FhirClient,
  ReadyClient,
  SmartClient,
  SmartError,
  SmartOnFhirModule,
  SmartSessionGuard,
  unwrap,
} from 'nestjs-smart-on-fhir';
import type { ClientAuthenticationConfiguration } from 'nestjs-smart-on-fhir';
import { SmartErrorFilter } from '../../lib/nest/smart-error.filter.js';
import { freePort } from '../support/free-port.js';
import { captureOutput, Search, shown, shownAndSerialized, shownError } from './places.js';
import { PLANTED, Secrets } from './secrets.js';
import { CLIENT_ID, TalkativeEhr } from './talkative-ehr.js';
import type { Faults } from './talkative-ehr.js';
import { TalkativeStorage } from './talkative-storage.js';

export type Act = (fhir: ReadyClient, smart: SmartClient) => Promise<unknown>;

export interface StageOptions {
  adapter: AbstractHttpAdapter;
  /** by a key; else by a secret */
  byKey: boolean;
  accept: 'text/html' | 'application/json';
  faults?: Faults;
}

/** What a request brings along itself, and Node therefore keeps. */
const OWN_OF_REQUEST = ['state', 'code', 'launch', 'session cookie', 'launch cookie'];

/** An app, its EHR and its store, with everything that leaves the package recorded. */
export class Stage {
  readonly secrets = new Secrets();
  readonly storage = new TalkativeStorage(this.secrets);
  ehr!: TalkativeEhr;
  state = '';
  #app!: INestApplication;
  #url = '';
  #cookies = new Map<string, string>();
  #act: Act = async () => undefined;
  readonly #seen: { place: string; text: string; allowed?: string[] }[] = [];
  readonly #events: unknown[] = [];
  #output!: ReturnType<typeof captureOutput>;

  private constructor(private readonly options: StageOptions) {}

  static async start(options: StageOptions): Promise<Stage> {
    const stage = new Stage(options);
    await stage.#start();
    return stage;
  }

  /** The EHR's click, up to the authorization endpoint; the status of the answer. */
  async toAuthorization(): Promise<number> {
    const query = new URLSearchParams({ iss: `${this.ehr.url}/fhir`, launch: PLANTED.launch });
    const answer = await this.get(`/fhir/launch?${query.toString()}`, ['state', 'launch', 'nonce']);
    const location = answer.headers.get('location');
    if (location) {
      const { searchParams } = new URL(location);
      this.state = searchParams.get('state') ?? '';
      this.ehr.nonce = searchParams.get('nonce');
      this.secrets.learn('state', this.state);
      this.secrets.learn('nonce', this.ehr.nonce);
    }
    return answer.status;
  }

  /** The way back; the status of the answer. */
  async callback(parameters: Record<string, string> = { code: PLANTED.code }): Promise<number> {
    const query = new URLSearchParams({ ...parameters, state: parameters.state ?? this.state });
    return (await this.get(`/fhir/callback?${query.toString()}`)).status;
  }

  async launch(): Promise<number[]> {
    return [await this.toAuthorization(), await this.callback()];
  }

  /** Does something in a guarded route, which answers no data of its own; its status. */
  async act(act: Act): Promise<number> {
    this.#act = act;
    return (await this.get('/api')).status;
  }

  /** 204, also for the page that sends a browser on to the EHR: a form with the id_token */
  async logout(): Promise<number> {
    const { status } = await this.#send('/fhir/logout', 'POST', [], ['id_token', 'claim', 'nonce']);
    return status === 200 ? 204 : status;
  }

  /** @param allowed secrets that the `Location` may hold */
  get(path: string, allowed: string[] = []): Promise<Response> {
    return this.#send(path, 'GET', allowed);
  }

  /** Where secrets were found, once everything is closed. */
  async end(): Promise<string[]> {
    await this.#app.close();
    await this.ehr.close();
    this.#output.stop();
    this.#see('the output', this.#output.text());
    this.#see('an event', JSON.stringify(this.#events));
    this.#see('the store', this.storage.dump());
    const search = new Search(this.secrets);
    for (const { place, text, allowed } of this.#seen) search.in(place, text, allowed);
    return search.leaks;
  }

  get output(): string {
    return this.#output.text();
  }

  async #start(): Promise<void> {
    this.#output = captureOutput();
    this.ehr = await TalkativeEhr.start(this.secrets, this.options.faults ?? {});
    const port = await freePort();
    this.#url = `http://localhost:${port}`;
    this.#watchErrors();
    this.#app = await NestFactory.create(await this.#module(), this.options.adapter, {
      logger: new ConsoleLogger({ logLevels: ['verbose', 'debug', 'log', 'warn', 'error', 'fatal'] }),
      abortOnError: false,
    });
    await this.#app.listen(port, 'localhost');
  }

  async #module(): Promise<new () => object> {
    const see = (place: string, text: string, allowed?: string[]) => this.#see(place, text, allowed);
    const act: Act = (fhir, smart) => this.#act(fhir, smart);
    @Controller('api')
    @UseGuards(SmartSessionGuard)
    class RecordsController {
      constructor(@Inject(SmartClient) private readonly smart: SmartClient) {}

      @Get()
      async get(@FhirClient() fhir: ReadyClient, @Req() request: object) {
        see('a ReadyClient', shownAndSerialized(fhir), ['patient']);
        see('a SmartClient', shownAndSerialized(this.smart));
        see('a request', shownRequest(request), OWN_OF_REQUEST);
        const result = await act(fhir, this.smart);
        if (result instanceof SmartError) see('an error', shownError(result));
        unwrap(result);
        return { ok: true };
      }
    }
    @Module({
      imports: [
        SmartOnFhirModule.forRoot({
          client: {
            clientId: CLIENT_ID,
            scope: 'launch openid fhirUser offline_access patient/Patient.rs patient/Observation.rs',
            callbackUrl: `${this.#url}/fhir/callback`,
            redirectUrl: `${this.#url}/`,
            knownFhirServers: [
              {
                name: 'Talkative',
                issuer: `${this.ehr.url}/fhir`,
                endSession: true,
                ...(await this.#credentials()),
              },
            ],
          },
          storage: this.storage,
          session: { secret: PLANTED.sessionSecret },
          options: {
            allowNonHttpsLaunch: true,
            httpTimeoutMs: 300,
            maxFhirResponseBytes: 10_000,
            onEvent: (event) => void this.#events.push(event),
          },
        }),
      ],
      controllers: [RecordsController],
    })
    class RecordsModule {}
    return RecordsModule;
  }

  async #credentials(): Promise<ClientAuthenticationConfiguration> {
    if (!this.options.byKey) {
      const { clientSecret } = PLANTED;
      return { type: 'confidential-symmetric', method: 'client_secret_basic', clientSecret };
    }
    const { privateKey } = await generateKeyPair('ES384', { extractable: true });
    const jwk = { ...(await exportJWK(privateKey)), kid: 'own', alg: 'ES384' };
    this.secrets.learn('private key', jwk.d);
    return { type: 'confidential-asymmetric', method: 'private_key_jwt', privateKey: jwk };
  }

  /** Every error that the package answers a request with, before it becomes an answer. */
  #watchErrors(): void {
    const answer = Object.getOwnPropertyDescriptor(SmartErrorFilter.prototype, 'catch')?.value as (
      this: SmartErrorFilter,
      error: SmartError,
      host: ArgumentsHost,
    ) => void;
    const see = (place: string, text: string, allowed?: string[]) => this.#see(place, text, allowed);
    jest.spyOn(SmartErrorFilter.prototype, 'catch').mockImplementation(function (
      this: SmartErrorFilter,
      error: SmartError,
      host: ArgumentsHost,
    ) {
      see('an error', shownError(error));
      see('a request', shownRequest(host.switchToHttp().getRequest<object>()), OWN_OF_REQUEST);
      answer.call(this, error, host);
    });
  }

  async #send(
    path: string,
    method: string,
    allowed: string[] = [],
    allowedInBody: string[] = [],
  ): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { accept: this.options.accept, ...(cookie && { cookie }) };
    const answer = await fetch(`${this.#url}${path}`, { method, headers, redirect: 'manual' });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.#cookies.set(name, value);
      this.secrets.learn(name.endsWith('-launch') ? 'launch cookie' : 'session cookie', value);
      this.#see('a cookie', line, ['session cookie', 'launch cookie']);
    }
    for (const [name, value] of answer.headers) {
      if (name !== 'set-cookie') this.#see(`the header ${name}`, value, name === 'location' ? allowed : []);
    }
    this.#see('an answer', await answer.text(), allowedInBody);
    return answer;
  }

  #see(place: string, text: string, allowed?: string[]): void {
    this.#seen.push({ place, text, allowed });
  }
}

/** The connection and the framework, which lead to everything in the process. */
const NOT_OF_REQUEST = /^(socket|client|res|app|server|next|raw|log|Symbol\(fastify\.context\))$/;

/** What hangs on a request itself, be it Express's or Fastify's with Node's inside. */
function shownRequest(request: object): string {
  const { raw } = request as { raw?: object };
  return [request, ...(raw ? [raw] : [])]
    .flatMap((part) =>
      Reflect.ownKeys(part)
        .filter((key) => !NOT_OF_REQUEST.test(String(key)))
        .map((key) => `${String(key)}: ${shown((part as Record<PropertyKey, unknown>)[key])}`),
    )
    .join('\n');
}
