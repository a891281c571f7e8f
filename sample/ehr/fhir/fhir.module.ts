import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';

import { FhirServer } from './fhir-server.js';
import type { FhirServerOptions } from './fhir-server.js';
import { FhirController } from './fhir.controller.js';

@Module({})
export class FhirModule {
  static forRoot(options: FhirServerOptions): DynamicModule {
    return {
      module: FhirModule,
      controllers: [FhirController],
      providers: [{ provide: FhirServer, useValue: new FhirServer(options) }],
      exports: [FhirServer],
    };
  }
}
