import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { startDemo } from '../../sample/demo.js';
import type { RunningDemo } from '../../sample/demo.js';
import { describeWithChromium, launchChromium } from '../support/chromium.js';
import { freePort } from '../support/free-port.js';

jest.setTimeout(60_000);

/** How many pixels of the chart are not transparent. */
const INKED_PIXELS = `(canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let inked = 0;
  for (let alpha = 3; alpha < data.length; alpha += 4) if (data[alpha] > 0) inked += 1;
  return inked;
}`;

describeWithChromium('the demo in Chromium', () => {
  let demo: RunningDemo;
  let chromium: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    demo = await startDemo({ ehrPort: 0, appPort: await freePort(), quiet: true });
    chromium = await launchChromium();
  });

  afterAll(async () => {
    await chromium?.close();
    await demo?.close();
  });

  beforeEach(async () => {
    complaints = [];
    context = await chromium.newContext();
    context.setDefaultTimeout(15_000);
    page = await newPage();
  });

  afterEach(() => context.close());

  async function newPage(): Promise<Page> {
    const opened = await context.newPage();
    opened.on('pageerror', (error) => complaints.push(error.message));
    opened.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) complaints.push(message.text());
    });
    return opened;
  }

  /** Clicks the launch link of a patient on the EHR's page, as a clinician does. */
  async function launch(patient: string, on = page): Promise<void> {
    await on.goto(demo.ehr.url);
    await on.getByRole('link', { name: `Launch Vital Signs for ${patient}`, exact: true }).click();
    await on.locator('#vitals canvas').waitFor();
  }

  function inkedPixels(): Promise<number> {
    return page.evaluate<number>(`(${INKED_PIXELS})(document.querySelector('#vitals canvas'))`);
  }

  const legend = () => page.locator('.u-legend .u-value').allTextContents();
  const rows = () => page.locator('details tbody tr');

  it('launches from the EHR, shows the patient and the chart, and logs out', async () => {
    await launch('Ó Briain, Tomáš');

    expect(page.url()).toBe(`${demo.app.url}/`);
    expect(await page.locator('#patient').innerText()).toMatch(/^Tomáš Ó Briain\s.*Born\s22 Jan 1981/s);
    expect(await inkedPixels()).toBeGreaterThan(2000);
    const [date, weight] = await rows().first().locator('td').allTextContents();
    expect(await legend()).toEqual([date, `${weight} kg`]);

    await page.getByText('Blood pressure', { exact: true }).click();
    const [, pressure] = await rows().first().locator('td').allTextContents();
    expect(await legend()).toEqual([date, ...pressure!.split(' / ').map((value) => `${value} mmHg`)]);
    expect(await inkedPixels()).toBeGreaterThan(2000);

    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('heading', { name: 'Open this app from your EHR' }).waitFor();
    expect(await page.getByText('Ó Briain').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('sends somebody who opened the app alone to the EHR', async () => {
    await page.goto(demo.app.url);
    await page.getByRole('link', { name: 'Go to the demo EHR' }).click();
    await page.getByRole('heading', { name: 'Patients' }).waitFor();
    expect(page.url()).toBe(`${demo.ehr.url}/`);
  });

  it('tells what the pointer is on, from the keyboard too', async () => {
    await launch('Bianchi, Ingrid');
    await page.getByRole('radio', { name: 'Weight' }).press('ArrowRight');
    expect(await page.getByRole('radio', { name: 'Height' }).isChecked()).toBe(true);
    await page.getByRole('img', { name: /^Height: \d+ readings from 17 Apr 2014 to .* cm$/ }).waitFor();

    await page.locator('.u-over').hover({ position: { x: 5, y: 50 } });
    const [date, height] = await rows().last().locator('td').allTextContents();
    expect(await legend()).toEqual([date, `${height} cm`]);
  });

  it('shows what the EHR sends as text, and says where there is nothing to show', async () => {
    const name = '<img src=x onerror=alert(1)>';
    demo.ehr.store.update({ resourceType: 'Patient', id: 'empty', name: [{ family: name }] });
    await page.goto(demo.ehr.launchUrl('vital-signs', { patient: 'empty' }));

    await page.getByText('No vital signs recorded.').waitFor();
    await page.getByText('No active conditions recorded.').waitFor();
    expect(await page.locator('#patient-name').innerText()).toBe(name);
    expect(complaints).toEqual([]);
  });

  it('leaves the banner to an EHR that has one', async () => {
    await page.goto(
      demo.ehr.launchUrl('vital-signs', { patient: 'ingrid-bianchi', needPatientBanner: false }),
    );
    await page.locator('#vitals canvas').waitFor();
    expect(await page.locator('#patient').isVisible()).toBe(false);
  });

  it('shows no data of the next patient on a page that was opened for another', async () => {
    // Held back, as on a slow network, until the same browser has launched the app for somebody else.
    let letGo: (() => void) | undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    await page.route('**/api/vitals', async (route) => {
      await held;
      await route.continue();
    });
    await page.goto(demo.ehr.url);
    await page.getByRole('link', { name: 'Launch Vital Signs for Bianchi, Ingrid' }).click();
    await page.getByRole('heading', { name: 'Ingrid Bianchi' }).waitFor();
    await launch('Nagy, Björn', await newPage());
    letGo?.();

    await page.locator('#vitals').getByRole('alert').waitFor();
    expect(await page.locator('#vitals canvas').count()).toBe(0);
  });
});
