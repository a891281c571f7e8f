import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { KnownFhirServerSwitches } from 'nestjs-smart-on-fhir';
import { startEhr } from '../../sample/ehr/start-ehr.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';
import { adapters } from '../support/adapters.js';
import { describeWithChromium, launchChromium } from '../support/chromium.js';
import { startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import { RecordingServer } from '../support/recording-server.js';

jest.setTimeout(60_000);

describeWithChromium('a logout that goes on to the EHR, in Chromium', () => {
  let ehr: RunningEhr;
  let chromium: Browser;
  let context: BrowserContext;
  let page: Page;
  const elsewhere = new RecordingServer();
  const apps: TestApp[] = [];

  beforeAll(async () => {
    await elsewhere.start();
    ehr = await startEhr({ apps: [], quiet: true });
    chromium = await launchChromium();
  });
  afterAll(async () => {
    await chromium?.close();
    for (const app of apps) await app.close();
    await ehr?.close();
    await elsewhere.close();
  });
  beforeEach(async () => {
    context = await chromium.newContext();
    context.setDefaultTimeout(15_000);
    page = await context.newPage();
  });
  afterEach(() => context.close());

  /** Launches, and presses a button that the app has on some page of its own. */
  async function logOut(server: KnownFhirServerSwitches): Promise<TestApp> {
    const app = await startTestApp({ adapter: adapters[0]!.create(), ehr, server, comesBack: true });
    apps.push(app);
    await page.goto(ehr.launchUrl(app.clientId, { patient: ehr.store.list('Patient')[0]!.id! }));
    expect(page.url()).toBe(`${app.url}/chart`);
    await page.setContent('<form method="post" action="/fhir/logout"><button>Log out</button></form>');
    await page.getByRole('button', { name: 'Log out' }).click();
    return app;
  }
  const ehrSession = async () =>
    (await context.cookies(ehr.url)).find(({ name }) => name.startsWith('ehr_session'))?.value;

  it('B-31 by a redirect, with which the EHR’s own cookie comes along', async () => {
    const app = await logOut({ endSession: 'redirect' });
    await page.getByRole('heading', { name: 'Sign out of the EHR?' }).waitFor();
    const before = await ehrSession();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${app.url}/bye`);

    expect(before).toBeDefined();
    expect(await ehrSession()).not.toBe(before);
  });

  it('B-31 C-19 by a form that sends itself, with no token in an address or a Referer', async () => {
    const addresses: string[] = [];
    page.on('framenavigated', (frame) => addresses.push(frame.url()));
    const arrived = new Promise<void>((resolve) => {
      elsewhere.answer = (_request, response) => {
        response.end('Signed out');
        resolve();
      };
    });

    const app = await logOut({ endSession: true, endpoints: { endSession: `${elsewhere.url}/end?a=b` } });
    await arrived;
    await page.waitForURL(`${elsewhere.url}/end?a=b`);

    const [request] = elsewhere.requests;
    const form = new URLSearchParams(request!.body);
    expect([request!.method, request!.url, request!.headers.referer]).toEqual([
      'POST',
      '/end?a=b',
      undefined,
    ]);
    expect([form.get('client_id'), form.get('post_logout_redirect_uri')]).toEqual([
      app.clientId,
      `${app.url}/bye`,
    ]);
    const [, claims] = form.get('id_token_hint')!.split('.');
    expect(addresses.join()).not.toContain(claims);
  });
});
