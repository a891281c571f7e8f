import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Browser } from '../../sample/ehr/testing/browser.js';
import { startEhr } from '../../sample/ehr/start-ehr.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';
import { freePort } from '../support/free-port.js';
import { follow } from '../support/launched-app.js';
import { describeWithRedis } from '../support/redis.js';
import { AppProcess, compileApp } from './app-process.js';
import type { AppSettings } from './app.js';

const CLIENT_ID = 'two-processes';
const LAUNCHES = process.env.CI === 'true' ? 100 : 20;

await describeWithRedis('An app in two processes with one Redis', (redis) => {
  let ehr: RunningEhr;
  let patients: string[];
  let apps: [AppProcess, AppProcess];

  beforeAll(async () => {
    compileApp();
    ehr = await startEhr({ apps: [], quiet: true });
    patients = ehr.store.list('Patient').map(({ id }) => id!);
    // Where the browser is sent is one address; the test is the balancer behind it.
    const publicUrl = `http://localhost:${await freePort()}`;
    const callbackUrl = `${publicUrl}/fhir/callback`;
    ehr.registerApp({
      clientId: CLIENT_ID,
      name: CLIENT_ID,
      launchUri: `${publicUrl}/fhir/launch`,
      redirectUris: [callbackUrl],
      authentication: 'none',
    });
    const settings: AppSettings = {
      client: {
        clientId: CLIENT_ID,
        scope: 'launch openid fhirUser offline_access patient/Patient.rs',
        callbackUrl,
        redirectUrl: `${publicUrl}/`,
        knownFhirServers: [{ name: 'Demo EHR', issuer: ehr.fhirBaseUrl, type: 'public' }],
      },
      redisUrl: redis.url,
      namespace: redis.namespace,
    };
    apps = await Promise.all([AppProcess.start(settings), AppProcess.start(settings)]);
  }, 60_000);
  afterAll(async () => {
    await Promise.all((apps ?? []).map((app) => app.stop()));
    await ehr?.close();
    await redis.close();
  });

  /** Through the EHR, up to the callback; its path and query. */
  const toCallback = async (browser: Browser, patient: string): Promise<string> => {
    const { search } = new URL(ehr.launchUrl(CLIENT_ID, { patient }));
    const started = await browser.get(`${apps[0].url}/fhir/launch${search}`);
    const { pathname, search: answer } = await follow(browser, started, 'http://localhost');
    return pathname + answer;
  };
  /** Requests sent at once, half to each process; how often each status came back. */
  const storm = async (browser: Browser, path: string, count: number): Promise<Record<number, number>> => {
    const answers = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        browser.get(apps[index % 2 === 0 ? 0 : 1].url + path, { Accept: 'application/json' }),
      ),
    );
    const statuses: Record<number, number> = {};
    for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
    return statuses;
  };
  const tokenRequests = (from: number) =>
    ehr.tokenRequests.slice(from).map(({ grantType, status }) => [grantType, status]);

  it(`A6-3 exchanges a callback once that comes 100 times at once, for ${LAUNCHES} launches`, async () => {
    for (let index = 0; index < LAUNCHES; index += 1) {
      const browser = new Browser();
      const callback = await toCallback(browser, patients[index % patients.length]!);
      const before = ehr.tokenRequests.length;

      const statuses = await storm(browser, callback, 100);

      expect(statuses).toEqual({ 303: 1, 400: 99 });
      expect(tokenRequests(before)).toEqual([['authorization_code', 200]]);
    }
  }, 240_000);

  it('A9-4 refreshes an expired token once for 200 requests at once in each process', async () => {
    const browser = new Browser();
    const callback = await toCallback(browser, patients[0]!);
    expect((await browser.get(apps[0].url + callback)).status).toBe(303);
    const before = ehr.tokenRequests.length;
    await Promise.all(apps.map((app) => app.advanceClock(6 * 60_000)));

    const statuses = await storm(browser, '/api/patient', 400);

    expect(statuses).toEqual({ 200: 400 });
    expect(tokenRequests(before)).toEqual([['refresh_token', 200]]);
  }, 60_000);
});
