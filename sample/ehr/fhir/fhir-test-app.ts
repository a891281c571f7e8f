import { Body, Controller, Post } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { Observation, Patient } from 'fhir/r4.js';
import request from 'supertest';

import { FhirModule, FhirStore, acceptFhirBodies } from './index.js';
import type { Access } from './index.js';

export const ADAPTERS = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
] as const;

export const SMART_CONFIGURATION = {
  authorization_endpoint: 'https://ehr.example/authorize',
  token_endpoint: 'https://ehr.example/token',
  capabilities: ['launch-ehr'],
};

const TOKENS: Record<string, Access> = {
  clinician: { scopes: ['user/*.cruds'], patient: null },
  ada: {
    scopes: ['patient/Patient.rs', 'patient/Observation.cruds', 'patient/Practitioner.r'],
    patient: 'ada',
  },
};

/** Stands for whatever else an application serves beside FHIR. */
@Controller('echo')
class EchoController {
  @Post()
  echo(@Body() body: unknown): unknown {
    return { body };
  }
}

export interface FhirTestApp {
  base: string;
  store: FhirStore;
  as: (token: 'clinician' | 'ada') => ReturnType<typeof request.agent>;
  close: () => Promise<void>;
}

/** The FHIR server over real HTTP, with two patients, ada and bob. */
export async function startFhirApp(adapter: (typeof ADAPTERS)[number][1]): Promise<FhirTestApp> {
  const store = new FhirStore();
  let base = '';
  const module = await Test.createTestingModule({
    controllers: [EchoController],
    imports: [
      FhirModule.forRoot({
        store,
        baseUrl: () => base,
        authenticate: (token) => {
          if (token === 'broken') return Promise.reject(new Error('the token store is down'));
          return Promise.resolve((token !== null && TOKENS[token]) || null);
        },
        smartConfiguration: () => SMART_CONFIGURATION,
      }),
    ],
  }).compile();
  const app: INestApplication = module.createNestApplication(adapter(), { logger: false });
  acceptFhirBodies(app);
  await app.listen(0, '127.0.0.1');
  base = `${await app.getUrl()}/fhir`;
  store.update<Patient>({
    resourceType: 'Patient',
    id: 'ada',
    name: [{ family: 'Łukasiewicz', given: ['Ada'] }],
  });
  store.update<Patient>({
    resourceType: 'Patient',
    id: 'bob',
    name: [{ family: 'Treviño', given: ['Bob'] }],
  });
  return {
    base,
    store,
    as: (token) => request.agent(base).auth(token, { type: 'bearer' }),
    close: () => app.close(),
  };
}

export const weight = (patient: string): Observation => ({
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '29463-7' }] },
  subject: { reference: `Patient/${patient}` },
  valueQuantity: { value: 70, unit: 'kg' },
});
