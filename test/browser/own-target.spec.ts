import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { startEhr } from '../../sample/ehr/start-ehr.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';
import type { LaunchTarget } from 'nestjs-smart-on-fhir';
import { adapters } from '../support/adapters.js';
import { describeWithChromium, launchChromium } from '../support/chromium.js';
import { startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import { startPortal } from '../support/portal.js';
import type { Portal } from '../support/portal.js';

jest.setTimeout(60_000);

/** An app that is not made for frames, in a frame of the EHR's. */
describeWithChromium('a launch that leaves the EHR’s frame, in Chromium', () => {
  let portal: Portal;
  let ehr: RunningEhr;
  let chromium: Browser;
  let context: BrowserContext;
  let page: Page;
  const apps: TestApp[] = [];

  beforeAll(async () => {
    portal = await startPortal();
    ehr = await startEhr({ apps: [], quiet: true });
    chromium = await launchChromium(['--test-third-party-cookie-phaseout']);
  });
  afterAll(async () => {
    await chromium?.close();
    for (const app of apps) await app.close();
    await ehr?.close();
    await portal?.close();
  });
  beforeEach(async () => {
    context = await chromium.newContext();
    context.setDefaultTimeout(15_000);
    page = await context.newPage();
  });
  afterEach(() => context.close());

  async function embed(target: LaunchTarget): Promise<TestApp> {
    const app = await startTestApp({ adapter: adapters[0]!.create(), ehr, server: { target } });
    apps.push(app);
    const launchUrl = ehr.launchUrl(app.clientId, { patient: ehr.store.list('Patient')[0]!.id! });
    await page.goto(portal.with(launchUrl));
    return app;
  }
  const link = () => page.frames()[1]!.getByRole('link', { name: 'Open the app in a window of its own' });
  const statusIn = (where: Page) => where.evaluate(`fetch('/api/patient').then((answer) => answer.status)`);

  it('C-10 in the whole window', async () => {
    const app = await embed('_top');

    await link().click();
    await page.waitForURL(`${app.url}/chart`);

    expect(await statusIn(page)).toBe(200);
  });

  it.each<LaunchTarget>(['_blank', 'popup'])('C-10 in a window of its own: %s', async (target) => {
    const app = await embed(target);
    const opened = context.waitForEvent('page');

    await link().click();
    const ownWindow = await opened;
    await ownWindow.waitForURL(`${app.url}/chart`);

    expect(await statusIn(ownWindow)).toBe(200);
    expect(page.url().startsWith(portal.url)).toBe(true);
  });

  it('C-11 without it the frame stays empty', async () => {
    await embed('_self');

    expect(await page.frames()[1]!.evaluate('location.protocol')).toBe('chrome-error:');
  });
});
