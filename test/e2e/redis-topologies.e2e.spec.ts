import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { createCluster, createSentinel } from '@keyv/redis';
import KeyvRedis from '@keyv/redis';
import { Keyv } from 'keyv';
import { redisStorage } from 'nestjs-smart-on-fhir';
import type { SmartOnFhirModuleOptions } from 'nestjs-smart-on-fhir';
import { adapters } from '../support/adapters.js';
import { fakeClock } from '../support/clock.js';
import { Browser, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import { describeWithRedisCli } from '../support/redis.js';
import { startRedisCluster, startRedisSentinel } from '../support/redis-topologies.js';
import type { RedisTopology } from '../support/redis-topologies.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';

const [{ create }] = adapters as [(typeof adapters)[number]];
/** so many sessions lie on every node of a Cluster */
const BROWSERS = 12;

const topologies = [
  {
    name: 'Cluster',
    start: startRedisCluster,
    clientOf: (options: object) => createCluster(options as Parameters<typeof createCluster>[0]),
  },
  {
    name: 'Sentinel',
    start: startRedisSentinel,
    clientOf: (options: object) => createSentinel(options as Parameters<typeof createSentinel>[0]),
  },
];

for (const { name, start, clientOf } of topologies) {
  describeWithRedisCli(`Sessions in a Redis ${name}`, () => {
    let ehr: RunningEhr;
    let patients: string[];
    let redis: RedisTopology;
    const open: (() => unknown)[] = [];

    beforeAll(async () => {
      ehr = await startEhr({ apps: [], quiet: true, accessTokenTtlSeconds: 300 });
      patients = ehr.store.list('Patient').map(({ id }) => id!);
      redis = await start();
    }, 90_000);
    afterEach(async () => {
      for (const close of open.splice(0).reverse()) await close();
    });
    afterAll(async () => {
      await redis?.close();
      await ehr?.close();
    });

    const startApp = async (
      storage: SmartOnFhirModuleOptions['storage'],
      clientId?: string,
    ): Promise<TestApp> => {
      const client = clientId === undefined ? {} : { clientId };
      const app = await startTestApp({ adapter: create(), ehr, module: { storage }, client });
      open.push(app.close);
      return app;
    };
    const launched = async (app: TestApp) => {
      const patient = (index: number) => patients[index % patients.length]!;
      const browsers = Array.from({ length: BROWSERS }, () => new Browser());
      await Promise.all(browsers.map((browser, index) => app.launch(browser, { patient: patient(index) })));
      return async () => {
        const answers = await Promise.all(browsers.map((browser) => app.get(browser, '/api/launch')));
        return answers.map(({ status, body }, index) =>
          status === 200 && (body as { patient: string }).patient === patient(index) ? 'own' : status,
        );
      };
    };
    const allTheirOwn = Array(BROWSERS).fill('own');

    it.each<[string, () => SmartOnFhirModuleOptions['storage']]>([
      ['redisStorage(options)', () => redisStorage(redis.options)],
      ['redisStorage(client)', () => redisStorage(clientOf(redis.options))],
      ['new Keyv(new KeyvRedis(client))', () => new Keyv(new KeyvRedis(clientOf(redis.options)))],
    ])('A9-4 %s: launches, and one refresh for two instances', async (_what, storage) => {
      const first = await startApp(storage());
      const second = await startApp(storage(), first.clientId);
      const browser = new Browser();
      await first.launch(browser, { patient: patients[0]! });
      const before = ehr.tokenRequests.length;
      const clock = fakeClock();
      open.push(clock.restore);
      clock.advance(6 * 60_000);

      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => [first, second][index % 2]!.get(browser, '/api/launch')),
      );

      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect(ehr.tokenRequests.slice(before).map(({ grantType }) => grantType)).toEqual(['refresh_token']);
      await browser.post(`${first.url}/fhir/logout`, {});
      expect((await second.get(browser, '/api/launch')).status).toBe(401);
    });

    it('takes a client that is connected, and leaves it open', async () => {
      const client = clientOf(redis.options);
      client.on('error', () => undefined);
      await client.connect();
      open.push(() => client.close());
      const app = await startApp(redisStorage(client));
      const answers = await launched(app);
      expect(await answers()).toEqual(allTheirOwn);

      await app.close();

      expect(client.isOpen).toBe(true);
    });

    // The last: a server is gone afterwards.
    it('serves every session again when a replica took the place of a master that died', async () => {
      const app = await startApp(redisStorage(redis.options));
      const answers = await launched(app);
      expect(await answers()).toEqual(allTheirOwn);

      await redis.failOver();

      let latest = await answers();
      for (let again = 0; again < 60 && latest.some((each) => each !== 'own'); again += 1) {
        expect(latest.filter((each) => each !== 'own' && each !== 503)).toEqual([]);
        await new Promise((resolve) => setTimeout(resolve, 200));
        latest = await answers();
      }
      expect(latest).toEqual(allTheirOwn);
    }, 90_000);
  });
}
