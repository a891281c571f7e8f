import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Browser } from '../../sample/ehr/testing/browser.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';
import { AppProcess, compileApp } from '../processes/app-process.js';
import type { AppSettings } from '../processes/app.js';
import { freePort } from '../support/free-port.js';
import { follow } from '../support/launched-app.js';
import type { Proxy } from '../support/proxy.js';
import { report, tally } from './fault-table.js';
import { RedisHost } from './redis-host.js';
import { HTTP_TIMEOUT_MS, MINUTE, STORE_TIMEOUT_MS, startProxiedEhr } from './stage.js';

const CLIENT_ID = 'killed-process';
/** so long the slowest answer may take: far more than it does, far less than the lock of who died */
const BOUND_MS = 10_000;

/** A process that is killed while its users wait; another one has the same Redis. */
export function processFaults(): void {
  describe('process killed (SIGKILL)', () => {
    let ehr: RunningEhr;
    let ehrProxy: Proxy;
    let redis: RedisHost;
    let settings: AppSettings;
    let patient: string;
    let dying: AppProcess;
    let other: AppProcess;

    beforeAll(async () => {
      compileApp();
      [ehr, ehrProxy] = await startProxiedEhr();
      redis = await RedisHost.start();
      patient = ehr.store.list('Patient')[0]!.id!;
      const publicUrl = `http://localhost:${await freePort()}`;
      const callbackUrl = `${publicUrl}/fhir/callback`;
      ehr.registerApp({
        clientId: CLIENT_ID,
        name: CLIENT_ID,
        launchUri: `${publicUrl}/fhir/launch`,
        redirectUris: [callbackUrl],
        authentication: 'none',
      });
      settings = {
        client: {
          clientId: CLIENT_ID,
          scope: 'launch openid fhirUser offline_access patient/Patient.rs',
          callbackUrl,
          redirectUrl: `${publicUrl}/`,
          knownFhirServers: [{ name: 'Demo EHR', issuer: ehr.fhirBaseUrl, type: 'public' }],
        },
        redisUrl: `redis://127.0.0.1:${redis.port}`,
        namespace: 'faults',
        options: { httpTimeoutMs: HTTP_TIMEOUT_MS / 2, storeTimeoutMs: STORE_TIMEOUT_MS },
      };
    }, 60_000);
    beforeEach(async () => {
      [dying, other] = await Promise.all([AppProcess.start(settings), AppProcess.start(settings)]);
    });
    afterEach(async () => {
      await ehrProxy.through();
      await other?.stop();
    });
    afterAll(async () => {
      await ehrProxy?.close();
      await redis?.close();
      await ehr?.close();
    });

    const toCallback = async (browser: Browser): Promise<string> => {
      const { search } = new URL(ehr.launchUrl(CLIENT_ID, { patient }));
      const started = await browser.get(`${other.url}/fhir/launch${search}`);
      const { pathname, search: answer } = await follow(browser, started, 'http://localhost');
      return pathname + answer;
    };
    const launched = async () => {
      const browser = new Browser();
      expect((await browser.get(other.url + (await toCallback(browser)))).status).toBe(303);
      return browser;
    };
    const names: Record<number, string> = {
      200: 'own data',
      303: 'logged in',
      400: 'launch again',
      401: 'session ended',
    };
    const asked = async (browser: Browser, app: AppProcess, path: string) => {
      const started = performance.now();
      const name = await browser.get(app.url + path, { Accept: 'application/json' }).then(
        async (response) => {
          if (response.status !== 200) return names[response.status] ?? String(response.status);
          const body = (await response.json()) as { patient: string };
          return body.patient === patient ? 'own data' : 'ANOTHER PATIENT';
        },
        () => 'cut off',
      );
      return { name, ms: performance.now() - started };
    };
    const killedDuring = async (
      step: string,
      browser: Browser,
      path: string,
      /** resolves at the moment */
      moment: Promise<void>,
    ) => {
      const before = Promise.all(Array.from({ length: 5 }, () => asked(browser, dying, path)));
      await moment;
      await dying.kill();
      await ehrProxy.through();
      const cutOff = await before;
      const outcomes = await Promise.all(Array.from({ length: 5 }, () => asked(browser, other, path)));
      // the lock of the process that died ends by itself
      let latest = await asked(browser, other, path);
      while (/^50/.test(latest.name)) {
        await delay(200);
        latest = await asked(browser, other, path);
      }
      const slowestMs = Math.max(...outcomes.map(({ ms }) => ms));
      const names = [...cutOff, ...outcomes].map(({ name }) => name);
      report({
        fault: 'process killed (SIGKILL)',
        step,
        requests: names.length,
        during: tally(names),
        slowestMs,
        afterwards: tally([latest.name]),
      });
      expect(new Set(names)).toEqual(new Set(['cut off', '504']));
      expect(slowestMs).toBeLessThan(BOUND_MS);
      return latest.name;
    };
    const expireTokens = () => Promise.all([dying, other].map((app) => app.advanceClock(6 * MINUTE)));

    it('A9-4 during a refresh that the EHR has not seen: another process does it once the lock is free', async () => {
      const browser = await launched();
      await expireTokens();
      ehrProxy.freeze();
      const moment = ehrProxy.requested('/oidc/token').then(() => ehrProxy.cut());
      const afterwards = await killedDuring(
        'refresh, before the EHR has it',
        browser,
        '/api/patient',
        moment,
      );
      expect(afterwards).toBe('own data');
    }, 90_000);

    it('A9-4 during a refresh that the EHR has answered: the one token that is lost, and a new launch', async () => {
      const browser = await launched();
      await expireTokens();
      ehrProxy.holdAnswers();
      const moment = ehrProxy.answered('refresh_token');
      const afterwards = await killedDuring('refresh, the EHR has answered', browser, '/api/patient', moment);
      expect(afterwards).toBe('session ended');
      expect((await asked(await launched(), other, '/api/patient')).name).toBe('own data');
    }, 90_000);

    it('A6-3 during a callback: it is used up, and a new launch', async () => {
      const browser = new Browser();
      const callback = await toCallback(browser);
      ehrProxy.freeze();
      const moment = ehrProxy.requested('/oidc/token');
      const before = asked(browser, dying, callback);
      await moment;
      await dying.kill();
      await ehrProxy.through();
      const outcome = await before;
      const afterwards = await asked(browser, other, callback);
      report({
        fault: 'process killed (SIGKILL)',
        step: 'callback',
        requests: 1,
        during: tally([outcome.name]),
        slowestMs: afterwards.ms,
        afterwards: tally([afterwards.name]),
      });
      expect([outcome.name, afterwards.name]).toEqual(['cut off', 'launch again']);
      expect((await asked(await launched(), other, '/api/patient')).name).toBe('own data');
    });
  });
}
