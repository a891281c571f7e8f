import 'reflect-metadata';
import type { RequestListener } from 'node:http';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { SmartLaunchEvent } from 'nestjs-smart-on-fhir';
import { AuthorizationServer } from './authorization/authorization-server.js';
import type { PushedRequests } from './authorization/provider-configuration.js';
import { smartConfiguration } from './authorization/smart-configuration.js';
import type { TokenRequest } from './authorization/token-requests.js';
import { ClinicalRecord } from './clinical-record.js';
import { loadFolder, makeSyntheticPatients } from './data/index.js';
import { Ehr } from './ehr.js';
import { EhrModule } from './ehr.module.js';
import { acceptFhirBodies, FhirStore } from './fhir/index.js';
import type { LaunchContext } from './launch/launch-context.js';
import { WaitingLaunches } from './launch/waiting-launches.js';
import { listen } from './listen.js';
import type { ListeningSocket } from './listen.js';
import { AppRegistry } from './registered-app.js';
import type { RegisteredApp } from './registered-app.js';

export type { TokenRequest } from './authorization/token-requests.js';
export type { LaunchContext } from './launch/launch-context.js';
export type { AppAuthentication, PublicJwk, RegisteredApp } from './registered-app.js';

export interface EhrOptions {
  /** 0 or left out: any free port. */
  port?: number;
  /** The address to listen on, 127.0.0.1 by default. */
  host?: string;
  /** The host in the EHR's URLs, where it differs from `host`. */
  publicHost?: string;
  /** Folder of FHIR transaction bundles; left out: synthetic patients. */
  dataDir?: string;
  /** A function where an app's URLs depend on the EHR's. */
  apps: RegisteredApp[] | ((ehrUrl: string) => RegisteredApp[]);
  /** The EHR names its FHIR base with a slash at the end, as Medplum does. */
  issWithSlash?: boolean;
  /** 300 by default. */
  accessTokenTtlSeconds?: number;
  /** Apps may or must push their authorization requests (RFC 9126); left out: they cannot. */
  pushedRequests?: PushedRequests;
  /** Apps may bind their tokens to a key (DPoP, RFC 9449). */
  dpop?: boolean;
  /** Apps may end the user's session by a form. Browsers want https then; tests do without. */
  postedLogout?: boolean;
  /** No log output. */
  quiet?: boolean;
}

export interface LaunchRequest extends LaunchContext {
  clientId: string;
}

export interface RunningEhr {
  readonly url: string;
  readonly fhirBaseUrl: string;
  readonly issuer: string;
  readonly store: FhirStore;
  /** Every request at the token and revocation endpoints so far, oldest first. */
  readonly tokenRequests: readonly TokenRequest[];
  /** Who launched what for whom by a click in the EHR, oldest first. */
  readonly auditLog: readonly SmartLaunchEvent[];
  /** Makes a launch handle, as a click in the EHR does. */
  createLaunch(launch: LaunchRequest): string;
  /** The app's launch URL with `iss` and a new `launch`. */
  launchUrl(clientId: string, context: LaunchContext): string;
  registerApp(app: RegisteredApp): void;
  close(): Promise<void>;
}

/** Starts the demo EHR: FHIR server, authorization server and patient list on one port. */
export async function startEhr(options: EhrOptions): Promise<RunningEhr> {
  const { host = '127.0.0.1' } = options;
  const store = new FhirStore();
  if (options.dataDir === undefined) makeSyntheticPatients(store, { seed: 1 });
  else await loadFolder(store, options.dataDir);

  // The issuer and the FHIR base hold the port, so the port comes first.
  const socket = await listen(options.port ?? 0, host);
  try {
    return await serve(socket, `http://${options.publicHost ?? host}:${socket.port}`, store, options);
  } catch (error) {
    await socket.close();
    throw error;
  }
}

async function serve(
  socket: ListeningSocket,
  url: string,
  store: FhirStore,
  options: EhrOptions,
): Promise<RunningEhr> {
  const { accessTokenTtlSeconds = 300, pushedRequests, dpop, postedLogout } = options;
  const fhirBaseUrl = `${url}/fhir`;
  const issuer = `${url}/oidc`;

  const apps = new AppRegistry();
  const registered = typeof options.apps === 'function' ? options.apps(url) : options.apps;
  registered.forEach((app) => apps.register(app));

  const record = new ClinicalRecord(store);
  const { id, name } = record.clinician();
  const clinician = { id, name, fhirUser: `${fhirBaseUrl}/Practitioner/${id}` };
  const iss = options.issWithSlash ? `${fhirBaseUrl}/` : fhirBaseUrl;
  const launches = new WaitingLaunches(apps, iss, clinician.id);
  const authorizationServer = await AuthorizationServer.create({
    issuer,
    fhirBaseUrl,
    apps,
    clinician,
    accessTokenTtlSeconds,
    pushedRequests,
    dpop,
    postedLogout,
  });
  const ehr = new Ehr({ url, fhirBaseUrl, iss, apps, launches, record, clinician, authorizationServer });

  const app = await NestFactory.create<NestExpressApplication>(
    EhrModule.forRoot(ehr, store, smartConfiguration(issuer, { pushedRequests, dpop })),
    {
      logger: options.quiet ? false : ['warn', 'error'],
      abortOnError: false,
    },
  );
  // Before init(), which adds the body parser: the token endpoint reads its body itself.
  app.use('/oidc', authorizationServer.requestListener);
  acceptFhirBodies(app);
  await app.init();
  socket.serve(app.getHttpAdapter().getInstance() as RequestListener);

  return {
    url,
    fhirBaseUrl,
    issuer,
    store,
    tokenRequests: authorizationServer.tokenRequests,
    auditLog: ehr.auditLog,
    createLaunch: ({ clientId, ...context }) => launches.issue(clientId, context),
    launchUrl: (clientId, context) => launches.launchUrl(clientId, context),
    registerApp: (registration) => apps.register(registration),
    async close() {
      await socket.close();
      await app.close();
    },
  };
}
