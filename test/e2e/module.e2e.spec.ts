import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Catch,
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Redirect,
  Req,
  Scope,
  UseGuards,
} from '@nestjs/common';
import type { ArgumentsHost, INestApplication, LoggerService } from '@nestjs/common';
import { ConfigModule, ConfigService, registerAs } from '@nestjs/config';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { BaseExceptionFilter, ModuleRef, ModulesContainer, NestFactory } from '@nestjs/core';
import { Keyv } from 'keyv';
import { adapters } from '../support/adapters.js';
import { FolderStore } from '../support/folder-store.js';
import { Browser, ChartController, startEhr, startTestApp } from '../support/launched-app.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';
import {
  FhirClient,
  ReadyClient,
  SmartClient,
  SmartOnFhirModule,
  SmartSessionGuard,
  redisStorage,
  unwrap,
} from 'nestjs-smart-on-fhir';
import type { SmartOnFhirModuleOptions, SmartOnFhirOptionsFactory } from 'nestjs-smart-on-fhir';

const OPTIONS: SmartOnFhirModuleOptions = {
  client: {
    clientId: 'growth-chart',
    scope: 'launch openid fhirUser patient/Patient.rs',
    callbackUrl: 'https://app.example.com/fhir/callback',
    redirectUrl: 'https://app.example.com/',
    knownFhirServers: [{ name: 'Hospital A', issuer: 'https://ehr-a.example.org/fhir', type: 'public' }],
  },
  session: { secret: 'a secret of more than thirty-two characters' },
};

/** What Nest would print. */
class Lines implements LoggerService {
  readonly all: string[] = [];
  log(): void {}
  error(message: unknown): void {
    this.all.push(String(message));
  }
  warn(message: unknown): void {
    this.all.push(String(message));
  }
}

