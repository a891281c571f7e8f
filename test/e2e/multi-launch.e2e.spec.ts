import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { adapters } from '../support/adapters.js';
import { Browser, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';

describe.each(adapters)('Several launches in one session on $name', ({ create }) => {
  let ehr: RunningEhr;
  let app: TestApp;
  let patients: string[];

  beforeAll(async () => {
    ehr = await startEhr({ apps: [], quiet: true });
    patients = ehr.store.list('Patient').map(({ id }) => id!);
    app = await startTestApp({ adapter: create(), ehr, module: { options: { enableMultiLaunch: true } } });
  });
  afterAll(async () => {
    await app.close();
    await ehr.close();
  });

  const asked = async (browser: Browser, query: string, headers: Record<string, string> = {}) => {
    const answer = await browser.get(`${app.url}/api/patient${query}`, {
      Accept: 'application/json',
      ...headers,
    });
    const body = (await answer.json()) as { id?: string; error?: string };
    return [answer.status, body.id ?? body.error];
  };

  it('G-5 E-NO-3 gives every tab the patient it launched, by query or header', async () => {
    const [one, two] = patients as [string, string];
    const browser = new Browser();
    const first = await app.launch(browser, { patient: one });
    const second = await app.launch(browser, { patient: two });

    expect([first, second]).toEqual([one, two].map((id) => `${app.url}/chart?patient=${id}`));
    expect(await asked(browser, `?patient=${one}`)).toEqual([200, one]);
    expect(await asked(browser, `?patient=${two}`)).toEqual([200, two]);
    expect(await asked(browser, '', { 'x-smart-patient': one })).toEqual([200, one]);
    expect(
      await asked(browser, `?iss=${encodeURIComponent(ehr.fhirBaseUrl)}`, { 'x-smart-patient': one }),
    ).toEqual([200, one]);
  });

  it('G-5 never gives another patient: none named, one not launched, one of another EHR', async () => {
    const [one, two, three] = patients as [string, string, string];
    const browser = new Browser();
    await app.launch(browser, { patient: one });
    await app.launch(browser, { patient: two });

    expect(await asked(browser, '')).toEqual([400, 'no_active_patient']);
    expect(await asked(browser, `?patient=${three}`)).toEqual([403, 'unknown_patient']);
    expect(await asked(browser, `?patient=${one}&iss=https://other.example/fhir`)).toEqual([
      403,
      'unknown_patient',
    ]);
  });

  it('logout ends every launch of the session', async () => {
    const [one, two] = patients as [string, string];
    const browser = new Browser();
    await app.launch(browser, { patient: one });
    await app.launch(browser, { patient: two });
    const cookie = browser.cookies('localhost')['smart-session']!;

    await browser.post(`${app.url}/fhir/logout`, {});

    const answers = [one, two].map((id) =>
      fetch(`${app.url}/api/patient?patient=${id}`, { headers: { cookie: `smart-session=${cookie}` } }),
    );
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([401, 401]);
  });
});
