import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { adapters } from '../support/adapters.js';
import { Browser, follow, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';

const [{ create }] = adapters as [(typeof adapters)[number]];
const SLASHES = [
  ['without a slash', false],
  ['with a slash', true],
] as const;

describe.each(SLASHES)('our EHR side, its FHIR base %s, and our app', (_base, issWithSlash) => {
  let ehr: RunningEhr;
  let patient: string;
  const apps: TestApp[] = [];

  beforeAll(async () => {
    ehr = await startEhr({ apps: [], quiet: true, issWithSlash });
    patient = ehr.store.list('Patient')[0]!.id!;
  });
  afterAll(async () => {
    for (const app of apps) await app.close();
    await ehr.close();
  });

  const operation = (app: TestApp, query: Record<string, string>) =>
    `${ehr.fhirBaseUrl}/ClientApplication/${app.clientId}/$smart-launch?${new URLSearchParams(query).toString()}`;

  it.each(SLASHES)('F-13 F-3 launch when the app has it registered %s', async (_registered, isWithSlash) => {
    const issuer = isWithSlash ? `${ehr.fhirBaseUrl}/` : ehr.fhirBaseUrl;
    const app = await startTestApp({ adapter: create(), ehr, server: { issuer } });
    apps.push(app);
    const browser = new Browser();

    const launchUrl = await follow(browser, operation(app, { patient, intent: 'order' }), app.url);
    const authorize = await follow(browser, launchUrl.href, `${ehr.issuer}/auth`);
    const page = await follow(browser, authorize.href, `${app.url}/chart`);

    const iss = issWithSlash ? `${ehr.fhirBaseUrl}/` : ehr.fhirBaseUrl;
    expect(launchUrl.searchParams.get('iss')).toBe(iss);
    expect(authorize.searchParams.get('aud')).toBe(iss);
    expect(page.href).toBe(`${app.url}/chart`);
    const { status, body } = await app.get(browser, '/api/launch');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      patient,
      valid: true,
      context: {
        intent: 'order',
        needPatientBanner: true,
        smartStyleUrl: `${ehr.url}/smart-style.json`,
      },
    });
    expect((await app.get(browser, '/api/patient')).body).toMatchObject({ id: patient });
  });

  it('F-13 F-4 F-8 a handle that was used, or is another app’s, ends at the app as an error', async () => {
    const [one, other] = [
      await startTestApp({ adapter: create(), ehr }),
      await startTestApp({ adapter: create(), ehr }),
    ];
    apps.push(one, other);
    const browser = new Browser();
    const launchUrl = await follow(browser, operation(one, { patient }), one.url);

    const stolen = await follow(
      browser,
      `${other.url}${launchUrl.pathname}${launchUrl.search}`,
      `${other.url}/fhir/callback`,
    );
    const first = await follow(browser, launchUrl.href, `${one.url}/fhir/callback`);
    const second = await follow(browser, launchUrl.href, `${one.url}/fhir/callback`);

    expect(stolen.searchParams.get('error')).toBe('invalid_request');
    expect(first.searchParams.has('code')).toBe(true);
    expect(second.searchParams.get('error')).toBe('invalid_request');
    expect((await browser.get(second.href, { Accept: 'application/json' })).status).toBe(502);
  });
});
