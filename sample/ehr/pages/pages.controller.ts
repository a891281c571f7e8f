import type { ServerResponse } from 'node:http';
import {
  Controller,
  Get,
  Header,
  NotFoundException,
  Param,
  Query,
  Redirect,
  Res,
  UseFilters,
} from '@nestjs/common';
import { Ehr } from '../ehr.js';
import { ErrorPageFilter } from './error-page.filter.js';
import { setPageHeaders } from './layout.js';
import { patientListPage } from './patient-list.page.js';
import { STYLESHEET } from './stylesheet.js';

@UseFilters(ErrorPageFilter)
@Controller()
export class PagesController {
  constructor(private readonly ehr: Ehr) {}

  @Get()
  patients(@Query('q') query: unknown, @Res({ passthrough: true }) response: ServerResponse): string {
    setPageHeaders(response);
    const search = typeof query === 'string' ? query : '';
    return patientListPage({
      user: this.ehr.clinician.name,
      search,
      patients: this.ehr.record.patients(search),
      apps: this.ehr.apps.all(),
      fhirBaseUrl: this.ehr.fhirBaseUrl,
    });
  }

  @Get('launch/:clientId')
  @Header('Cache-Control', 'no-store')
  @Header('Referrer-Policy', 'no-referrer')
  @Redirect()
  launch(@Param('clientId') clientId: string, @Query('patient') patient: unknown): { url: string } {
    if (!this.ehr.apps.find(clientId)) throw new NotFoundException('No such app');
    if (typeof patient !== 'string' || !this.ehr.record.hasPatient(patient)) {
      throw new NotFoundException('No such patient');
    }
    const encounter = this.ehr.record.latestEncounter(patient);
    const context = {
      patient,
      ...(encounter ? { encounter } : {}),
      needPatientBanner: true,
      smartStyleUrl: `${this.ehr.url}/smart-style.json`,
    };
    return { url: this.ehr.launchUrl(clientId, context) };
  }

  @Get('ehr.css')
  @Header('Content-Type', 'text/css; charset=utf-8')
  stylesheet(): string {
    return STYLESHEET;
  }

  /** SMART 2.2, styling: colours an app may take over to look at home here. */
  @Get('smart-style.json')
  @Header('Access-Control-Allow-Origin', '*')
  style(): Record<string, string> {
    return {
      color_background: '#f4f6f8',
      color_error: '#a4262c',
      color_highlight: '#0b5c8a',
      color_modal_backdrop: '#16232f',
      color_success: '#1f7a4d',
      color_text: '#16232f',
      dim_border_radius: '5px',
      dim_font_size: '16px',
      dim_spacing_size: '16px',
      font_family_body: 'system-ui, sans-serif',
      font_family_heading: 'system-ui, sans-serif',
    };
  }
}
