import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import type { Browser, BrowserContext, Frame, Page } from 'playwright-core';
import { startEhr } from '../../sample/ehr/start-ehr.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';
import { adapters } from '../support/adapters.js';
import { describeWithChromium, launchChromium } from '../support/chromium.js';
import { startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import { startPortal } from '../support/portal.js';
import type { Portal } from '../support/portal.js';

jest.setTimeout(60_000);

/** The EHR's pages are on 127.0.0.1 and the app on localhost: two sites, as in a hospital. */
describeWithChromium('an app in the frame of an EHR, in Chromium', () => {
  let portal: Portal;
  let ehr: RunningEhr;
  let app: TestApp;
  let chromium: Browser;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    portal = await startPortal();
    ehr = await startEhr({ apps: [], quiet: true });
    app = await startTestApp({
      adapter: adapters[0]!.create(),
      ehr,
      module: {
        session: {
          secret: 'a secret of more than thirty-two characters',
          embedded: { frameAncestors: [portal.url] },
        },
      },
    });
    chromium = await launchChromium(['--test-third-party-cookie-phaseout']);
  });

  afterAll(async () => {
    await chromium?.close();
    await app?.close();
    await ehr?.close();
    await portal?.close();
  });

  beforeEach(async () => {
    context = await chromium.newContext();
    context.setDefaultTimeout(15_000);
    page = await context.newPage();
  });
  afterEach(() => context.close());

  /**
   * Opens the EHR's page with the app in it; the frame once it is at `path` of the app.
   *
   * @param sandbox what the frame may do. Left out: everything
   */
  async function embed(path: string, sandbox?: string): Promise<Frame> {
    const patient = ehr.store.list('Patient')[0]!.id!;
    const launchUrl = ehr.launchUrl(app.clientId, { patient });
    const arrived = page.waitForResponse((response) => response.url().startsWith(`${app.url}${path}`));
    await page.goto(portal.with(launchUrl, sandbox));
    await arrived;
    const frame = page.frames()[1]!;
    await frame.waitForLoadState();
    return frame;
  }

  it('C-9 E-LCH-5 launches where third-party cookies are blocked: the cookies are the frame’s own', async () => {
    const frame = await embed('/chart');

    const status = await frame.evaluate(`fetch('/api/patient').then((answer) => answer.status)`);
    const cookies = (await context.cookies()).filter(({ domain }) => domain === 'localhost');

    expect(status).toBe(200);
    expect(cookies.map(({ name, httpOnly, secure, sameSite }) => [name, httpOnly, secure, sameSite])).toEqual(
      expect.arrayContaining([['smart-session', true, true, 'None']]),
    );
  });

  it('E-ATH-5 launches in a sandboxed frame, and its own forms work there', async () => {
    const frame = await embed('/chart', 'allow-forms allow-popups allow-same-origin allow-scripts');
    const patient = () => frame.evaluate(`fetch('/api/patient').then((answer) => answer.status)`);
    expect(await patient()).toBe(200);

    const landed = page.waitForEvent('framenavigated', (moved) => moved === frame);
    const answered = page.waitForResponse((response) => response.url() === `${app.url}/fhir/logout`);
    await frame.evaluate(`{
      const form = document.createElement('form');
      form.method = 'post';
      form.action = '/fhir/logout';
      document.body.append(form);
      form.submit();
    }`);

    expect((await answered).status()).toBe(303);
    await landed;
    expect(frame.url()).toBe(`${app.url}/chart`);
    expect(await patient()).toBe(401);
  });

  it('C-9 C-6 the same app in a window of its own knows nothing of the frame’s session', async () => {
    await embed('/chart');

    const answer = await page.goto(`${app.url}/api/patient`);

    expect(answer!.status()).toBe(401);
  });

  it('C-10 where the frame’s cookie is lost, the page in it leads to a window of its own', async () => {
    // the launch is answered, and its cookie is not kept
    await context.route(`${app.url}/fhir/launch*`, async (route) => {
      const answer = await fetch(route.request().url(), { redirect: 'manual' });
      await route.fulfill({ status: 302, headers: { Location: answer.headers.get('location')! } });
    });
    const frame = await embed('/fhir/callback');

    const opened = context.waitForEvent('page');
    await frame.getByRole('link', { name: 'Open the app in a window of its own' }).click();
    const ownWindow = await opened;
    // a standalone launch: the EHR asks for the patient
    await ownWindow.waitForURL(`${new URL(ehr.issuer).origin}/**`);
    await ownWindow.getByRole('button', { name: 'Select ' }).first().click();
    await ownWindow.waitForURL(`${app.url}/chart`);

    expect(await ownWindow.evaluate(`fetch('/api/launch').then((answer) => answer.status)`)).toBe(200);
  });
});
