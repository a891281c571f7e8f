import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { InteractionController } from './authorization/interaction.controller.js';
import { Ehr } from './ehr.js';
import { FhirModule } from './fhir/index.js';
import type { FhirStore } from './fhir/index.js';
import { PagesController } from './pages/pages.controller.js';

@Module({})
export class EhrModule {
  static forRoot(ehr: Ehr, store: FhirStore, smartConfiguration: Record<string, unknown>): DynamicModule {
    const fhir = FhirModule.forRoot({
      store,
      baseUrl: () => ehr.fhirBaseUrl,
      authenticate: (token, proof) => ehr.authorizationServer.authenticate(token, proof),
      smartConfiguration: () => smartConfiguration,
    });
    return {
      module: EhrModule,
      imports: [fhir],
      controllers: [PagesController, InteractionController],
      providers: [{ provide: Ehr, useValue: ehr }],
    };
  }
}