describe.each(adapters)('The module on $name', ({ create }) => {
  const open: INestApplication[] = [];
  const start = async (
    imports: NonNullable<Parameters<typeof Module>[0]['imports']>,
    logger?: LoggerService,
  ) => {
    @Module({ imports, controllers: [ChartController] })
    class AppModule {}
    const app = await NestFactory.create(AppModule, create(), {
      logger: logger ?? false,
      abortOnError: false,
    });
    open.push(app);
    await app.listen(0, '127.0.0.1');
    return { app, url: (await app.getUrl()).replace('[::1]', 'localhost') };
  };

  afterEach(async () => {
    for (const app of open.splice(0)) await app.close();
  });

  it('forRootAsync takes ConfigService', async () => {
    const { url } = await start([
      ConfigModule.forRoot({ ignoreEnvFile: true, load: [() => ({ CLIENT_ID: 'from-config' })] }),
      SmartOnFhirModule.forRootAsync({
        imports: [ConfigModule],
        inject: [ConfigService],
        useFactory: (config: ConfigService) => ({
          ...OPTIONS,
          client: { ...OPTIONS.client, clientId: config.getOrThrow<string>('CLIENT_ID') },
        }),
      }),
    ]);

    expect((await fetch(`${url}/api/patient`)).status).toBe(401);
  });

  it('forRootAsync takes registerAs(…).asProvider(), useClass and useExisting, with routes beside them', async () => {
    const smartConfig = registerAs('smart', () => OPTIONS);
    @Injectable()
    class Factory implements SmartOnFhirOptionsFactory {
      createSmartOnFhirOptions() {
        return OPTIONS;
      }
    }
    @Module({ providers: [Factory], exports: [Factory] })
    class FactoryModule {}

    const ways = [
      { ...smartConfig.asProvider(), routes: { path: 'smart', launch: 'go' } },
      { useClass: Factory, routes: { path: '/smart/', launch: 'go' } },
      { imports: [FactoryModule], useExisting: Factory, routes: { path: 'smart', launch: 'go' } },
    ];
    for (const way of ways) {
      const { url } = await start([SmartOnFhirModule.forRootAsync(way)]);
      const statuses = [`${url}/smart/go`, `${url}/fhir/launch`].map(async (at) => (await fetch(at)).status);
      expect(await Promise.all(statuses)).toEqual([400, 404]);
    }
  });

  it('G-7 A1-1 A1-2 names all mistakes at once, each with its fix', async () => {
    const wrong = {
      client: {
        scope: '',
        callbackUrl: '/fhir/callback',
        redirectUrl: 'http://app.example.com/',
        knownFhirServers: [
          { name: 'A', issuer: 'ehr-a', type: 'public' },
          { name: 'B', issuer: 'https://ehr-b.example.org' },
          { name: 'C', issuer: 'https://ehr-c.example.org', type: 'confidential-symmetric', method: 'basic' },
        ],
      },
      options: { autoRefresh: 'yes', httpTimeout: 5 },
      storage: {},
      session: { secret: 'short' },
    } as unknown as SmartOnFhirModuleOptions;

    const failure = await start([SmartOnFhirModule.forRoot(wrong)]).catch((error: Error) => error);

    const message = (failure as Error).message;
    for (const option of [
      'client.clientId',
      'client.scope',
      'client.callbackUrl',
      'client.redirectUrl',
      'client.knownFhirServers[0].issuer',
      'client.knownFhirServers[1].type',
      'client.knownFhirServers[2].method',
      'options.autoRefresh',
      'options.httpTimeout',
      'storage',
      'session.secret',
    ]) {
      expect(message).toContain(`  - ${option} `);
    }
    expect(message).toContain('11 mistakes');
  });

  describe('in production', () => {
    const before = process.env.NODE_ENV;
    beforeAll(() => {
      process.env.NODE_ENV = 'production';
    });
    afterAll(() => {
      process.env.NODE_ENV = before;
    });

    it('does not start without session.secret', async () => {
      const { session: _none, ...withoutSecret } = OPTIONS;
      await expect(start([SmartOnFhirModule.forRoot(withoutSecret)])).rejects.toThrow(
        /session\.secret is missing/,
      );
    });

    it('warns once that a memory store is for one process', async () => {
      const lines = new Lines();
      await start([SmartOnFhirModule.forRoot(OPTIONS)], lines);
      expect(lines.all.filter((line) => line.includes('kept in memory'))).toHaveLength(1);
    });
  });

  it('takes a random secret elsewhere and says so', async () => {
    const lines = new Lines();
    const { session: _none, ...withoutSecret } = OPTIONS;
    await start([SmartOnFhirModule.forRoot(withoutSecret)], lines);
    expect(lines.all.filter((line) => line.includes('session.secret is not set'))).toHaveLength(1);
  });

  it.each<[string, SmartOnFhirModuleOptions['storage'], number]>([
    ['a Keyv over another store', new Keyv({ store: new FolderStore('sessions') }), 1],
    ['redisStorage', redisStorage('redis://127.0.0.1:6379'), 0],
    ['memory', undefined, 0],
  ])('A9-4 says once what a storage cannot do for several processes: %s', async (_what, storage, times) => {
    const lines = new Lines();
    await start([SmartOnFhirModule.forRoot({ ...OPTIONS, storage })], lines);
    const said = lines.all.filter((line) => line.includes('one process is safe, several are not'));
    expect(said).toHaveLength(times);
  });

  it('C-3 warns when servers nobody named share the callback URL of a known one', async () => {
    const [shared, apart] = [new Lines(), new Lines()];
    const client = { ...OPTIONS.client, allowAnyIssuer: true as const };
    await start([SmartOnFhirModule.forRoot({ ...OPTIONS, client })], shared);
    expect(shared.all.join()).toContain('Hospital A answers at the same callbackUrl');
    const knownFhirServers = client.knownFhirServers!.map((server) => ({
      ...server,
      callbackUrl: 'https://app.example.com/fhir/callback/hospital-a',
    }));
    await start([SmartOnFhirModule.forRoot({ ...OPTIONS, client: { ...client, knownFhirServers } })], apart);
    expect(apart.all.join()).not.toContain('callbackUrl');
  });

  it('C-19 shows no secret to who prints one of its parts', async () => {
    const { app } = await start([SmartOnFhirModule.forRoot(OPTIONS)]);
    const controllers = [...app.get(ModulesContainer).values()].flatMap((module) => [
      ...module.controllers.values(),
    ]);
    const launch = controllers.find(({ name }) => name === 'LaunchController');
    expect(launch?.instance).toBeDefined();
    expect(inspect(launch?.instance, { depth: 3 })).not.toContain('thirty-two characters');
  });

  it('warns when the callback URL does not meet the callback route', async () => {
    const lines = new Lines();
    const client = { ...OPTIONS.client, callbackUrl: 'https://app.example.com/smart/callback' };
    await start([SmartOnFhirModule.forRoot({ ...OPTIONS, client })], lines);
    expect(lines.all.join()).toContain('client.callbackUrl has the path /smart/callback');
  });

  it('keeps guard and guarded controller singletons; only SmartClient is request-scoped', async () => {
    const { app } = await start([SmartOnFhirModule.forRoot(OPTIONS)]);
    const moduleRef = app.get(ModuleRef);

    expect(moduleRef.introspect(SmartSessionGuard).scope).toBe(Scope.DEFAULT);
    expect(moduleRef.introspect(ChartController).scope).toBe(Scope.DEFAULT);
    expect(moduleRef.introspect(SmartClient).scope).toBe(Scope.REQUEST);
  });

  it('fails closed in a context the guard does not know', async () => {
    const { app } = await start([SmartOnFhirModule.forRoot(OPTIONS)]);
    const context = new ExecutionContextHost([{}]);
    context.setType('rpc');

    await expect(app.get(SmartSessionGuard).canActivate(context)).rejects.toThrow(/override getRequest/);
  });

  it('a catch-all filter of the app’s own still answers the right status', async () => {
    @Catch()
    class CatchAll extends BaseExceptionFilter {
      override catch(exception: unknown, host: ArgumentsHost) {
        super.catch(exception, host);
      }
    }
    @Module({ imports: [SmartOnFhirModule.forRoot(OPTIONS)], controllers: [ChartController] })
    class AppModule {}
    const app = await NestFactory.create(AppModule, create(), { logger: false });
    open.push(app);
    app.useGlobalFilters(new CatchAll(app.getHttpAdapter()));
    await app.listen(0, '127.0.0.1');

    expect((await fetch(`${await app.getUrl()}/api/patient`)).status).toBe(401);
  });

  it('@FhirClient() without the guard is an error that names the fix', async () => {
    @Controller('bare')
    class BareController {
      @Get()
      patient(@FhirClient() fhir: ReadyClient) {
        return fhir.patient.id;
      }
    }
    @Module({ imports: [SmartOnFhirModule.forRoot(OPTIONS)], controllers: [BareController] })
    class BareModule {}
    const lines = new Lines();
    const app = await NestFactory.create(BareModule, create(), { logger: lines });
    open.push(app);
    await app.listen(0, '127.0.0.1');

    expect((await fetch(`${await app.getUrl()}/bare`)).status).toBe(500);
    expect(lines.all.join()).toContain('add @UseGuards(SmartSessionGuard)');
  });

  describe('with an EHR', () => {
    let ehr: RunningEhr;
    let patient: string;
    beforeAll(async () => {
      ehr = await startEhr({ apps: [], quiet: true });
      patient = ehr.store.list('Patient')[0]!.id!;
    });
    afterAll(() => ehr.close());

    it('routes: false leaves launch and callback to a controller of the app', async () => {
      @Controller('fhir')
      class OwnController {
        constructor(@Inject(SmartClient) private readonly smart: SmartClient) {}

        @Get('launch')
        @Redirect()
        async launch(@Req() { query }: { query: { iss: string; launch: string } }) {
          return { url: unwrap(await this.smart.launch(query)).redirect_url };
        }

        @Get('callback')
        @Redirect()
        async callback(@Req() { query }: { query: Record<string, string> }) {
          return { url: unwrap(await this.smart.callback(query)).redirect_url, statusCode: 303 };
        }

        @Get('me')
        async me() {
          return { id: unwrap(await this.smart.ready()).patient.id };
        }
      }
      const own = await startTestApp({
        adapter: create(),
        ehr,
        module: { routes: false },
        controllers: [OwnController, ChartController],
      });
      const browser = new Browser();

      await own.launch(browser, { patient });

      expect((await own.get(browser, '/api/patient')).body).toMatchObject({ id: patient });
      expect((await own.get(browser, '/fhir/me')).body).toEqual({ id: patient });
      const me = await browser.get(`${own.url}/fhir/me`);
      expect(me.headers.get('cache-control')).toBe('no-store');
      expect((await own.get(new Browser(), '/fhir/me')).status).toBe(401);
      expect((await own.get(new Browser(), '/fhir/jwks.json')).status).toBe(404);
      await own.close();
    });

    it('a guard of the app’s own can reach the request another way', async () => {
      @Injectable()
      class OwnGuard extends SmartSessionGuard {
        protected override getRequest(context: Parameters<SmartSessionGuard['canActivate']>[0]): object {
          return context.switchToHttp().getRequest<object>();
        }
      }
      @Controller('own')
      @UseGuards(OwnGuard)
      class OwnController {
        @Get()
        patient(@FhirClient() fhir: ReadyClient) {
          return { id: fhir.patient.id };
        }
      }
      const own = await startTestApp({ adapter: create(), ehr, controllers: [OwnController] });
      const browser = new Browser();
      await own.launch(browser, { patient });

      expect((await own.get(browser, '/own')).body).toEqual({ id: patient });
      expect((await own.get(new Browser(), '/own')).status).toBe(401);
      await own.close();
    });
  });
});
