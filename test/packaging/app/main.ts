import 'reflect-metadata';
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FhirClient, ReadyClient, SmartOnFhirModule, SmartSessionGuard, unwrap } from 'nestjs-smart-on-fhir';

/** The smallest app a user would write. The packaging test compiles it as ESM and as CommonJS. */
@Controller('api')
@UseGuards(SmartSessionGuard)
class PatientController {
  @Get('patient')
  async patient(@FhirClient() fhir: ReadyClient) {
    return unwrap(await fhir.patient.request());
  }
}

@Module({
  imports: [
    SmartOnFhirModule.forRoot({
      client: {
        clientId: 'packaging-test',
        scope: 'launch openid fhirUser patient/Patient.rs',
        callbackUrl: 'https://app.example.com/fhir/callback',
        redirectUrl: 'https://app.example.com/',
        knownFhirServers: [{ name: 'Example', issuer: 'https://ehr.example.org/fhir', type: 'public' }],
      },
      session: { secret: 'a secret for the packaging test alone, 32+ chars' },
    }),
  ],
  controllers: [PatientController],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const guarded = await fetch(`${url}/api/patient`);
  const launch = await fetch(`${url}/fhir/launch`);
  await app.close();
  // The last line is read by the test; Nest's warnings go before it.
  console.log(JSON.stringify({ guarded: guarded.status, launch: launch.status }));
}

void main();
