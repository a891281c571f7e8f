import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Redirect, UseGuards } from '@nestjs/common';
import { FhirClient, ReadyClient, SmartClient, SmartSessionGuard, unwrap } from 'nestjs-smart-on-fhir';
import { adapters } from '../support/adapters.js';
import { Browser, ChartController, follow, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';

let ehr: RunningEhr;
let patient: string;

beforeAll(async () => {
  ehr = await startEhr({ apps: [], quiet: true });
  patient = ehr.store.list('Patient')[0]!.id!;
});
afterAll(() => ehr.close());

@Controller('orders')
class OrdersController {
  constructor(@Inject(SmartClient) private readonly smart: SmartClient) {}

  @Get('start')
  @Redirect()
  async start() {
    const appData = { order: 'order-42' };
    const { redirect_url } = unwrap(await this.smart.authorize({ iss: ehr.fhirBaseUrl, appData }));
    return { url: redirect_url };
  }

  @Get('current')
  @UseGuards(SmartSessionGuard)
  current(@FhirClient() fhir: ReadyClient) {
    return { appData: fhir.appData };
  }
}

describe.each(adapters)('One route for launch and redirect on $name', ({ create }) => {
  let app: TestApp;
  let start: string;
  beforeAll(async () => {
    app = await startTestApp({
      adapter: create(),
      ehr,
      authentication: 'none',
      module: { routes: { init: 'callback-and-launch' } },
      server: { callbackUrl: 'CALLBACK-and-launch' },
      controllers: [ChartController, OrdersController],
    });
    start = `${app.url}/fhir/callback-and-launch`;
  });
  afterAll(() => app.close());

  it('launches from the EHR and completes there', async () => {
    const browser = new Browser();
    const { search } = new URL(ehr.launchUrl(app.clientId, { patient }));

    const page = await follow(browser, `${start}${search}`, `${app.url}/chart`);

    expect(page.pathname).toBe('/chart');
    expect((await app.get(browser, '/api/patient')).body).toMatchObject({ id: patient });
  });

  it('stands alone with iss', async () => {
    const browser = new Browser();
    const { headers, status } = await browser.get(`${start}?iss=${encodeURIComponent(ehr.fhirBaseUrl)}`);
    expect(status).toBe(302);
    expect(new URL(headers.get('location')!).searchParams.get('redirect_uri')).toBe(start);
  });

  it('A3-1 A6-1 refuses what is neither', async () => {
    const browser = new Browser();
    expect((await browser.get(start)).status).toBe(400);
    expect((await browser.get(`${start}?iss=https://other.example.org/fhir`)).status).toBe(403);
    const answer = await browser.get(`${start}?code=1&state=unknown`, { Accept: 'application/json' });
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: 'invalid_state' }]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('is not there unless it is named', async () => {
    const plain = await startTestApp({ adapter: create(), ehr, authentication: 'none' });
    try {
      const browser = new Browser();
      expect((await browser.get(`${plain.url}/fhir/init`)).status).toBe(404);
      expect((await browser.get(`${plain.url}/fhir`)).status).toBe(404);
    } finally {
      await plain.close();
    }
  });

  it('brings the data of the app through a launch', async () => {
    const browser = new Browser();
    const standalone = await browser.get(`${app.url}/orders/start`);
    expect(standalone.headers.get('location')).not.toContain('order-42');
    const picker = (await browser.follow(standalone, `${app.url}/chart`)) as Response;
    await follow(browser, await browser.post(picker.url, { patient }), `${app.url}/chart`);
    expect((await app.get(browser, '/orders/current')).body).toEqual({ appData: { order: 'order-42' } });
  });
});
