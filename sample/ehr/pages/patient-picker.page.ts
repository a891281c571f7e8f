import type { PatientSummary } from '../clinical-record.js';
import { escapeHtml } from './html.js';
import { page } from './layout.js';
import { patientTable } from './patient-table.js';

export interface PatientPickerView {
  user: string;
  appName: string;
  patients: PatientSummary[];
}

/** Shown in a standalone launch that asks for `launch/patient`; posts `patient` or `cancel` to its own URL. */
export function patientPickerPage(view: PatientPickerView): string {
  const app = escapeHtml(view.appName);
  const body = `<form method="post">
<div class="head">
<div><h1>Select a patient</h1><p class="lead">${app} asks for a patient to work with.</p></div>
<button class="quiet" type="submit" name="cancel" value="yes">Cancel</button>
</div>
${patientTable(view.patients, ({ id, name }) => selectButton(id, name))}
</form>`;
  return page({ title: 'Select a patient', user: view.user }, body);
}

function selectButton(id: string, name: string): string {
  const label = escapeHtml(`Select ${name}`);
  return `<button type="submit" name="patient" value="${escapeHtml(id)}" aria-label="${label}">Select</button>`;
}
