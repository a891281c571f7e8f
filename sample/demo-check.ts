import { parseArgs } from 'node:util';
import type { Patient } from 'fhir/r4.js';
import { Browser } from './ehr/testing/browser.js';

const browser = new Browser();
/** An address no redirect has: follow them all. */
const NOWHERE = 'about:blank';

/** The launch link of the first patient on the EHR's page that the search finds. */
async function findLaunchLink(ehrUrl: string, search: string): Promise<string> {
  const page = await browser.get(`${ehrUrl}/?q=${encodeURIComponent(search)}`).catch(() => null);
  if (!page) throw new Error(`Nothing answers at ${ehrUrl}. Start the demo first: npm start`);
  const path = /href="([^"]+\/\$smart-launch[^"]*)"/.exec(await page.text())?.[1];
  if (path) return new URL(path.replaceAll('&amp;', '&'), ehrUrl).href;
  throw new Error(
    search ? `The EHR at ${ehrUrl} has no patient "${search}".` : `${ehrUrl} is no demo EHR with patients.`,
  );
}

/** Follows the launch, as a click does: launch URL, authorization, callback, the app's page. */
async function launch(link: string, appUrl: string): Promise<void> {
  const end = await browser.follow(link, NOWHERE).catch(() => null);
  if (!(end instanceof Response)) {
    throw new Error(`The EHR runs, but nothing answers at ${appUrl}. Start the demo first: npm start`);
  }
  if (!end.ok || end.url !== `${appUrl}/`)
    throw new Error(`The launch ended at ${end.url} (${end.status}), not at ${appUrl}/.`);
}

async function fromApi<T>(url: string): Promise<T> {
  const answer = await browser.get(url, { Accept: 'application/json' });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as T;
}

async function check(): Promise<void> {
  const { values } = parseArgs({
    options: {
      ehr: { type: 'string', default: 'http://127.0.0.1:4000' },
      app: { type: 'string', default: 'http://localhost:3000' },
      patient: { type: 'string', default: '' },
    },
  });
  const link = await findLaunchLink(values.ehr, values.patient);

  const start = performance.now();
  await launch(link, values.app);
  const patient = await fromApi<Patient>(`${values.app}/api/patient`);
  const { observations } = await fromApi<{ observations: number }>(`${values.app}/api/vitals`);
  const milliseconds = Math.round(performance.now() - start);

  const [name] = patient.name ?? [];
  console.log(`Patient: ${[...(name?.given ?? []), name?.family].join(' ')}`);
  console.log(`Vital sign observations: ${observations}`);
  console.log(`From launch to data: ${milliseconds} ms`);
}

await check().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
