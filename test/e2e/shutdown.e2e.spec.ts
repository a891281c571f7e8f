import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { adapters } from '../support/adapters.js';
import { fakeClock } from '../support/clock.js';
import { Browser, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import { startProxy } from '../support/proxy.js';
import type { Proxy } from '../support/proxy.js';
import { describeWithRedis } from '../support/redis.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';

await describeWithRedis('An app that is closed while it refreshes a token', (redis) => {
  let ehr: RunningEhr;
  let proxy: Proxy;
  let patient: string;
  let clock: ReturnType<typeof fakeClock>;
  const apps: TestApp[] = [];

  beforeAll(async () => {
    // The EHR's URLs name the proxy, which has its port at another address.
    ehr = await startEhr({ apps: [], quiet: true, host: '127.0.0.2', publicHost: '127.0.0.1' });
    patient = ehr.store.list('Patient')[0]!.id!;
    const port = Number(new URL(ehr.url).port);
    proxy = await startProxy({ port, to: { host: '127.0.0.2', port } });
  });
  afterEach(async () => {
    clock.restore();
    await proxy.through();
    for (const app of apps.splice(0)) await app.close();
  });
  afterAll(async () => {
    await proxy?.close();
    await ehr?.close();
    await redis.close();
  });

  it.each(adapters)('A9-4 loses no refresh token, though the browser is gone: $name', async ({ create }) => {
    const start = async (client: { clientId?: string } = {}) => {
      const app = await startTestApp({ adapter: create(), ehr, module: { storage: redis.keyv() }, client });
      apps.push(app);
      return app;
    };
    const first = await start();
    const second = await start({ clientId: first.clientId });
    const browser = new Browser();
    await first.launch(browser, { patient });
    const refreshes = () =>
      ehr.tokenRequests
        .filter(({ clientId, grantType }) => clientId === first.clientId && grantType === 'refresh_token')
        .map(({ status }) => status);
    clock = fakeClock();
    clock.advance(6 * 60_000);
    proxy.freeze();
    const sent = proxy.requested('/oidc/token');
    const gone = new AbortController();
    const cookie = `smart-session=${browser.cookies('localhost')['smart-session']}`;
    const answer = fetch(`${first.url}/api/launch`, { headers: { cookie }, signal: gone.signal });
    answer.catch(() => undefined);
    await sent;
    gone.abort();

    const closing = first.close();
    await proxy.through();
    await closing;

    expect(refreshes()).toEqual([200]);
    expect((await second.get(browser, '/api/launch')).status).toBe(200);
    expect(refreshes()).toEqual([200]);
    clock.advance(6 * 60_000);
    expect((await second.get(browser, '/api/launch')).status).toBe(200);
    expect(refreshes()).toEqual([200, 200]);
  });
});
