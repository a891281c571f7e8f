import type { IncomingMessage, ServerResponse } from 'node:http';
import { BadRequestException, Body, Controller, Get, Post, Req, Res, UseFilters } from '@nestjs/common';
import { SmartLaunchService } from 'nestjs-smart-on-fhir';
import type { LaunchMembers, SmartError } from 'nestjs-smart-on-fhir';
import { Ehr } from '../ehr.js';
import { TakenLaunches } from '../launch/taken-launches.js';
import { ErrorPageFilter } from '../pages/error-page.filter.js';
import { setPageHeaders } from '../pages/layout.js';
import { patientPickerPage } from '../pages/patient-picker.page.js';
import type { PendingAuthorization } from './authorization-server.js';

/** Where the browser is sent to log in and consent. The demo does both by itself and asks only for a patient. */
@UseFilters(ErrorPageFilter)
@Controller('interaction/:uid')
export class InteractionController {
  readonly #taken = new TakenLaunches();

  constructor(
    private readonly ehr: Ehr,
    private readonly launches: SmartLaunchService,
  ) {}

  @Get()
  async show(@Req() request: IncomingMessage, @Res() response: ServerResponse): Promise<void> {
    const server = this.ehr.authorizationServer;
    const pending = await server.pending(request, response);
    const context = await this.#contextOf(pending);
    if ('error' in context) return server.refuseLaunch(request, response, context.message);
    if (!needsPatient(pending, context)) return server.approve(request, response, context);
    const html = patientPickerPage({
      user: this.ehr.clinician.name,
      appName: this.ehr.apps.find(pending.clientId)?.name ?? pending.clientId,
      patients: this.ehr.record.patients(),
    });
    setPageHeaders(response);
    response.end(html);
  }

  @Post()
  async pick(
    @Body() choice: Record<string, unknown> | undefined,
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    const server = this.ehr.authorizationServer;
    const pending = await server.pending(request, response);
    const context = await this.#contextOf(pending);
    if ('error' in context) return server.refuseLaunch(request, response, context.message);
    if (choice?.['cancel'] !== undefined) return server.deny(request, response);
    const patient = choice?.['patient'];
    if (typeof patient !== 'string' || !this.ehr.record.hasPatient(patient)) {
      throw new BadRequestException('Select a patient');
    }
    // Only where the page was shown: an EHR launch's patient is not for the browser to change.
    if (!needsPatient(pending, context)) throw new BadRequestException('The patient is already chosen');
    await server.approve(request, response, { ...context, patient });
  }

  async #contextOf({ uid, clientId, launch }: PendingAuthorization): Promise<LaunchMembers | SmartError> {
    if (launch === undefined) return {};
    return this.#taken.of(uid, () => this.launches.take(launch, { clientId, userId: this.ehr.clinician.id }));
  }
}

function needsPatient({ scopes }: PendingAuthorization, context: LaunchMembers): boolean {
  return scopes.includes('launch/patient') && context.patient === undefined;
}
