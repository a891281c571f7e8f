import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import KeyvRedis from '@keyv/redis';
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Keyv } from 'keyv';
import { FhirClient, ReadyClient, SmartOnFhirModule, SmartSessionGuard } from '../../lib/index.js';
import type { SmartClientConfiguration, SmartClientOptions } from '../../lib/index.js';

/** One process of an app that runs in several, without Jest. Started by `app-process.ts`. */
export interface AppSettings {
  client: SmartClientConfiguration;
  redisUrl: string;
  namespace: string;
  options?: SmartClientOptions;
}

/** How far the clock is to be put forward, in milliseconds. */
export interface AdvanceClock {
  advance: number;
}

@Controller('api')
@UseGuards(SmartSessionGuard)
class PatientController {
  @Get('patient')
  patient(@FhirClient() fhir: ReadyClient) {
    return { patient: fhir.patient.id };
  }
}

const { client, redisUrl, namespace, options } = JSON.parse(process.env.APP_SETTINGS ?? '{}') as AppSettings;

@Module({
  imports: [
    SmartOnFhirModule.forRoot({
      client,
      storage: new Keyv({ store: new KeyvRedis(redisUrl), namespace, useKeyPrefix: false }),
      session: { secret: 'a secret of more than thirty-two characters' },
      options: { allowNonHttpsLaunch: true, ...options },
    }),
  ],
  controllers: [PatientController],
})
class AppModule {}

const realNow = Date.now.bind(Date);
let offset = 0;
Date.now = () => realNow() + offset;
process.on('message', ({ advance }: AdvanceClock) => {
  offset += advance;
  process.send?.({ advanced: true });
});
// The test is over, however it ended.
process.on('disconnect', () => process.exit());

const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
await app.listen(0, 'localhost');
const { port } = app.getHttpServer().address() as AddressInfo;
process.send?.({ url: `http://localhost:${port}` });
