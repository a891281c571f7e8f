import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { exportJWK, generateKeyPair } from 'jose';
import {
  BackendFhirClient,
  FhirClient,
  InjectBackendFhirClient,
  ReadyClient,
  SmartBackendModule,
  SmartClient,
  SmartSessionGuard,
  backendFhirClientToken,
  isSmartError,
  unwrap,
} from 'nestjs-smart-on-fhir';
import type { SmartBackendModuleOptions } from 'nestjs-smart-on-fhir';
import { adapters } from '../support/adapters.js';
import { Browser, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import { rejection } from '../support/rejection.js';
import { SmartError } from '../../lib/smart-error.js';
import type { PublicJwk, RunningEhr } from '../../sample/ehr/start-ehr.js';

@Injectable()
class NightlyJob {
  constructor(
    @Inject(BackendFhirClient) readonly fhir: BackendFhirClient,
    @InjectBackendFhirClient('census') readonly census: BackendFhirClient,
  ) {}

  patients() {
    return this.fhir.search('Patient', { _count: 5 }).toArray();
  }
}

@Injectable()
class HourlyJob {
  constructor(@Inject(BackendFhirClient) readonly fhir: BackendFhirClient) {}
}

@Module({ providers: [NightlyJob, HourlyJob] })
class JobModule {}

@Controller('api')
class UserController {
  constructor(@Inject(SmartClient) private readonly smart: SmartClient) {}

  @Get('mine')
  @UseGuards(SmartSessionGuard)
  async mine(@FhirClient() fhir: ReadyClient) {
    return {
      isBackend: (fhir as unknown) instanceof BackendFhirClient,
      patient: fhir.patient.id,
      patients: (await fhir.search('Patient').toArray()).map(({ id }) => id),
    };
  }

  @Get('ready')
  async ready() {
    const ready = await this.smart.ready();
    return { error: isSmartError(ready) ? ready.error : null };
  }
}

/** Registers a backend service with the EHR, as its operator would. */
async function registered(ehr: RunningEhr, clientId: string): Promise<SmartBackendModuleOptions> {
  const { privateKey, publicKey } = await generateKeyPair('ES384', { extractable: true });
  const own = { kid: clientId, alg: 'ES384' };
  ehr.registerApp({
    clientId,
    name: clientId,
    launchUri: 'http://127.0.0.1:9/launch',
    redirectUris: ['http://127.0.0.1:9/callback'],
    authentication: 'private_key_jwt',
    jwks: { keys: [{ ...(await exportJWK(publicKey)), ...own } as PublicJwk] },
  });
  return {
    client: {
      issuer: ehr.fhirBaseUrl,
      clientId,
      scope: 'system/Patient.rs',
      privateKey: { ...(await exportJWK(privateKey)), ...own },
    },
    options: { allowNonHttpsLaunch: true },
  };
}

describe.each(adapters)('Backend services on $name', ({ create }) => {
  let ehr: RunningEhr;
  let app: TestApp;
  let job: NightlyJob;

  beforeAll(async () => {
    ehr = await startEhr({ apps: [], quiet: true });
    const [nightly, census] = [await registered(ehr, 'nightly'), await registered(ehr, 'census')];
    app = await startTestApp({
      adapter: create(),
      ehr,
      controllers: [UserController],
      imports: [
        SmartBackendModule.forRoot(nightly),
        SmartBackendModule.forRootAsync({ name: 'census', useFactory: async () => census }),
        JobModule,
      ],
    });
    job = app.app.get(NightlyJob, { strict: false });
  });
  afterAll(async () => {
    await app.close();
    await ehr.close();
  });

  const tokenRequests = (clientId: string) =>
    ehr.tokenRequests.filter((request) => request.clientId === clientId);

  it('A12-1 A12-3 gives a job the data its system scopes allow, with one signed token request', async () => {
    const [patients] = await Promise.all([job.patients(), job.patients(), job.patients()]);
    expect(patients.length).toBe(ehr.store.list('Patient').length);
    expect(patients.length).toBeGreaterThan(5);
    expect(tokenRequests('nightly')).toEqual([
      expect.objectContaining({
        grantType: 'client_credentials',
        authMethod: 'private_key_jwt',
        status: 200,
      }),
    ]);
    expect(await job.fhir.request('Observation?_count=1')).toMatchObject({
      error: 'fhir_request_failed',
      status: 403,
    });
  });

  it('A12-4 is one client for all who inject it, and one for each name', () => {
    // get() throws for what is not a singleton
    const fhir = app.app.get(BackendFhirClient, { strict: false });
    expect(app.app.get(HourlyJob, { strict: false }).fhir).toBe(fhir);
    expect(job.fhir).toBe(fhir);
    expect(job.census).not.toBe(fhir);
    expect(app.app.get(backendFhirClientToken('census'), { strict: false })).toBe(job.census);
  });

  it('A12-4 is not what a user without a session gets', async () => {
    unwrap(await job.fhir.request('Patient?_count=1'));
    expect((await app.get(new Browser(), '/api/mine')).status).toBe(401);
    expect((await app.get(new Browser(), '/api/ready')).body).toEqual({ error: 'no_session' });
  });

  it('A12-4 is not what a user with a session gets', async () => {
    const browser = new Browser();
    const patient = ehr.store.list('Patient')[0]!.id!;
    await app.launch(browser, { patient });
    expect((await app.get(browser, '/api/mine')).body).toEqual({
      isBackend: false,
      patient,
      patients: [patient],
    });
    expect(tokenRequests('nightly')).toHaveLength(1);
  });

  it('asks nobody for a token before the job asks for data', async () => {
    expect(tokenRequests('census')).toEqual([]);
    expect(isSmartError(await job.census.request('Patient?_count=1'))).toBe(false);
    expect(tokenRequests('census')).toHaveLength(1);
  });
});

describe('Backend services alone', () => {
  const start = (module: object) =>
    NestFactory.createApplicationContext(module as never, { logger: false, abortOnError: false });

  it('A12-4 need no sessions, no routes and no HTTP server', async () => {
    const ehr = await startEhr({ apps: [], quiet: true });
    const app = await start(SmartBackendModule.forRoot(await registered(ehr, 'cron')));
    const fhir = app.get(BackendFhirClient);
    expect(isSmartError(await fhir.request('Patient?_count=1'))).toBe(false);
    await app.close();
    // its connections went with the app
    expect(await fhir.request('Patient?_count=1')).toMatchObject({ error: 'ehr_unavailable' });
    await ehr.close();
  });

  it('A12-1 A12-2 do not start with a secret and the scopes of a user', async () => {
    const issuer = 'https://ehr.example.org/fhir';
    const client = { issuer, clientId: 'x', scope: 'user/Patient.rs', clientSecret: 's' } as never;
    const { message } = await rejection(start(SmartBackendModule.forRoot({ client })), SmartError);
    expect(message).toContain('client.clientSecret is no option');
    expect(message).toContain('client.scope holds "user/Patient.rs"');
  });

  it.each<[string, object, string]>([
    ['nothing', SmartBackendModule, 'imported as it is'],
    ['no options', SmartBackendModule.forRootAsync({ useFactory: () => undefined as never }), 'are missing'],
    [
      'its name in the wrong place',
      SmartBackendModule.forRootAsync({ useFactory: () => ({ name: 'x', client: {} }) as never }),
      'name stands beside useFactory',
    ],
    [
      'an option that is none',
      SmartBackendModule.forRoot({ session: {} } as never),
      'session is not an option',
    ],
  ])('do not start with %s', async (_what, module, message) => {
    const error = await rejection(start(module), SmartError);
    expect(error).toMatchObject({
      error: 'invalid_configuration',
      message: expect.stringContaining(message),
    });
  });

  it('do not start with a misspelled option of forRootAsync', () => {
    expect(() => SmartBackendModule.forRootAsync({ names: 'x', useFactory: () => ({}) } as never)).toThrow(
      /forRootAsync.names is not an option/,
    );
  });
});
