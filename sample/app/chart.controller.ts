import { Controller, Get, UseGuards } from '@nestjs/common';
import type { Condition, Patient } from 'fhir/r4.js';
import {
  FhirClient,
  ReadyClient,
  RequireContext,
  RequireScopes,
  SmartSessionGuard,
  unwrap,
} from 'nestjs-smart-on-fhir';
import { vitalSigns } from './vital-signs.js';
import type { VitalSign } from './vital-signs.js';

const MOST_OBSERVATIONS = 1000;

/** What the page shows, about the patient of this launch and nobody else. */
@Controller('api')
@RequireContext('patient')
@UseGuards(SmartSessionGuard)
export class ChartController {
  @Get('launch')
  launch(@FhirClient() fhir: ReadyClient): { ehr: string; needPatientBanner: boolean } {
    return { ehr: fhir.issuerName, needPatientBanner: fhir.context.needPatientBanner };
  }

  @Get('patient')
  @RequireScopes('patient/Patient.r')
  async patient(@FhirClient() fhir: ReadyClient): Promise<Patient> {
    return unwrap(await fhir.patient.request());
  }

  @Get('conditions')
  @RequireScopes('patient/Condition.s')
  conditions(@FhirClient() fhir: ReadyClient): Promise<Condition[]> {
    const active = { patient: fhir.patient.id!, 'clinical-status': 'active,recurrence,relapse' };
    return fhir.search('Condition', active).toArray({ limit: 200 });
  }

  @Get('vitals')
  @RequireScopes('patient/Observation.s')
  async vitals(
    @FhirClient() fhir: ReadyClient,
  ): Promise<{ observations: number; isComplete: boolean; signs: VitalSign[] }> {
    const observations = await fhir
      .search('Observation', { patient: fhir.patient.id!, category: 'vital-signs', _sort: '-date' })
      .toArray({ limit: MOST_OBSERVATIONS });
    return {
      observations: observations.length,
      isComplete: observations.length < MOST_OBSERVATIONS,
      signs: vitalSigns(observations),
    };
  }
}
