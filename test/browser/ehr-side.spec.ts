import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import type { Browser, BrowserContext, Frame, Page } from 'playwright-core';
import { startDemo } from '../../sample/demo.js';
import type { RunningDemo } from '../../sample/demo.js';
import { adapters } from '../support/adapters.js';
import { describeWithChromium, launchChromium } from '../support/chromium.js';
import { freePort } from '../support/free-port.js';
import { startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import { startLaunchingEhr } from '../support/launching-ehr.js';

jest.setTimeout(60_000);

const { SCREENSHOTS } = process.env;

/** The EHR is on 127.0.0.1 and the apps on localhost: two sites, and third-party cookies are blocked. */
describeWithChromium('the three ways in which the EHR opens an app, in Chromium', () => {
  let demo: RunningDemo;
  let tabs: TestApp;
  let chromium: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    demo = await startDemo({ ehrPort: 0, appPort: await freePort(), quiet: true });
    tabs = await startTestApp({
      adapter: adapters[0]!.create(),
      ehr: demo.ehr,
      module: { options: { enableMultiLaunch: true } },
    });
    chromium = await launchChromium(['--test-third-party-cookie-phaseout']);
    if (SCREENSHOTS) await mkdir(SCREENSHOTS, { recursive: true });
  });
  afterAll(async () => {
    await chromium?.close();
    await tabs?.close();
    await demo?.close();
  });
  beforeEach(async () => {
    complaints = [];
    context = await chromium.newContext({ viewport: { width: 1280, height: 800 } });
    context.setDefaultTimeout(15_000);
    context.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) complaints.push(message.text());
    });
    page = await context.newPage();
  });
  afterEach(() => context.close());

  async function open(way: string): Promise<void> {
    await page.goto(demo.ehr.url);
    await page.getByRole('link', { name: way, exact: true }).click();
    await page.locator(`[aria-current]`, { hasText: way }).waitFor();
  }
  const launchLink = (patient: string, app = 'Vital Signs') =>
    page.getByRole('link', { name: `Launch ${app} for ${patient}`, exact: true });
  const shot = async (name: string) => {
    if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/${name}.png` });
  };
  const heading = (where: Page | Frame, name: string) => where.getByRole('heading', { name });

  it('F-13 C-9 in a frame beside the chart, its cookies the frame’s own', async () => {
    await open('beside the chart');
    await shot('list');
    await launchLink('Ó Briain, Tomáš').click();
    await page.locator('iframe').waitFor();
    const frame = page.frames()[1]!;
    await frame.locator('#vitals canvas').waitFor();
    await shot('beside');

    expect(frame.url()).toBe(`${demo.app.url}/`);
    expect(page.url().startsWith(`${demo.ehr.url}/chart/`)).toBe(true);
    expect(await heading(page, 'Ó Briain, Tomáš').isVisible()).toBe(true);
    // the EHR shows whose chart it is, and said so to the app
    expect(await frame.locator('#patient').isVisible()).toBe(false);
    const cookies = (await context.cookies()).filter(({ domain }) => domain === 'localhost');
    expect(cookies.find(({ name }) => name === 'smart-session')).toMatchObject({
      secure: true,
      sameSite: 'None',
      partitionKey: expect.stringContaining('127.0.0.1'),
    });
    expect(complaints).toEqual([]);

    await frame.getByRole('button', { name: 'Log out' }).click();
    await heading(frame, 'Open this app from your EHR').waitFor();
  });

  it('F-13 in a new tab', async () => {
    await open('in a new tab');
    const opened = context.waitForEvent('page');
    await launchLink('Bianchi, Ingrid').click();
    const tab = await opened;
    await heading(tab, 'Ingrid Bianchi').waitFor();

    expect(tab.url()).toBe(`${demo.app.url}/`);
    expect(await heading(page, 'Patients').isVisible()).toBe(true);
  });

  it('F-13 in place of the EHR’s page', async () => {
    await page.goto(demo.ehr.url);
    await launchLink('Bianchi, Ingrid').click();
    await heading(page, 'Ingrid Bianchi').waitFor();
    expect(page.url()).toBe(`${demo.app.url}/`);
  });

  it('F-13 A3-5 in two tabs with two patients at once', async () => {
    const launched: { tab: Page; id: string }[] = [];
    for (const patient of ['Bianchi, Ingrid', 'Nagy, Björn']) {
      await open('in a new tab');
      const opened = context.waitForEvent('page');
      await launchLink(patient, tabs.clientId).click();
      const tab = await opened;
      await tab.waitForURL(`${tabs.url}/chart?patient=*`);
      launched.push({ tab, id: new URL(tab.url()).searchParams.get('patient')! });
    }

    const read = async ({ tab, id }: (typeof launched)[number]) =>
      tab.evaluate<{ id: string }>(
        `fetch('/api/patient', { headers: { 'x-smart-patient': '${id}' } }).then((answer) => answer.json())`,
      );
    const patients = [];
    for (const each of [...launched, ...launched]) patients.push((await read(each)).id);

    const [one, other] = launched.map(({ id }) => id);
    expect(one).not.toBe(other);
    expect(patients).toEqual([one, other, one, other]);
  });

  it('F-7 a page of another site cannot launch in the clinician’s name', async () => {
    const before = demo.ehr.auditLog.length;
    const operation = `${demo.ehr.fhirBaseUrl}/ClientApplication/vital-signs/$smart-launch`;
    await page.goto(`${demo.app.url}/nothing-here`);

    const answered = page.waitForResponse((response) => response.url() === operation);
    await page.evaluate(`location.href = '${operation}'`);

    expect((await answered).status()).toBe(403);
    expect(demo.ehr.auditLog).toHaveLength(before);
  });

  it('F-7 nor can one that the EHR links to and that sends the browser back', async () => {
    const before = demo.ehr.auditLog.length;
    const operation = `${demo.ehr.fhirBaseUrl}/ClientApplication/vital-signs/$smart-launch`;
    const foreign = createServer((_request, response) => {
      response.writeHead(302, { Location: operation }).end();
    });
    await new Promise<void>((resolve) => foreign.listen(0, 'localhost', resolve));
    try {
      const { port } = foreign.address() as AddressInfo;
      await page.goto(demo.ehr.url);
      await page.evaluate(`{
        const link = document.createElement('a');
        link.href = 'http://localhost:${port}/';
        link.referrerPolicy = 'unsafe-url';
        link.textContent = 'a site elsewhere';
        document.body.append(link);
      }`);

      const answered = page.waitForResponse((response) => response.url() === operation);
      await page.getByRole('link', { name: 'a site elsewhere' }).click();

      const answer = await answered;
      const headers = await answer.request().allHeaders();
      expect(headers).toMatchObject({
        'sec-fetch-site': 'cross-site',
        referer: expect.stringContaining(demo.ehr.url),
      });
      expect(answer.status()).toBe(403);
      expect(demo.ehr.auditLog).toHaveLength(before);
    } finally {
      foreign.close();
    }
  });

  it('F-7 a page of trustedOrigins launches by a form, and not by a link', async () => {
    const pages = `http://localhost:${await freePort()}`;
    const ehr = await startLaunchingEhr({
      adapter: adapters[0]!.create(),
      options: { trustedOrigins: [pages] },
    });
    try {
      const operation = `${ehr.fhirBaseUrl}/ClientApplication/growth-chart/$smart-launch?patient=ada`;
      const html = `<a href="${operation}">link</a>
        <form method="post" action="${operation}"><button>form</button></form>`;
      await context.addCookies([{ name: 'ehr', value: 'dr-grey', url: ehr.origin, sameSite: 'Lax' }]);
      await context.route(`${pages}/**`, (route) => route.fulfill({ contentType: 'text/html', body: html }));
      await context.route('https://growth.example.org/**', (route) => route.fulfill({ body: 'the app' }));

      const statusAfter = async (role: 'link' | 'button', name: string) => {
        await page.goto(`${pages}/`);
        const answered = page.waitForResponse((response) => response.url() === operation);
        await page.getByRole(role, { name }).click();
        return (await answered).status();
      };
      expect(await statusAfter('link', 'link')).toBe(403);
      expect(ehr.events).toEqual([]);
      expect(await statusAfter('button', 'form')).toBe(302);
      expect(ehr.events).toMatchObject([{ userId: 'dr-grey', context: { patient: 'ada' } }]);
    } finally {
      await ehr.close();
    }
  });
});
