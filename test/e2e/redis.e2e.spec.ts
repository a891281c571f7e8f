import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { createCache } from 'cache-manager';
import KeyvRedis, { createClient } from '@keyv/redis';
import { Keyv } from 'keyv';
import { redisStorage } from 'nestjs-smart-on-fhir';
import { adapters } from '../support/adapters.js';
import { fakeClock } from '../support/clock.js';
import { Browser, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import { describeWithRedis, describeWithRedisServer, startRedisServer } from '../support/redis.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';

const [{ create }] = adapters as [(typeof adapters)[number]];

await describeWithRedis('Sessions in Redis', (redis) => {
  let ehr: RunningEhr;
  let patient: string;
  let apps: TestApp[] = [];

  beforeAll(async () => {
    ehr = await startEhr({ apps: [], quiet: true, accessTokenTtlSeconds: 300 });
    patient = ehr.store.list('Patient')[0]!.id!;
  });
  afterEach(async () => {
    for (const app of apps) await app.close();
    apps = [];
  });
  afterAll(async () => {
    await ehr.close();
    await redis.close();
  });

  /** Two instances of one app: one registration, one store, a connection each. */
  const twoInstances = async (): Promise<[TestApp, TestApp]> => {
    const first = await startTestApp({ adapter: create(), ehr, module: { storage: redis.keyv() } });
    const second = await startTestApp({
      adapter: create(),
      ehr,
      module: { storage: redis.keyv() },
      client: { clientId: first.clientId },
    });
    apps = [first, second];
    return [first, second];
  };

  it('C-20 every instance serves a session, and the store holds nothing that can be read', async () => {
    const [first, second] = await twoInstances();
    const browser = new Browser();
    await first.launch(browser, { patient });

    const answers = [await first.get(browser, '/api/patient'), await second.get(browser, '/api/patient')];

    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const entries = await redis.entries();
    const dump = JSON.stringify(entries);
    expect(entries.length).toBeGreaterThan(0);
    expect(entries.every(({ ttlMs }) => ttlMs > 0)).toBe(true);
    for (const secret of [patient, browser.cookies('localhost')['smart-session']!, 'Observation', ehr.url]) {
      expect(dump).not.toContain(secret);
    }
  });

  it('A9-4 ten requests at once on each of two instances refresh once', async () => {
    const clock = fakeClock();
    try {
      const [first, second] = await twoInstances();
      const browser = new Browser();
      await first.launch(browser, { patient });
      const before = ehr.tokenRequests.length;
      clock.advance(4 * 60_000 + 30_000);

      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => [first, second][index % 2]!.get(browser, '/api/launch')),
      );

      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect(ehr.tokenRequests.slice(before).map(({ grantType }) => grantType)).toEqual(['refresh_token']);
    } finally {
      clock.restore();
    }
  });

  it('A6-3 one callback sent to two instances at once is exchanged once', async () => {
    const [first, second] = await twoInstances();
    const browser = new Browser();
    const callback = await first.toCallback(browser, { patient });
    const elsewhere = new URL(callback.pathname + callback.search, second.url);
    const before = ehr.tokenRequests.length;

    const answers = await Promise.all([browser.get(callback.href), browser.get(elsewhere.href)]);

    expect(answers.map(({ status }) => status).sort()).toEqual([303, 400]);
    expect(ehr.tokenRequests).toHaveLength(before + 1);
  });

  it('A9-11 C-20 every key has a time to live, from the launch to the logout', async () => {
    const clock = fakeClock();
    const before = new Set((await redis.entries()).map(({ key }) => key));
    const seen = new Set<string>();
    const everyKeyEnds = async () => {
      const entries = await redis.entries();
      expect(entries.filter(({ ttlMs }) => ttlMs === -1)).toEqual([]);
      for (const { key } of entries) seen.add(key.slice(key.indexOf('::') + 2).replace(/[^:]*$/, ''));
    };
    try {
      const options = { enableMultiLaunch: true };
      const app = await startTestApp({ adapter: create(), ehr, module: { storage: redis.keyv(), options } });
      apps = [app];
      const browser = new Browser();
      const callback = await app.toCallback(browser, { patient });
      await everyKeyEnds();
      await browser.get(callback.href);
      await everyKeyEnds();
      await app.launch(browser, { patient: ehr.store.list('Patient')[1]!.id! });
      await everyKeyEnds();
      clock.advance(4 * 60_000 + 30_000);
      const answers = app.get(browser, `/api/launch?patient=${patient}`);
      // the lock of the refresh is among them
      while (![...seen].some((key) => key.startsWith('lock:'))) await everyKeyEnds();
      expect((await answers).status).toBe(200);
      clock.advance(30 * 60_000);
      expect((await app.get(browser, `/api/launch?patient=${patient}`)).status).toBe(200);
      await everyKeyEnds();
      await browser.post(`${app.url}/fhir/logout`, {});
      await everyKeyEnds();
    } finally {
      clock.restore();
    }
    expect([...seen].sort()).toEqual([
      'lock:smart:launch:',
      'smart:launch:',
      'smart:pending:',
      'smart:pending:browser:',
      'smart:session:',
      'smart:session:recent:',
    ]);
    const left = (await redis.entries()).map(({ key }) => key).filter((key) => !before.has(key));
    expect(left.filter((key) => key.includes('smart:launch:'))).toEqual([]);
  });

  it('takes a cache-manager Cache over Redis', async () => {
    const cache = createCache({ stores: [redis.keyv()] });
    const app = await startTestApp({ adapter: create(), ehr, module: { storage: cache } });
    apps = [app];
    const browser = new Browser();
    await app.launch(browser, { patient });

    expect((await app.get(browser, '/api/patient')).status).toBe(200);
  });
});

