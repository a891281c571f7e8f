import type { AddressInfo } from 'node:net';
import { Controller, Get, Header, Module, UseGuards } from '@nestjs/common';
import type { INestApplication, ModuleMetadata, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { exportJWK, generateKeyPair } from 'jose';
import type { JWK } from 'jose';
import {
  FhirClient,
  ReadyClient,
  RequireContext,
  RequireScopes,
  SmartOnFhirModule,
  SmartSessionGuard,
  unwrap,
} from 'nestjs-smart-on-fhir';
import type {
  ClientAuthenticationConfiguration,
  ClientPrivateKey,
  KnownFhirServerSwitches,
  SmartOnFhirModuleExtras,
  SmartOnFhirModuleOptions,
} from 'nestjs-smart-on-fhir';
import { Browser } from '../../sample/ehr/testing/browser.js';
import { startEhr } from '../../sample/ehr/start-ehr.js';
import type { AppAuthentication, LaunchContext, RunningEhr } from '../../sample/ehr/start-ehr.js';

export const SCOPE =
  'launch openid fhirUser offline_access patient/Patient.rs patient/Observation.rs patient/Condition.cruds';

@Controller('api')
@UseGuards(SmartSessionGuard)
export class ChartController {
  @Get('patient')
  async patient(@FhirClient() fhir: ReadyClient) {
    return unwrap(await fhir.patient.request());
  }

  @Get('launch')
  async launch(@FhirClient() fhir: ReadyClient) {
    const { patient, encounter, user, practitioner, context, scopes, issuerName } = fhir;
    return {
      patient: patient.id,
      encounter: encounter.reference,
      user: user.reference,
      practitioner: practitioner.id,
      context,
      scopes: scopes.toArray(),
      issuerName,
      sub: fhir.getClaim('sub'),
      valid: await fhir.validate(),
    };
  }

  @Get('vitals')
  @RequireScopes('patient/Observation.rs')
  async vitals(@FhirClient() fhir: ReadyClient) {
    return fhir.search('Observation', { category: 'vital-signs', _count: 20 }).toArray({ limit: 50 });
  }

  @Get('medication')
  @RequireScopes('patient/MedicationRequest.rs', 'patient/Observation.rs')
  medication(@FhirClient() fhir: ReadyClient) {
    return fhir.request('MedicationRequest');
  }

  @Get('visit')
  @Header('Cache-Control', 'private, max-age=5')
  @RequireContext('patient', 'encounter')
  visit(@FhirClient() fhir: ReadyClient) {
    return { encounter: fhir.encounter.id };
  }
}

export interface TestAppOptions {
  adapter: AbstractHttpAdapter;
  ehr: RunningEhr;
  authentication?: AppAuthentication;
  module?: Partial<Omit<SmartOnFhirModuleOptions, 'client'>> & SmartOnFhirModuleExtras;
  client?: Partial<SmartOnFhirModuleOptions['client']>;
  /** `CALLBACK` in a callbackUrl stands for the app's own */
  server?: KnownFhirServerSwitches & { issuer?: string; scope?: string; callbackUrl?: string };
  /** the app's page after a logout at the EHR, `/bye`, is registered there and configured */
  comesBack?: boolean;
  /** its keys, which the EHR reads at the app's JWKS URL. Left out: one of its own, which the EHR was given */
  privateKey?: ClientPrivateKey | ClientPrivateKey[];
  /** an app that was closed, whose address and registration this one takes over */
  successorOf?: TestApp;
  controllers?: Type[];
  imports?: ModuleMetadata['imports'];
}

export interface TestApp {
  app: INestApplication;
  url: string;
  clientId: string;
  close(): Promise<void>;
  /** a launch from the EHR, followed to the app's page; answers the page's URL */
  launch(browser: Browser, context: LaunchContext): Promise<string>;
  /** the same, stopped before the callback; answers its URL */
  toCallback(browser: Browser, context: LaunchContext): Promise<URL>;
  /** JSON of a guarded route */
  get(browser: Browser, path: string): Promise<{ status: number; body: unknown }>;
}

let clients = 0;

/** A Nest app that uses the package, registered with a running EHR. */
export async function startTestApp(options: TestAppOptions): Promise<TestApp> {
  const {
    adapter,
    ehr,
    authentication = options.privateKey ? 'private_key_jwt' : 'client_secret_basic',
  } = options;
  // The redirect URL holds the port, so the app listens on a port that is known before it is configured.
  const { successorOf, privateKey } = options;
  const port = successorOf ? Number(new URL(successorOf.url).port) : await freePort();
  const url = `http://localhost:${port}`;
  const clientId = successorOf?.clientId ?? `app-${++clients}`;
  const { client, jwks } = await credentials(authentication, privateKey);
  const callbackUrl = (options.server?.callbackUrl ?? 'CALLBACK').replace('CALLBACK', `${url}/fhir/callback`);
  ehr.registerApp({
    clientId,
    name: clientId,
    launchUri: `${url}/fhir/launch`,
    redirectUris: [`${url}/fhir/callback`, callbackUrl],
    ...(options.comesBack && { postLogoutRedirectUris: [`${url}/bye`] }),
    authentication,
    ...(authentication.startsWith('client_secret') && { clientSecret: SECRET }),
    ...(jwks && { jwks: { keys: [jwks] } }),
    ...(privateKey && { jwksUri: `${url}/fhir/jwks.json` }),
  });
  @Module({
    imports: [
      ...(options.imports ?? []),
      SmartOnFhirModule.forRoot({
        session: { secret: 'a secret of more than thirty-two characters' },
        ...options.module,
        client: {
          clientId,
          scope: SCOPE,
          callbackUrl: `${url}/fhir/callback`,
          redirectUrl: `${url}/chart`,
          ...(options.comesBack && { postLogoutRedirectUrl: `${url}/bye` }),
          knownFhirServers: [
            { name: 'Demo EHR', issuer: ehr.fhirBaseUrl, ...client, ...options.server, callbackUrl },
          ],
          ...options.client,
        },
        options: { allowNonHttpsLaunch: true, ...options.module?.options },
      }),
    ],
    controllers: options.controllers ?? [ChartController],
  })
  class TestAppModule {}
  const app = await NestFactory.create(TestAppModule, adapter, { logger: false, abortOnError: false });
  await app.listen(port, 'localhost');
  return {
    app,
    url,
    clientId,
    close: () => app.close(),
    launch: async (browser, context) =>
      (await follow(browser, ehr.launchUrl(clientId, context), `${url}/chart`)).href,
    toCallback: (browser, context) =>
      follow(browser, ehr.launchUrl(clientId, context), `${url}/fhir/callback`),
    get: async (browser, path) => {
      const answer = await browser.get(`${url}${path}`, { Accept: 'application/json' });
      return { status: answer.status, body: await answer.json() };
    },
  };
}

const SECRET = 'a-client-secret.with_every~safe-character-123';

async function credentials(
  authentication: AppAuthentication,
  configured?: TestAppOptions['privateKey'],
): Promise<{ client: ClientAuthenticationConfiguration; jwks?: JWK & { kty: string } }> {
  if (configured)
    return { client: { type: 'confidential-asymmetric', method: 'private_key_jwt', privateKey: configured } };
  if (authentication === 'none') return { client: { type: 'public' } };
  if (authentication !== 'private_key_jwt') {
    return { client: { type: 'confidential-symmetric', method: authentication, clientSecret: SECRET } };
  }
  const { privateKey, publicKey } = await generateKeyPair('ES384', { extractable: true });
  const own = { kid: 'key-1', alg: 'ES384' };
  return {
    client: {
      type: 'confidential-asymmetric',
      method: 'private_key_jwt',
      privateKey: { ...(await exportJWK(privateKey)), ...own },
    },
    jwks: { ...(await exportJWK(publicKey)), ...own } as JWK & { kty: string },
  };
}

/** Where redirects from `start` lead to; an answer on the way that is no redirect fails the test. */
export async function follow(browser: Browser, start: string | Response, stopAt: string): Promise<URL> {
  const end = await browser.follow(start, stopAt);
  if (end instanceof URL) return end;
  throw new Error(`${end.url} was answered with ${end.status}: ${await end.text()}`);
}

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export { Browser, startEhr };
