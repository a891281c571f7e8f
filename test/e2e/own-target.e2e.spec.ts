import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { adapters } from '../support/adapters.js';
import { Browser, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';

describe.each(adapters)('A launch in a frame that goes on outside of it on $name', ({ create }) => {
  let ehr: RunningEhr;
  let app: TestApp;

  beforeAll(async () => {
    ehr = await startEhr({ apps: [], quiet: true });
    app = await startTestApp({ adapter: create(), ehr, server: { target: '_top' } });
  });
  afterAll(async () => {
    await app.close();
    await ehr.close();
  });

  const inFrame = { 'Sec-Fetch-Dest': 'iframe' };

  it('C-10 A5-9 answers a page with the same launch, no cookie, and one script by its nonce', async () => {
    const browser = new Browser();
    const launchUrl = `${ehr.launchUrl(app.clientId, {})}&x=%22%3E%3Cscript%3E`;

    const answer = await browser.get(launchUrl, inFrame);
    const page = await answer.text();

    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([200, null]);
    const [, href = ''] = /<a href="([^"]+)" target="_top">/.exec(page) ?? [];
    const launch = new URL(
      href.replace(/&#(\d+);/g, (_all, code: string) => String.fromCharCode(+code)),
      launchUrl,
    );
    expect(Object.fromEntries(launch.searchParams)).toEqual(
      Object.fromEntries(new URL(launchUrl).searchParams),
    );
    expect(page.match(/<script/g)).toHaveLength(1);
    const csp = answer.headers.get('content-security-policy')!;
    const [, nonce] = /script-src 'nonce-([\w-]+)'/.exec(csp) ?? [];
    expect(page).toContain(`<script nonce="${nonce}">`);
    expect((await browser.get(launch.href)).status).toBe(302);
  });

  it('C-10 launches as ever outside of a frame, and refuses as ever in it', async () => {
    const launchUrl = ehr.launchUrl(app.clientId, {});
    const unknown = `${app.url}/fhir/launch?launch=x&iss=${encodeURIComponent('https://evil.example/fhir')}`;

    expect((await new Browser().get(launchUrl, { 'Sec-Fetch-Dest': 'document' })).status).toBe(302);
    expect((await new Browser().get(unknown, inFrame)).status).toBe(403);
    expect((await new Browser().get(`${app.url}/fhir/launch`, inFrame)).status).toBe(400);
  });
});
