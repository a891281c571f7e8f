import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { Controller, Get, Header } from '@nestjs/common';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { startEhr } from '../../sample/ehr/start-ehr.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';
import { adapters } from '../support/adapters.js';
import { describeWithChromium, launchChromium } from '../support/chromium.js';
import { fakeClock } from '../support/clock.js';
import { ChartController, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';

jest.setTimeout(60_000);

/** The snippet of the documentation, as a page includes it. */
const guide = readFileSync(new URL('../../docs/multi-launch.md', import.meta.url), 'utf8');
const snippet = /```js\n(?<code>[^]*?)```/.exec(guide)!.groups!.code!;

@Controller('chart')
class PageController {
  @Get()
  @Header('Content-Type', 'text/html')
  page() {
    return `<!doctype html><title>Chart</title><script type="module">${snippet}
      window.smartFetch = smartFetch;</script>`;
  }
}

/** What a tab shows: a patient and the EHR, or an error. */
type Sight = [string, string] | [string];

/** Two EHRs with the same patients, and real tabs with the documented snippet. */
describeWithChromium('several tabs with a patient each, in Chromium', () => {
  let ehrs: [RunningEhr, RunningEhr];
  let app: TestApp;
  let chromium: Browser;
  let context: BrowserContext;
  let clock: ReturnType<typeof fakeClock>;
  let patients: [string, string];

  beforeAll(async () => {
    ehrs = [await startEhr({ apps: [], quiet: true }), await startEhr({ apps: [], quiet: true })];
    const [one, two] = ehrs;
    patients = one.store
      .list('Patient')
      .map(({ id }) => id!)
      .slice(0, 2) as [string, string];
    expect(two.store.list('Patient').map(({ id }) => id)).toEqual(expect.arrayContaining(patients));
    app = await startTestApp({
      adapter: adapters[0]!.create(),
      ehr: one,
      authentication: 'none',
      controllers: [ChartController, PageController],
      client: {
        knownFhirServers: [
          { name: 'One', issuer: one.fhirBaseUrl, type: 'public' },
          { name: 'Two', issuer: two.fhirBaseUrl, type: 'public' },
        ],
      },
      module: { options: { enableMultiLaunch: true } },
    });
    two.registerApp({
      clientId: app.clientId,
      name: app.clientId,
      launchUri: `${app.url}/fhir/launch`,
      redirectUris: [`${app.url}/fhir/callback`],
      authentication: 'none',
    });
    chromium = await launchChromium();
  });
  afterAll(async () => {
    await chromium?.close();
    await app?.close();
    for (const ehr of ehrs ?? []) await ehr.close();
  });
  beforeEach(async () => {
    clock = fakeClock();
    context = await chromium.newContext();
    context.setDefaultTimeout(15_000);
  });
  afterEach(async () => {
    await context.close();
    clock.restore();
  });

  async function launch(tab: Page, ehr: RunningEhr, patient: string): Promise<void> {
    await tab.goto(ehr.launchUrl(app.clientId, { patient }));
    await loaded(tab);
  }
  async function loaded(tab: Page): Promise<void> {
    await tab.waitForFunction('window.smartFetch !== undefined');
    expect(tab.url()).toBe(`${app.url}/chart`);
  }
  const sightOf = async (tab: Page): Promise<Sight> => {
    const body: { patient?: string; issuerName?: string; error?: string } = await tab.evaluate(
      `smartFetch('/api/launch', { headers: { accept: 'application/json' } }).then((answer) => answer.json())`,
    );
    return body.error === undefined ? [body.patient!, body.issuerName!] : [body.error];
  };

  it('G-5 A3-5 E-NO-3 each tab keeps its patient and its EHR, after reloads and refreshes, until the logout', async () => {
    const [one, two] = ehrs;
    const tabs = [await context.newPage(), await context.newPage(), await context.newPage()] as const;
    await launch(tabs[0], one, patients[0]);
    await launch(tabs[1], one, patients[1]);
    await launch(tabs[2], two, patients[0]);
    const own = [
      [patients[0], 'One'],
      [patients[1], 'One'],
      [patients[0], 'Two'],
    ];
    const sights = () => Promise.all(tabs.map(sightOf));
    expect(await sights()).toEqual(own);

    await Promise.all(tabs.map((tab) => tab.reload()));
    for (const tab of tabs) await loaded(tab);
    expect(await sights()).toEqual(own);

    const before = ehrs.map(({ tokenRequests }) => tokenRequests.length);
    clock.advance(6 * 60_000);
    expect(await sights()).toEqual(own);
    const refreshes = ehrs.map(({ tokenRequests }, index) =>
      tokenRequests.slice(before[index]).map(({ grantType }) => grantType),
    );
    expect(refreshes).toEqual([['refresh_token', 'refresh_token'], ['refresh_token']]);

    // the second tab goes on with the first one's patient, and back
    await launch(tabs[1], one, patients[0]);
    expect(await sights()).toEqual([own[0], own[0], own[2]]);
    await launch(tabs[1], one, patients[1]);
    expect(await sights()).toEqual(own);

    await tabs[1].evaluate(`fetch('/fhir/logout', { method: 'POST' })`);
    expect(await sights()).toEqual([['no_session'], ['no_session'], ['no_session']]);

    await launch(tabs[2], two, patients[0]);
    expect(await sights()).toEqual([['unknown_patient'], ['unknown_patient'], own[2]]);
  });

  it('E-NO-3 three tabs that are launched at the same time all get their patient', async () => {
    const [one] = ehrs;
    const tabs = [await context.newPage(), await context.newPage(), await context.newPage()] as const;
    const about = [patients[0], patients[1], patients[0]];
    // the first gives the browser its cookies
    await launch(tabs[0], one, patients[1]);

    await Promise.all(
      tabs.map(async (tab, index) => {
        // oidc-provider has one interaction of a browser at a time, and turns the others away
        do await tab.goto(one.launchUrl(app.clientId, { patient: about[index]! }));
        while (tab.url().startsWith(one.url));
        await loaded(tab);
      }),
    );

    expect(await Promise.all(tabs.map(sightOf))).toEqual(about.map((patient) => [patient, 'One']));
  });
});
