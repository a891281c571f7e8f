import { getJson } from './api.js';
import { conditionList } from './condition-list.js';
import { byId, element } from './dom.js';
import { fullName, showPatient } from './patient-banner.js';
import { vitalsPanel } from './vitals-panel.js';

/** Shows one of the page's states and hides the others. */
function showState(name) {
  for (const id of ['loading', 'not-launched', 'failure', 'chart']) byId(id).hidden = id !== name;
  byId('log-out').hidden = name === 'loading' || name === 'not-launched';
}

/** Without a session there is nothing to show; everything else can be tried again. */
function showFailure(error) {
  if (error.status === 401) return showState('not-launched');
  byId('failure-reason').textContent = error.message;
  showState('failure');
}

/** Fills one part of the page; what goes wrong there leaves the other parts alone. */
async function fill(id, path, patientId, render) {
  const part = byId(id);
  try {
    part.replaceChildren(...[render(await getJson(path, patientId))].flat());
  } catch (error) {
    if (error.status === 401) return showState('not-launched');
    part.replaceChildren(element('p', { class: 'state error', role: 'alert' }, error.message));
  } finally {
    part.setAttribute('aria-busy', 'false');
  }
}

async function start() {
  showState('loading');
  try {
    const patient = await getJson('/api/patient');
    const { ehr, needPatientBanner } = await getJson('/api/launch', patient.id);
    byId('ehr').textContent = ehr;
    // An EHR that shows a banner of its own says so.
    byId('patient').hidden = !needPatientBanner;
    showPatient(patient);
    document.title = `${fullName(patient)} · Vital Signs`;
    showState('chart');
    await Promise.all([
      fill('conditions', '/api/conditions', patient.id, conditionList),
      fill('vitals', '/api/vitals', patient.id, vitalsPanel),
    ]);
  } catch (error) {
    showFailure(error);
  }
}

byId('try-again').addEventListener('click', start);
await start();
