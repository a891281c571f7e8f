import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { fieldsOf } from '../hostile/app/form-page.js';
import { MapStorage } from '../support/map-storage.js';
import { adapters } from '../support/adapters.js';
import { Browser, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp, TestAppOptions } from '../support/launched-app.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';

const HTML = { Accept: 'text/html' };
const JSON_PLEASE = { Accept: 'application/json' };

describe.each(adapters)('Logging out at the EHR, too, on $name', ({ create }) => {
  let ehr: RunningEhr;
  let endpoint: string;
  let patient: string;
  const apps: TestApp[] = [];

  beforeAll(async () => {
    ehr = await startEhr({ apps: [], quiet: true, postedLogout: true });
    endpoint = `${ehr.issuer}/session/end`;
    patient = ehr.store.list('Patient')[0]!.id!;
  });
  afterAll(async () => {
    for (const app of apps) await app.close();
    await ehr.close();
  });

  async function launched(options: Partial<TestAppOptions> = {}) {
    const app = await startTestApp({
      adapter: create(),
      ehr,
      comesBack: true,
      server: { endSession: true },
      ...options,
    });
    apps.push(app);
    const browser = new Browser();
    await app.launch(browser, { patient });
    return { app, browser };
  }
  const ehrSession = (browser: Browser) =>
    browser.cookies('127.0.0.1')[`ehr_session_${new URL(ehr.url).port}`];

  /** The EHR asks the user whether to sign out there, who says yes; where the browser goes then. */
  async function confirmedAt(browser: Browser, question: Response): Promise<string | null> {
    const page = await question.text();
    const xsrf = /name="xsrf" value="(\w+)"/.exec(page)?.[1];
    expect([question.status, page]).toEqual([200, expect.stringContaining('Sign out of the EHR?')]);
    const done = await browser.post(`${endpoint}/confirm`, { xsrf: xsrf!, logout: 'yes' });
    return done.headers.get('location');
  }

  it('B-31 ends the session here, then there, and the browser comes back', async () => {
    const { app, browser } = await launched();
    const cookie = `smart-session=${browser.cookies('localhost')['smart-session']}`;
    const before = ehrSession(browser);

    const answer = await browser.post(`${app.url}/fhir/logout`, {}, HTML);

    expect([answer.status, answer.headers.get('location'), answer.headers.get('cache-control')]).toEqual([
      200,
      null,
      'no-store',
    ]);
    expect(browser.cookies('localhost')).not.toHaveProperty('smart-session');
    expect((await fetch(`${app.url}/api/patient`, { headers: { cookie, ...JSON_PLEASE } })).status).toBe(401);
    const revoked = ehr.tokenRequests.filter(
      ({ endpoint: name, clientId }) => name === 'revocation' && clientId === app.clientId,
    );
    expect(revoked).toHaveLength(2);

    const page = await answer.text();
    const fields = fieldsOf(page);
    expect(page).toContain(`action="${endpoint}"`);
    expect(fields).toEqual({
      id_token_hint: expect.any(String),
      client_id: app.clientId,
      post_logout_redirect_uri: `${app.url}/bye`,
    });
    expect(decodeJwt(fields.id_token_hint!)).toMatchObject({ iss: ehr.issuer, aud: app.clientId });

    const back = await confirmedAt(browser, await browser.post(endpoint, fields));
    expect(back).toBe(`${app.url}/bye`);
    expect(before).toBeDefined();
    expect(ehrSession(browser)).not.toBe(before);
  });

  it('B-31 by a redirect where the EHR wants no form, with no token in the URL', async () => {
    const { app, browser } = await launched({ server: { endSession: 'redirect' } });

    const answer = await browser.post(`${app.url}/fhir/logout`, {}, HTML);

    const location = new URL(answer.headers.get('location')!);
    expect([answer.status, location.origin + location.pathname]).toEqual([303, endpoint]);
    expect(Object.fromEntries(location.searchParams)).toEqual({
      client_id: app.clientId,
      post_logout_redirect_uri: `${app.url}/bye`,
    });
    expect(await confirmedAt(browser, await browser.get(location.href))).toBe(`${app.url}/bye`);
  });

  it('B-31 the page to come back to is the configured one, whatever the request says', async () => {
    const { app, browser } = await launched();
    const evil = 'https://evil.example/';
    const query = new URLSearchParams({
      post_logout_redirect_uri: evil,
      postLogoutRedirectUrl: evil,
      returnTo: evil,
      id_token_hint: 'x',
      state: 'y',
    });

    const answer = await browser.post(
      `${app.url}/fhir/logout?${query.toString()}`,
      Object.fromEntries(query),
      HTML,
    );

    const page = await answer.text();
    expect(page).not.toContain('evil.example');
    expect(fieldsOf(page)).toMatchObject({ post_logout_redirect_uri: `${app.url}/bye` });
  });

  it('B-31 C-21 an app that asks for JSON is answered as ever', async () => {
    const { app, browser } = await launched();

    const answer = await browser.post(`${app.url}/fhir/logout`, {}, JSON_PLEASE);

    expect([answer.status, await answer.text()]).toEqual([204, '']);
  });

  it('B-31 without a session, or without the switch, the browser goes to the app’s page', async () => {
    const { app, browser } = await launched({ server: {} });

    for (const visitor of [browser, new Browser()]) {
      const answer = await visitor.post(`${app.url}/fhir/logout`, {}, HTML);
      expect([answer.status, answer.headers.get('location')]).toEqual([303, `${app.url}/chart`]);
    }
  });

  it('B-31 a session that could not be ended here goes on nowhere', async () => {
    const storage = new MapStorage();
    const { app, browser } = await launched({ module: { storage } });
    storage.isDown = true;

    const answer = await browser.post(`${app.url}/fhir/logout`, {}, HTML);

    expect([answer.status, (await answer.text()).includes('<form')]).toEqual([503, false]);
    storage.isDown = false;
    expect((await app.get(browser, '/api/patient')).status).toBe(200);
  });

  it('B-31 two patients of one EHR end in one logout there', async () => {
    const { app, browser } = await launched({ module: { options: { enableMultiLaunch: true } } });
    await app.launch(browser, { patient: ehr.store.list('Patient')[1]!.id! });

    const answer = await browser.post(`${app.url}/fhir/logout`, {}, HTML);

    expect(fieldsOf(await answer.text())).toHaveProperty('id_token_hint');
  });

  it('B-31 C-19 keeps the id_token only where it is needed, and never in the open', async () => {
    const sizes: number[] = [];
    for (const endSession of [true, 'redirect', false] as const) {
      const storage = new MapStorage();
      const { app, browser } = await launched({ server: { endSession }, module: { storage } });
      const entries = storage.dump();
      sizes.push(entries.length);
      const answer = await browser.post(`${app.url}/fhir/logout`, {}, HTML);
      const hint = fieldsOf(await answer.text()).id_token_hint;
      expect(hint === undefined).toBe(endSession !== true);
      if (hint !== undefined) expect(entries).not.toContain(hint.split('.')[1]);
    }
    // a sealed id_token takes room
    expect(sizes[0]! - sizes[2]!).toBeGreaterThan(500);
    expect(Math.abs(sizes[1]! - sizes[2]!)).toBeLessThan(100);
  });
});
