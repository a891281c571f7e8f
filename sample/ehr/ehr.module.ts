import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { InteractionController } from './authorization/interaction.controller.js';
import { smartConfiguration } from './authorization/smart-configuration.js';
import { Ehr } from './ehr.js';
import { FhirModule } from './fhir/index.js';
import type { FhirStore } from './fhir/index.js';
import { PagesController } from './pages/pages.controller.js';

@Module({})
export class EhrModule {
  static forRoot(ehr: Ehr, store: FhirStore, issuer: string): DynamicModule {
    const fhir = FhirModule.forRoot({
      store,
      baseUrl: () => ehr.fhirBaseUrl,
      authenticate: (bearerToken) => ehr.authorizationServer.authenticate(bearerToken),
      smartConfiguration: () => smartConfiguration(issuer),
    });
    return {
      module: EhrModule,
      imports: [fhir],
      controllers: [PagesController, InteractionController],
      providers: [{ provide: Ehr, useValue: ehr }],
    };
  }
}
