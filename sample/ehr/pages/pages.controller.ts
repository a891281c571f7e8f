import type { ServerResponse } from 'node:http';
import { Controller, Get, Header, NotFoundException, Param, Query, Res, UseFilters } from '@nestjs/common';
import { SmartLaunchService } from 'nestjs-smart-on-fhir';
import type { LaunchLink } from 'nestjs-smart-on-fhir';
import { Ehr } from '../ehr.js';
import { chartPage } from './chart.page.js';
import { ErrorPageFilter } from './error-page.filter.js';
import { setPageHeaders } from './layout.js';
import { readOpenIn } from './open-in.js';
import { patientListPage } from './patient-list.page.js';
import { STYLESHEET } from './stylesheet.js';

@UseFilters(ErrorPageFilter)
@Controller()
export class PagesController {
  constructor(
    private readonly ehr: Ehr,
    private readonly launches: SmartLaunchService,
  ) {}

  @Get()
  patients(
    @Query('q') query: unknown,
    @Query('open') open: unknown,
    @Res({ passthrough: true }) response: ServerResponse,
  ): string {
    setPageHeaders(response);
    const search = typeof query === 'string' ? query : '';
    return patientListPage({
      user: this.ehr.clinician.name,
      search,
      openIn: readOpenIn(open),
      patients: this.ehr.record.patients(search),
      links: ({ id }) => this.#links(id),
      fhirBaseUrl: this.ehr.fhirBaseUrl,
    });
  }

  @Get('chart/:patient')
  chart(
    @Param('patient') patient: string,
    @Query('app') appId: unknown,
    @Res({ passthrough: true }) response: ServerResponse,
  ): string {
    const chart = this.ehr.record.chart(patient);
    if (!chart) throw new NotFoundException('No such patient');
    // The name stands in the chart beside it.
    const app = this.#links(patient, false).find(({ id }) => id === appId);
    if (!app) throw new NotFoundException('No such app');
    setPageHeaders(response, ["'self'", ...this.#originsOf(app)]);
    return chartPage({ user: this.ehr.clinician.name, chart, app });
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

  /** The latest visit brings its patient along. */
  #links(patient: string, need_patient_banner = true): LaunchLink[] {
    const encounter = this.ehr.record.latestEncounter(patient);
    const context = encounter === undefined ? { patient } : { encounter };
    return this.launches.launchLinks({ ...context, need_patient_banner }, this.ehr.apps.applications());
  }

  /** Where the frame goes on its way: the app's launch URL, the EHR, and back to the app. */
  #originsOf({ id }: LaunchLink): string[] {
    const { launchUri, redirectUris = [] } = this.ehr.apps.findById(id) ?? {};
    const urls = [launchUri, ...redirectUris].filter((url) => url !== undefined);
    return [...new Set(urls.map((url) => new URL(url).origin))];
  }
}
