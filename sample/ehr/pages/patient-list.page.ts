import type { PatientSummary } from '../clinical-record.js';
import type { RegisteredApp } from '../registered-app.js';
import { escapeHtml } from './html.js';
import { page } from './layout.js';
import { patientTable } from './patient-table.js';

export interface PatientListView {
  user: string;
  search: string;
  patients: PatientSummary[];
  apps: RegisteredApp[];
  fhirBaseUrl: string;
}

export function patientListPage(view: PatientListView): string {
  const count = view.patients.length === 1 ? '1 patient' : `${view.patients.length} patients`;
  const body = `<div class="head">
<div><h1>Patients</h1><p class="lead">${count}. Open an app in the context of a patient.</p></div>
<form class="search" role="search" action="/" method="get">
<input type="search" name="q" value="${escapeHtml(view.search)}" placeholder="Name, birth date or id" aria-label="Search patients">
<button type="submit">Search</button>
</form>
</div>
${patientTable(view.patients, (patient) => view.apps.map((app) => launchLink(app, patient)).join('\n'))}`;
  const footer = `Demonstration system, no real patients. FHIR R4 at <code>${escapeHtml(view.fhirBaseUrl)}</code>`;
  return page({ title: 'Patients', user: view.user }, body, footer);
}

function launchLink(app: RegisteredApp, patient: PatientSummary): string {
  const href = `/launch/${encodeURIComponent(app.clientId)}?patient=${encodeURIComponent(patient.id)}`;
  const label = `Launch ${app.name} for ${patient.name}`;
  return `<a class="button" href="${escapeHtml(href)}" aria-label="${escapeHtml(label)}">Launch ${escapeHtml(app.name)}</a>`;
}
