import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Keyv } from 'keyv';
import { adapters } from '../support/adapters.js';
import { fakeClock } from '../support/clock.js';
import { FolderStore } from '../support/folder-store.js';
import { Browser, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';

const [{ create }] = adapters as [(typeof adapters)[number]];

describe('Sessions in a Keyv that is neither memory nor Redis', () => {
  let ehr: RunningEhr;
  let patient: string;
  let folder: string;
  let store: FolderStore;
  let clock: ReturnType<typeof fakeClock>;
  const apps: TestApp[] = [];

  beforeAll(async () => {
    ehr = await startEhr({ apps: [], quiet: true, accessTokenTtlSeconds: 300 });
    patient = ehr.store.list('Patient')[0]!.id!;
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sessions-'));
    store = new FolderStore(folder);
    clock = fakeClock();
  });
  afterEach(async () => {
    clock.restore();
    for (const app of apps.splice(0)) await app.close();
    rmSync(folder, { recursive: true, force: true });
  });
  afterAll(() => ehr.close());

  const start = async (client: { clientId?: string } = {}) => {
    const app = await startTestApp({
      adapter: create(),
      ehr,
      module: { storage: new Keyv({ store }) },
      client,
    });
    apps.push(app);
    return app;
  };

  it('C-20 A9-4 serves launch, refresh and logout, with nothing on the disk that can be read', async () => {
    const app = await start();
    const browser = new Browser();
    await app.launch(browser, { patient });
    expect((await app.get(browser, '/api/patient')).status).toBe(200);
    const dump = (await store.dump()).join();
    for (const secret of [patient, browser.cookies('localhost')['smart-session']!, ehr.url]) {
      expect(dump).not.toContain(secret);
    }
    const before = ehr.tokenRequests.length;
    clock.advance(6 * 60_000);
    const answers = await Promise.all(Array.from({ length: 10 }, () => app.get(browser, '/api/launch')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(ehr.tokenRequests.slice(before).map(({ grantType }) => grantType)).toEqual(['refresh_token']);
    await browser.post(`${app.url}/fhir/logout`, {});
    expect((await app.get(browser, '/api/patient')).status).toBe(401);
  });

  it('A6-3 completes a callback once that comes ten times at once', async () => {
    const app = await start();
    const browser = new Browser();
    const callback = await app.toCallback(browser, { patient });
    const answers = await Promise.all(Array.from({ length: 10 }, () => browser.get(callback.href)));
    expect(answers.map(({ status }) => status).sort()).toEqual([303, ...Array(9).fill(400)]);
  });

  it('outlives the process', async () => {
    const first = await start();
    const browser = new Browser();
    await first.launch(browser, { patient });
    await first.close();
    const second = await start({ clientId: first.clientId });
    expect((await second.get(browser, '/api/patient')).status).toBe(200);
  });

  it('A9-11 forgets a session in time, though the store keeps its entries', async () => {
    const app = await start();
    const browser = new Browser();
    await app.launch(browser, { patient });
    clock.advance(61 * 60_000);
    expect((await app.get(browser, '/api/patient')).status).toBe(401);
  });
});
