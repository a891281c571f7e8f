import type { PatientSummary } from '../clinical-record.js';
import { escapeHtml } from './html.js';

/** One row for each patient; `actions` gives the HTML of the last cell. */
export function patientTable(
  patients: PatientSummary[],
  actions: (patient: PatientSummary) => string,
): string {
  if (patients.length === 0) return '<div class="card empty">No patient matches.</div>';
  const rows = patients.map((patient) => row(patient, actions(patient)));
  return `<div class="card"><table>
<thead><tr><th>Patient</th><th>Born</th><th>Gender</th><th class="number">Observations</th><th></th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table></div>`;
}

function row({ id, name, birthDate, gender, observations }: PatientSummary, actions: string): string {
  return `<tr>
<td><span class="name">${escapeHtml(name)}</span><span class="id">${escapeHtml(id)}</span></td>
<td class="date">${escapeHtml(birthDate)}</td>
<td>${escapeHtml(gender)}</td>
<td class="number">${observations}</td>
<td class="actions">${actions}</td>
</tr>`;
}
