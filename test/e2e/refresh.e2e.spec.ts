import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { adapters } from '../support/adapters.js';
import { fakeClock } from '../support/clock.js';
import { Browser, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe.each(adapters)('Refresh on $name', ({ create }) => {
  let ehr: RunningEhr;
  let app: TestApp;
  let patient: string;
  let clock: ReturnType<typeof fakeClock>;

  beforeAll(async () => {
    ehr = await startEhr({ apps: [], quiet: true, accessTokenTtlSeconds: 300 });
    patient = ehr.store.list('Patient')[0]!.id!;
    app = await startTestApp({ adapter: create(), ehr, authentication: 'private_key_jwt' });
  });
  beforeEach(() => {
    clock = fakeClock();
  });
  afterEach(() => clock.restore());
  afterAll(async () => {
    await app.close();
    await ehr.close();
  });

  const launched = async (on = app) => {
    const browser = new Browser();
    await on.launch(browser, { patient });
    return browser;
  };
  const refreshes = (on = app) =>
    ehr.tokenRequests.filter(
      ({ clientId, grantType }) => clientId === on.clientId && grantType === 'refresh_token',
    );

  it('A9-9 G-2 leaves a token alone that is good for more than a minute', async () => {
    const browser = await launched();
    const before = refreshes().length;
    clock.advance(3 * MINUTE);

    expect((await app.get(browser, '/api/patient')).status).toBe(200);
    expect(refreshes()).toHaveLength(before);
  });

  it('A9-4 A9-9 G-2 refreshes before expiry, once for ten requests at a time, and keeps the launch', async () => {
    const browser = await launched();
    const before = refreshes().length;
    clock.advance(4 * MINUTE + 10_000);

    const answers = await Promise.all(Array.from({ length: 10 }, () => app.get(browser, '/api/launch')));

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(answers.every(({ body }) => (body as { patient: string }).patient === patient)).toBe(true);
    expect(
      refreshes()
        .slice(before)
        .map(({ status }) => status),
    ).toEqual([200]);
  });

  it('A9-3 spends every rotated refresh token once, over hours', async () => {
    const browser = await launched();
    const before = refreshes().length;
    for (let hour = 0; hour < 3; hour += 1) {
      clock.advance(50 * MINUTE);
      expect((await app.get(browser, '/api/patient')).status).toBe(200);
    }

    expect(
      refreshes()
        .slice(before)
        .map(({ status }) => status),
    ).toEqual([200, 200, 200]);
  });

  it('A9-11 ends an idle session after an hour and a busy one after twelve', async () => {
    const idle = await launched();
    const busy = await launched();
    for (let minutes = 0; minutes < 12 * 60; minutes += 50) {
      expect((await app.get(busy, '/api/patient')).status).toBe(200);
      clock.advance(50 * MINUTE);
    }

    expect((await app.get(idle, '/api/patient')).status).toBe(401);
    expect((await app.get(busy, '/api/patient')).status).toBe(401);
  });

  it('A9-8 ends the session when the EHR ended the grant', async () => {
    const short = await startTestApp({ adapter: create(), ehr, module: { session: longSession } });
    const browser = await launched(short);
    clock.advance(15 * 24 * HOUR); // the demo EHR's refresh tokens live 14 days

    const { status, body } = await short.get(browser, '/api/patient');
    const again = await short.get(browser, '/api/patient');

    expect([status, (body as { error: string }).error]).toEqual([401, 'session_expired']);
    expect([again.status, refreshes(short).length]).toEqual([401, 1]);
    await short.close();
  });

  it('A9-8 tells ten requests at once that the EHR is down, each as it is', async () => {
    const down = await startEhr({ apps: [], quiet: true, accessTokenTtlSeconds: 300 });
    const other = await startTestApp({ adapter: create(), ehr: down });
    try {
      const browser = new Browser();
      await other.launch(browser, { patient: down.store.list('Patient')[0]!.id! });
      await down.close();
      clock.advance(6 * MINUTE);

      const answers = await Promise.all(Array.from({ length: 10 }, () => other.get(browser, '/api/launch')));

      expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(502));
    } finally {
      await other.close();
      await down.close();
    }
  });

  it('A9-11 without a refresh token the session ends with the access token', async () => {
    const once = await startTestApp({
      adapter: create(),
      ehr,
      client: { scope: 'launch patient/Patient.rs' },
    });
    const browser = await launched(once);
    clock.advance(4 * MINUTE + 30_000);
    const shortBefore = await once.get(browser, '/api/patient');
    clock.advance(MINUTE);

    const after = await once.get(browser, '/api/patient');

    expect([shortBefore.status, after.status]).toEqual([200, 401]);
    expect(refreshes(once)).toHaveLength(0);
    await once.close();
  });

  it('A9-8 serves on while the EHR is down and the token is good, and says 502 afterwards', async () => {
    const mortal = await startEhr({ apps: [], quiet: true });
    const own = await startTestApp({ adapter: create(), ehr: mortal });
    const browser = new Browser();
    await own.launch(browser, { patient });
    await mortal.close();
    clock.advance(4 * MINUTE + 30_000);
    const stillGood = await own.get(browser, '/api/launch');
    clock.advance(MINUTE);

    const expired = await own.get(browser, '/api/launch');

    expect(stillGood.status).toBe(200);
    expect([expired.status, (expired.body as { error: string }).error]).toEqual([502, 'ehr_unavailable']);
    await own.close();
  });
});

const longSession = {
  secret: 'a secret of more than thirty-two characters',
  idleTimeoutMs: 30 * 24 * HOUR,
  absoluteTimeoutMs: 30 * 24 * HOUR,
};