describeWithRedisServer('A Redis of its own', () => {
  it('is sent one command by a guarded request, a GET', async () => {
    const server = await startRedisServer();
    const ehr = await startEhr({ apps: [], quiet: true });
    const patient = ehr.store.list('Patient')[0]!.id!;
    const app = await startTestApp({
      adapter: create(),
      ehr,
      module: { storage: redisStorage(server.url) },
    });
    const client = createClient({ url: server.url });
    try {
      const browser = new Browser();
      await app.launch(browser, { patient });
      await client.connect();
      await client.configResetStat();

      for (let request = 0; request < 10; request += 1) {
        expect((await app.get(browser, '/api/patient')).status).toBe(200);
      }

      const stats = (await client.info('commandstats')).matchAll(/cmdstat_([^:]+):calls=(\d+)/g);
      const calls = Object.fromEntries([...stats].map(([, name, count]) => [name, Number(count)]));
      // those of the test's own connection, and the pings that keep one alive
      for (const other of ['ping', 'info', 'config|resetstat', 'client|setinfo', 'hello'])
        delete calls[other];
      expect(calls).toEqual({ get: 10 });
    } finally {
      client.destroy();
      await app.close();
      await server.close();
      await ehr.close();
    }
  });
});

describeWithRedisServer('A Redis that goes away', () => {
  it.each(['SIGKILL', 'SIGSTOP'] as const)('%s: 503 everywhere, never 401, and no hang', async (signal) => {
    const ehr = await startEhr({ apps: [], quiet: true });
    const patient = ehr.store.list('Patient')[0]!.id!;
    const server = await startRedisServer();
    const storage = new Keyv(new KeyvRedis(server.url));
    const app = await startTestApp({
      adapter: create(),
      ehr,
      module: { storage, options: { storeTimeoutMs: 300 } },
    });
    try {
      const browser = new Browser();
      await app.launch(browser, { patient });
      const callback = await app.toCallback(browser, { patient });
      expect((await app.get(browser, '/api/patient')).status).toBe(200);

      server.signal(signal);

      const statuses = [
        (await app.get(browser, '/api/patient')).status,
        (await browser.get(ehr.launchUrl(app.clientId, { patient }))).status,
        (await browser.get(callback.href)).status,
        (await browser.post(`${app.url}/fhir/logout`, {})).status,
      ];
      expect(statuses).toEqual([503, 503, 503, 503]);
    } finally {
      await server.close();
      await app.close();
      await ehr.close();
    }
  });
});
