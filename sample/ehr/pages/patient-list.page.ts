import type { LaunchLink } from 'nestjs-smart-on-fhir';
import type { PatientSummary } from '../clinical-record.js';
import { escapeHtml } from './html.js';
import { page } from './layout.js';
import { openInChoice } from './open-in.js';
import type { OpenIn } from './open-in.js';
import { patientTable } from './patient-table.js';

export interface PatientListView {
  user: string;
  search: string;
  openIn: OpenIn;
  patients: PatientSummary[];
  /** The apps that can be launched for a patient. */
  links: (patient: PatientSummary) => LaunchLink[];
  fhirBaseUrl: string;
}

export function patientListPage(view: PatientListView): string {
  const { search, openIn, patients, links } = view;
  const count = patients.length === 1 ? '1 patient' : `${patients.length} patients`;
  const kept = openIn === 'page' ? '' : `<input type="hidden" name="open" value="${openIn}">`;
  const body = `<div class="head">
<div><h1>Patients</h1><p class="lead">${count}. Open an app in the context of a patient.</p></div>
<form class="search" role="search" action="/" method="get">
<input type="search" name="q" value="${escapeHtml(search)}" placeholder="Name, birth date or id" aria-label="Search patients">${kept}
<button type="submit">Search</button>
</form>
</div>
${openInChoice(openIn, search)}
${patientTable(patients, (patient) => buttons(links(patient), patient, openIn))}`;
  const footer = `Demonstration system, no real patients. FHIR R4 at <code>${escapeHtml(view.fhirBaseUrl)}</code>`;
  return page({ title: 'Patients', user: view.user }, body, footer);
}

function buttons(links: LaunchLink[], patient: PatientSummary, openIn: OpenIn): string {
  return links.map((link) => button(link, patient, openIn)).join('\n');
}

function button({ id, name, launchUrl }: LaunchLink, patient: PatientSummary, openIn: OpenIn): string {
  const beside = `/chart/${encodeURIComponent(patient.id)}?app=${encodeURIComponent(id)}`;
  const href = escapeHtml(openIn === 'beside' ? beside : launchUrl);
  const target = openIn === 'tab' ? ' target="_blank" rel="noopener"' : '';
  const label = escapeHtml(`Launch ${name} for ${patient.name}`);
  return `<a class="button" href="${href}"${target} aria-label="${label}">Launch ${escapeHtml(name)}</a>`;
}
