import { once } from 'node:events';
import type { Server } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import type { INestApplication, LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { SmartOnFhirModule } from 'nestjs-smart-on-fhir';
import type { KnownFhirServer, SmartClientOptions, SmartOnFhirModuleOptions } from 'nestjs-smart-on-fhir';
import { freePort } from '../../support/free-port.js';
import type { HostileEhr } from '../ehr/hostile-ehr.js';
import { CLIENT_ID, SCOPE } from '../ehr/profiles.js';
import { HostileController } from './hostile-controller.js';

export interface HostileAppOptions {
  adapter?: AbstractHttpAdapter;
  options?: SmartClientOptions;
  /** replaces parts of the registration; given the app’s own URL */
  client?: (url: string) => Partial<SmartOnFhirModuleOptions['client']>;
}

/** A Nest app that is registered with a hostile EHR in every way there is. */
export class HostileApp {
  private constructor(
    private readonly nest: INestApplication,
    readonly url: string,
    /** everything the app logged since the last row began */
    readonly log: string[],
  ) {}

  static async start(ehr: HostileEhr, given: HostileAppOptions = {}): Promise<HostileApp> {
    const url = `http://localhost:${await freePort()}`;
    @Module({
      imports: [
        SmartOnFhirModule.forRoot({
          session: { secret: 'a secret of more than thirty-two characters' },
          client: {
            clientId: CLIENT_ID,
            scope: SCOPE,
            callbackUrl: `${url}/fhir/callback`,
            redirectUrl: `${url}/chart`,
            knownFhirServers: registrations(ehr),
            ...given.client?.(url),
          },
          options: { allowNonHttpsLaunch: true, ...given.options },
        }),
      ],
      controllers: [HostileController],
    })
    class HostileAppModule {}
    const log: string[] = [];
    const nest = await NestFactory.create(HostileAppModule, given.adapter ?? new ExpressAdapter(), {
      logger: keepIn(log),
      abortOnError: false,
    });
    await nest.listen(Number(new URL(url).port), 'localhost');
    return new HostileApp(nest, url, log);
  }

  /** Resolves once so many more requests have come in and got as far as they can without anybody’s answer. */
  async busyWith(requests: number): Promise<void> {
    const server = this.nest.getHttpServer() as Server;
    for (let n = 0; n < requests; n += 1) await once(server, 'request');
    for (let turn = 0; turn < 50; turn += 1) await setImmediate();
  }

  close(): Promise<void> {
    return this.nest.close();
  }
}

/** One known server per profile: the name is in the path, whatever the rest of the FHIR base is. */
export function registrations(ehr: HostileEhr): KnownFhirServer[] {
  return Object.entries(ehr.profiles).map(([name, { client, switches }]) => ({
    name,
    issMatch: (iss: string) => iss.startsWith(`${ehr.url}/${name}/`),
    ...client,
    ...switches,
  }));
}

function keepIn(log: string[]): LoggerService {
  const keep = (...parts: unknown[]) => void log.push(parts.map(String).join(' '));
  return { log: () => undefined, error: keep, warn: keep, debug: keep, verbose: keep, fatal: keep };
}
