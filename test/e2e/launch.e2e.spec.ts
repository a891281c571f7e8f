import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Patient } from 'fhir/r4.js';
import { adapters } from '../support/adapters.js';
import { Browser, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import type { AppAuthentication, RunningEhr } from '../../sample/ehr/start-ehr.js';

const methods: AppAuthentication[] = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'];

describe.each(adapters)('EHR launch on $name', ({ create }) => {
  let ehr: RunningEhr;
  let patients: Patient[];
  const apps = new Map<AppAuthentication, TestApp>();

  beforeAll(async () => {
    ehr = await startEhr({ apps: [], quiet: true });
    patients = ehr.store.list('Patient');
    for (const authentication of methods) {
      apps.set(authentication, await startTestApp({ adapter: create(), ehr, authentication }));
    }
  });

  afterAll(async () => {
    for (const app of apps.values()) await app.close();
    await ehr.close();
  });

  it.each(methods)('A7-1 B-1 gives a %s client its patient, end to end', async (authentication) => {
    const app = apps.get(authentication)!;
    const browser = new Browser();
    const [patient] = patients;

    const page = await app.launch(browser, { patient: patient!.id!, intent: 'vitals' });

    if (page instanceof Response) console.error(page.status, page.url, await page.text());
    expect(page).toBeInstanceOf(URL);
    expect((page as URL).href).toBe(`${app.url}/chart`);
    const { status, body } = await app.get(browser, '/api/patient');
    expect({ status, id: (body as Patient).id }).toEqual({ status: 200, id: patient!.id });
  });
});
