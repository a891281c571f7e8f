import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { SmartLaunchModule } from 'nestjs-smart-on-fhir';
import { InteractionController } from './authorization/interaction.controller.js';
import { Ehr } from './ehr.js';
import { FhirModule } from './fhir/index.js';
import type { FhirStore } from './fhir/index.js';
import { ClinicianGuard } from './launch/clinician.guard.js';
import { PagesController } from './pages/pages.controller.js';

@Module({})
export class EhrModule {
  static forRoot(ehr: Ehr, store: FhirStore, smartConfiguration: Record<string, unknown>): DynamicModule {
    const launch = SmartLaunchModule.forRoot({
      fhirBaseUrl: ehr.iss,
      clientApplications: ehr.apps,
      guards: [ClinicianGuard],
      readResource: (reference) => {
        const [type, id = ''] = reference.split('/');
        return store.find(type as 'Patient' | 'Encounter', id);
      },
      storage: ehr.launches,
      launchContext: ({ context }) => ({
        need_patient_banner: context.need_patient_banner ?? true,
        smart_style_url: `${ehr.url}/smart-style.json`,
      }),
      onLaunch: (event) => ehr.auditLog.push(event),
    });
    const fhir = FhirModule.forRoot({
      store,
      baseUrl: () => ehr.fhirBaseUrl,
      authenticate: (token, proof) => ehr.authorizationServer.authenticate(token, proof),
      smartConfiguration: () => smartConfiguration,
    });
    return {
      module: EhrModule,
      // The launch operation first: the FHIR server answers everything below its base.
      imports: [launch, fhir],
      controllers: [PagesController, InteractionController],
      providers: [{ provide: Ehr, useValue: ehr }, ClinicianGuard],
    };
  }
}
