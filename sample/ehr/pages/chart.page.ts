import type { LaunchLink } from 'nestjs-smart-on-fhir';
import type { PatientChart } from '../clinical-record.js';
import { escapeHtml } from './html.js';
import { page } from './layout.js';

export interface ChartView {
  user: string;
  chart: PatientChart;
  app: LaunchLink;
}

/** The patient's chart, and beside it an app in a frame. */
export function chartPage({ user, chart, app }: ChartView): string {
  const { name, birthDate, gender, conditions, visits } = chart;
  const body = `<div class="split">
<section class="card chart" aria-label="Chart">
<h1>${escapeHtml(name)}</h1>
<p class="lead">Born ${escapeHtml(birthDate)}, ${escapeHtml(gender)}</p>
<h2>Conditions</h2>${list(conditions)}
<h2>Latest visits</h2>${list(visits)}
<p><a href="/?open=beside">All patients</a></p>
</section>
<iframe class="card app" src="${escapeHtml(app.launchUrl)}" title="${escapeHtml(app.name)}" referrerpolicy="no-referrer"></iframe>
</div>`;
  return page({ title: name, user, wide: true }, body);
}

function list(items: string[]): string {
  if (items.length === 0) return '<p class="lead">None recorded.</p>';
  return `<ul>${items.map((item) => `<li>${escapeHtml(item)}</li>`).join('')}</ul>`;
}
