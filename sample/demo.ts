import { startApp } from './app/start-app.js';
import type { RunningApp } from './app/start-app.js';
import { startEhr } from './ehr/start-ehr.js';
import type { RegisteredApp, RunningEhr } from './ehr/start-ehr.js';

export interface DemoOptions {
  ehrPort: number;
  appPort: number;
  /** folder of FHIR transaction bundles; left out: synthetic patients */
  dataDir?: string;
  /** origin of an app of yours: the EHR launches it too, as the public client `my-app` */
  ownApp?: string;
  quiet?: boolean;
}

export interface RunningDemo {
  ehr: RunningEhr;
  app: RunningApp;
  close(): Promise<void>;
}

/** Starts the EHR and the app, which know each other. */
export async function startDemo(options: DemoOptions): Promise<RunningDemo> {
  const { ehrPort, appPort, dataDir, ownApp, quiet } = options;
  const apps = [registration(`http://localhost:${appPort}`)];
  if (ownApp !== undefined) apps.push(ownRegistration(ownApp));
  const ehr = await startEhr({ port: ehrPort, dataDir, apps, quiet });
  try {
    const app = await startApp({
      port: appPort,
      ehrUrl: ehr.url,
      ehrFhirBaseUrl: ehr.fhirBaseUrl,
      quiet,
    });
    return {
      ehr,
      app,
      async close() {
        await app.close();
        await ehr.close();
      },
    };
  } catch (error) {
    await ehr.close();
    throw error;
  }
}

/** What a hospital's administrator enters when the app is bought. */
function registration(appUrl: string): RegisteredApp {
  return {
    clientId: 'vital-signs',
    name: 'Vital Signs',
    launchUri: `${appUrl}/fhir/launch`,
    redirectUris: [`${appUrl}/fhir/callback`],
    authentication: 'private_key_jwt',
    jwksUri: `${appUrl}/fhir/jwks.json`,
  };
}

function ownRegistration(appUrl: string): RegisteredApp {
  return {
    clientId: 'my-app',
    name: 'My app',
    launchUri: `${appUrl}/fhir/launch`,
    redirectUris: [`${appUrl}/fhir/callback`],
    authentication: 'none',
  };
}
