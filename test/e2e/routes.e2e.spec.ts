import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { SmartEvent } from 'nestjs-smart-on-fhir';
import { adapters } from '../support/adapters.js';
import { fakeClock } from '../support/clock.js';
import { Browser, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';

/** Where an attacker would like the browser to go (BCP 4.11). */
const ELSEWHERE = [
  'https://evil.example/',
  '//evil.example',
  '/\\evil.example',
  'https:evil.example',
  'javascript:alert(1)',
  '/x%0d%0aSet-Cookie:a=b',
  '/x\r\nLocation: https://evil.example',
  'data:text/html,<script>alert(1)</script>',
];
const NAMES = [
  'returnTo',
  'return_to',
  'redirect',
  'redirectUrl',
  'redirect_uri',
  'redirect_url',
  'next',
  'url',
  'target',
  'continue',
  'target_link_uri',
  'post_logout_redirect_uri',
  'callbackUrl',
];

/** What a proxy, or somebody who pretends to be one, may say of where a request came in. */
const FORWARDED = {
  'X-Forwarded-Host': 'evil.example',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Port': '8443',
  'X-Forwarded-Prefix': '/evil',
  'X-Original-URL': '/evil',
  Forwarded: 'host=evil.example;proto=https',
};

describe.each(adapters)('Where the routes lead on $name', ({ create }) => {
  let ehr: RunningEhr;
  let app: TestApp;
  let patient: string;
  let clock: ReturnType<typeof fakeClock>;
  const events: SmartEvent[] = [];

  beforeAll(async () => {
    ehr = await startEhr({ apps: [], quiet: true, accessTokenTtlSeconds: 300 });
    patient = ehr.store.list('Patient')[0]!.id!;
    app = await startTestApp({
      adapter: create(),
      ehr,
      module: { options: { onEvent: (event) => void events.push(event) } },
    });
  });

  beforeEach(() => {
    clock = fakeClock();
  });
  afterEach(() => clock.restore());
  afterAll(async () => {
    await app.close();
    await ehr.close();
  });

  const evilQuery = (value: string) => NAMES.map((name) => `&${name}=${encodeURIComponent(value)}`).join('');

  it.each(ELSEWHERE)('C-5 A6-6 a launch and its callback go nowhere else: %j', async (value) => {
    const browser = new Browser();
    const answer = await browser.get(`${ehr.launchUrl(app.clientId, { patient })}${evilQuery(value)}`);
    const request = new URL(answer.headers.get('location')!);
    const callback = await browser.follow(answer, `${app.url}/fhir/callback`);
    const end = await browser.get(`${(callback as URL).href}${evilQuery(value)}`);

    expect([answer.status, request.origin]).toEqual([302, new URL(ehr.url).origin]);
    expect(request.searchParams.getAll('redirect_uri')).toEqual([`${app.url}/fhir/callback`]);
    expect([end.status, end.headers.get('location')]).toEqual([303, `${app.url}/chart`]);
    expect(end.headers.get('set-cookie')).not.toContain('a=b');
  });

  it('A6-6 a standalone launch returns to a path of the app, from the EHR’s answer on', async () => {
    const browser = new Browser();
    const end = await standalone(browser, '/chart/5?tab=vitals');

    expect([end.status, end.headers.get('location')]).toEqual([303, `${app.url}/chart/5?tab=vitals`]);
  });

  it.each(ELSEWHERE)('C-5 A6-6 a standalone launch returns nowhere else: %j', async (value) => {
    const end = await standalone(new Browser(), value);

    expect([end.status, end.headers.get('location')]).toEqual([303, `${app.url}/chart`]);
  });

  async function standalone(browser: Browser, returnTo: string): Promise<Response> {
    const query = new URLSearchParams({ iss: ehr.fhirBaseUrl, returnTo });
    const picker = await browser.follow(`${app.url}/fhir/standalone?${query.toString()}`, app.url);
    const picked = await browser.post((picker as Response).url, { patient });
    const callback = await browser.follow(picked, `${app.url}/fhir/callback`);
    return browser.get((callback as URL).href);
  }

  it.each(ELSEWHERE)('C-5 a logout goes nowhere else: %j', async (value) => {
    const browser = new Browser();
    await app.launch(browser, { patient });

    const end = await browser.post(
      `${app.url}/fhir/logout?x=1${evilQuery(value)}`,
      Object.fromEntries(NAMES.map((name) => [name, value])),
    );

    expect([end.status, end.headers.get('location')]).toEqual([303, `${app.url}/chart`]);
  });

  it('G-4 A7-1 no header of the request changes a URL: a launch behind any proxy is the configured one', async () => {
    const browser = new Browser();
    const answer = await browser.get(ehr.launchUrl(app.clientId, { patient }), FORWARDED);
    const callback = await browser.follow(answer, `${app.url}/fhir/callback`);
    const end = await browser.get((callback as URL).href, FORWARDED);

    expect(new URL(answer.headers.get('location')!).searchParams.get('redirect_uri')).toBe(
      `${app.url}/fhir/callback`,
    );
    expect([end.status, end.headers.get('location')]).toEqual([303, `${app.url}/chart`]);
    // the authorization server compares redirect_uri too, so the token request carried the same
    expect(ehr.tokenRequests.at(-1)).toMatchObject({ grantType: 'authorization_code', status: 200 });
    expect((await app.get(browser, '/api/patient')).status).toBe(200);
  });

  it('A3-7 C-2 a callback that carries iss is a callback, and its iss the authorization server', async () => {
    const browser = new Browser();
    const callback = await app.toCallback(browser, { patient });
    expect(callback.searchParams.get('iss')).not.toBe(ehr.fhirBaseUrl);
    const again = new Browser();
    const asLaunch = await app.toCallback(again, { patient });
    asLaunch.searchParams.set('iss', ehr.fhirBaseUrl);
    asLaunch.searchParams.set('launch', 'xyz');

    const end = await browser.get(callback.href);
    const refused = await again.get(asLaunch.href, { Accept: 'application/json' });

    expect([end.status, end.headers.get('location')]).toEqual([303, `${app.url}/chart`]);
    // the FHIR base is no authorization server, and a launch parameter makes no launch
    expect([refused.status, await refused.json()]).toEqual([
      400,
      expect.objectContaining({ error: 'issuer_mismatch' }),
    ]);
  });

  it('A3-7 a launch that carries code and state is a launch', async () => {
    const browser = new Browser();
    const callback = await app.toCallback(browser, { patient });
    const { code, state } = Object.fromEntries(callback.searchParams);
    const before = ehr.tokenRequests.length;
    const iss = encodeURIComponent(ehr.fhirBaseUrl);

    const launch = await browser.get(
      `${app.url}/fhir/launch?iss=${iss}&launch=x&code=${code}&state=${state}`,
    );
    const incomplete = await browser.get(`${app.url}/fhir/launch?code=${code}&state=${state}`);

    expect(new URL(launch.headers.get('location')!).searchParams.get('launch')).toBe('x');
    expect(incomplete.status).toBe(400);
    expect(ehr.tokenRequests).toHaveLength(before);
    expect((await browser.get(callback.href)).status).toBe(303);
  });

  it('G-6 C-19 tells launch, login, refresh, logout and failure, with nothing but codes and names', async () => {
    events.length = 0;
    const browser = new Browser();
    await app.launch(browser, { patient });
    clock.advance(250_000);
    expect((await app.get(browser, '/api/patient')).status).toBe(200);
    await browser.post(`${app.url}/fhir/logout`, {});
    await browser.get(`${app.url}/fhir/callback?code=c4n4ry&state=c4n4ry`);
    await browser.get(`${app.url}/fhir/launch?iss=https://c4n4ry.example/fhir&launch=x`);
    const denied = await app.toCallback(browser, { patient });
    denied.searchParams.delete('code');
    denied.searchParams.set('error', 'access_denied');
    await browser.get(denied.href);
    const server = 'Demo EHR';

    expect(events).toEqual([
      { type: 'launch', server },
      { type: 'login', server },
      { type: 'refresh', server },
      { type: 'logout', server },
      { type: 'failure', during: 'login', code: 'invalid_state' },
      { type: 'failure', during: 'launch', code: 'unknown_issuer' },
      { type: 'launch', server },
      { type: 'failure', during: 'login', code: 'access_denied', server },
    ]);
  });
});
