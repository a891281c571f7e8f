import 'reflect-metadata';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module.js';
import type { AppSettings } from './app.module.js';
import { securityHeaders } from './security-headers.js';

export interface AppOptions extends Omit<AppSettings, 'url'> {
  port: number;
  /** `localhost` by default: the EHR's 127.0.0.1 is another host, so each has cookies of its own */
  host?: string;
  /** no log output */
  quiet?: boolean;
}

export interface RunningApp {
  readonly url: string;
  close(): Promise<void>;
}

// The package finds itself and uPlot wherever this file was compiled to.
const { resolve } = createRequire(import.meta.url);
const PAGE = join(dirname(resolve('nestjs-smart-on-fhir/package.json')), 'sample/app/public');
const UPLOT = dirname(resolve('uplot'));

/** Starts the demo app: the page, its API, and the package's launch routes on one port. */
export async function startApp({ port, host = 'localhost', quiet, ...ehr }: AppOptions): Promise<RunningApp> {
  const url = `http://${host}:${port}`;
  const app = await NestFactory.create<NestExpressApplication>(AppModule.forRoot({ url, ...ehr }), {
    logger: quiet ? false : ['warn', 'error'],
    abortOnError: false,
    forceCloseConnections: true,
  });
  app.use(securityHeaders(ehr.ehrUrl));
  app.useStaticAssets(PAGE);
  app.useStaticAssets(UPLOT, { prefix: '/uplot' });
  await app.listen(port, host);
  return { url, close: () => app.close() };
}
