import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SmartStorage } from 'nestjs-smart-on-fhir';
import { adapters } from '../support/adapters.js';
import { Browser, follow, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';

const ID = '[A-Za-z0-9_-]{43}';

describe.each(adapters)('The session on $name', ({ create }) => {
  let ehr: RunningEhr;
  let app: TestApp;
  let patient: string;

  beforeAll(async () => {
    ehr = await startEhr({ apps: [], quiet: true });
    patient = ehr.store.list('Patient')[0]!.id!;
    app = await startTestApp({ adapter: create(), ehr });
  });

  afterAll(async () => {
    await app.close();
    await ehr.close();
  });

  it('A3-6 C-8 launch and callback: redirects nobody caches, cookies with every attribute', async () => {
    const launch = await fetch(ehr.launchUrl(app.clientId, { patient }), { redirect: 'manual' });
    const browser = new Browser();
    const callback = await browser.get((await app.toCallback(browser, { patient })).href);

    expect(launch.status).toBe(302);
    expect(launch.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        new RegExp(`^smart-session-launch=${ID}; Max-Age=600; Path=/; HttpOnly; SameSite=Lax$`),
      ),
    ]);
    expect([callback.status, callback.headers.get('location')]).toEqual([303, `${app.url}/chart`]);
    expect(callback.headers.getSetCookie()).toEqual([
      expect.stringMatching(new RegExp(`^smart-session=${ID}; Path=/; HttpOnly; SameSite=Lax$`)),
    ]);
    for (const answer of [launch, callback]) {
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
    }
  });

  it('A6-6 C-7 gets a new id at every callback, and the old one opens nothing', async () => {
    const browser = new Browser();
    const ids: string[] = [];
    for (let launches = 0; launches < 2; launches += 1) {
      await app.launch(browser, { patient });
      ids.push(browser.cookies('localhost')['smart-session']!);
    }

    const withOld = await fetch(`${app.url}/api/patient`, { headers: { cookie: `smart-session=${ids[0]}` } });
    const withNew = await fetch(`${app.url}/api/patient`, { headers: { cookie: `smart-session=${ids[1]}` } });

    expect(ids[0]).not.toBe(ids[1]);
    expect([withOld.status, withNew.status]).toEqual([401, 200]);
  });

  it('C-7 a session id planted before the launch is worth nothing after it', async () => {
    const planted = 'a'.repeat(43);
    const browser = new Browser();
    const launch = await browser.get(ehr.launchUrl(app.clientId, { patient }), {
      Cookie: `smart-session=${planted}`,
    });
    await browser.follow(launch, `${app.url}/chart`);

    const attacker = await fetch(`${app.url}/api/patient`, {
      headers: { cookie: `smart-session=${planted}` },
    });

    expect(attacker.status).toBe(401);
    expect(browser.cookies('localhost')['smart-session']).not.toBe(planted);
  });

  it('sets the launch cookie anew at every launch, so that the last one has its ten minutes', async () => {
    const browser = new Browser();
    await browser.get(ehr.launchUrl(app.clientId, { patient }));
    const before = browser.cookies('localhost')['smart-session-launch'];

    const again = await browser.get(ehr.launchUrl(app.clientId, { patient }));

    expect(again.headers.getSetCookie()).toEqual([
      expect.stringContaining(`smart-session-launch=${before}; Max-Age=600`),
    ]);
  });

  it('a callback that cannot be stored leaves the browser its old session', async () => {
    const entries = new Map<string, string>();
    let isDown = false;
    const storage: SmartStorage = {
      get: async (key) => entries.get(key),
      set: async (key, value) => {
        if (isDown && key.startsWith('smart:launch:')) throw new Error('down');
        entries.set(key, value);
      },
      delete: async (key) => void entries.delete(key),
    };
    const own = await startTestApp({ adapter: create(), ehr, module: { storage } });
    const browser = new Browser();
    await own.launch(browser, { patient });
    const callback = await own.toCallback(browser, { patient });
    isDown = true;

    const answer = await browser.get(callback.href);
    isDown = false;

    expect([answer.status, answer.headers.getSetCookie()]).toEqual([503, []]);
    expect((await own.get(browser, '/api/patient')).status).toBe(200);
    await own.close();
  });

  it('C-21 logout ends the session, clears the cookie and revokes the tokens', async () => {
    const browser = new Browser();
    await app.launch(browser, { patient });
    const cookie = `smart-session=${browser.cookies('localhost')['smart-session']}`;

    const answer = await browser.post(`${app.url}/fhir/logout`, {}, { Accept: 'application/json' });

    expect(answer.status).toBe(204);
    expect(browser.cookies('localhost')).not.toHaveProperty('smart-session');
    expect((await fetch(`${app.url}/api/patient`, { headers: { cookie } })).status).toBe(401);
    const revocations = ehr.tokenRequests.filter(({ endpoint }) => endpoint === 'revocation');
    expect(revocations.map(({ clientId, status }) => [clientId, status])).toEqual([
      [app.clientId, 200],
      [app.clientId, 200],
    ]);
  });

  it('logout sends a browser page back to the app', async () => {
    const answer = await new Browser().post(`${app.url}/fhir/logout`, {});

    expect([answer.status, answer.headers.get('location')]).toEqual([303, `${app.url}/chart`]);
  });

  it('A4-1 a standalone launch asks for the patient and ends in the same session', async () => {
    const standalone = await startTestApp({
      adapter: create(),
      ehr,
      server: { scope: 'openid fhirUser launch/patient patient/Patient.rs' },
    });
    const browser = new Browser();
    const start = `${standalone.url}/fhir/standalone?iss=${encodeURIComponent(ehr.fhirBaseUrl)}`;
    const picker = (await browser.follow(start, `${standalone.url}/chart`)) as Response;
    const page = await follow(
      browser,
      await browser.post(picker.url, { patient }),
      `${standalone.url}/chart`,
    );

    expect(page.href).toBe(`${standalone.url}/chart`);
    expect((await standalone.get(browser, '/api/launch')).body).toMatchObject({ patient });
    await standalone.close();
  });
});
