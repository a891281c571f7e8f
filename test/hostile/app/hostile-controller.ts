import { Controller, Get, Header, Query, UseGuards } from '@nestjs/common';
import type { Observation } from 'fhir/r4.js';
import { FhirClient, ReadyClient, RequireScopes, SmartSessionGuard, unwrap } from 'nestjs-smart-on-fhir';

/** Everything an app does with a launch, each as a route of its own. */
@Controller('api')
@UseGuards(SmartSessionGuard)
export class HostileController {
  @Get('launch')
  launch(@FhirClient() fhir: ReadyClient) {
    const { patient, encounter, user, context, scopes } = fhir;
    return {
      patient: patient.id,
      encounter: encounter.id,
      user: user.reference,
      context,
      scopes: scopes.toArray(),
      missing: scopes.missing('patient/Patient.rs', 'patient/Observation.cruds'),
      sub: fhir.getClaim('sub') ?? null,
      polluted: ({} as { polluted?: unknown }).polluted ?? null,
    };
  }

  @Get('patient')
  async patient(@FhirClient() fhir: ReadyClient) {
    return unwrap(await fhir.patient.request());
  }

  @Get('vitals')
  @RequireScopes('patient/Observation.rs')
  async vitals(@FhirClient() fhir: ReadyClient) {
    return unwrap(await fhir.request('Observation'));
  }

  @Get('user')
  async user(@FhirClient() fhir: ReadyClient) {
    return unwrap(await fhir.user.request());
  }

  @Get('read')
  async read(@FhirClient() fhir: ReadyClient, @Query('path') path: string) {
    return unwrap<unknown>(await fhir.request(path));
  }

  @Get('search')
  async search(@FhirClient() fhir: ReadyClient) {
    const found = await fhir.search('Observation').toArray({ limit: 100 });
    return { ids: found.map(({ id }) => id) };
  }

  @Get('patient-search')
  async patientSearch(@FhirClient() fhir: ReadyClient) {
    const found = await fhir.patient.search('Observation').toArray({ limit: 100 });
    return { ids: found.map(({ id }) => id) };
  }

  @Get('style')
  @Header('Content-Type', 'application/json')
  async style(@FhirClient() fhir: ReadyClient) {
    return JSON.stringify(unwrap(await fhir.smartStyle()));
  }

  @Get('create')
  async create(@FhirClient() fhir: ReadyClient) {
    const { id } = unwrap(await fhir.create(OBSERVATION));
    return { id };
  }

  @Get('update')
  async update(@FhirClient() fhir: ReadyClient) {
    const { id } = unwrap(await fhir.update({ ...OBSERVATION, id: 'o1' }));
    return { id };
  }
}

const OBSERVATION: Observation = { resourceType: 'Observation', status: 'final', code: { text: 'note' } };
