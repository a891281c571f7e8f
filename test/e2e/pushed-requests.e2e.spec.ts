import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { KnownFhirServerSwitches } from 'nestjs-smart-on-fhir';
import { adapters } from '../support/adapters.js';
import { Browser, follow, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import type { AppAuthentication, RunningEhr } from '../../sample/ehr/start-ehr.js';

const METHODS: AppAuthentication[] = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'];

/** A launch up to the authorization endpoint: what the browser is sent there with. */
async function toAuthorization(ehr: RunningEhr, app: TestApp, browser: Browser): Promise<URL> {
  const patient = ehr.store.list('Patient')[0]!.id!;
  return follow(browser, ehr.launchUrl(app.clientId, { patient }), `${ehr.issuer}/auth`);
}

const names = ({ searchParams }: URL) => [...searchParams.keys()].sort();

describe('An EHR that requires pushed authorization requests', () => {
  let ehr: RunningEhr;
  const apps: TestApp[] = [];

  const start = async (authentication: AppAuthentication, server: KnownFhirServerSwitches = {}) => {
    const app = await startTestApp({ adapter: adapters[0]!.create(), ehr, authentication, server });
    apps.push(app);
    return app;
  };

  beforeAll(async () => {
    ehr = await startEhr({ apps: [], quiet: true, pushedRequests: 'required' });
  });
  afterAll(async () => {
    for (const app of apps) await app.close();
    await ehr.close();
  });

  it.each(METHODS)('C-23 launches a client that authenticates with %s', async (authentication) => {
    const app = await start(authentication);
    const browser = new Browser();

    const url = await toAuthorization(ehr, app, browser);
    await follow(browser, url.href, `${app.url}/chart`);

    expect(names(url)).toEqual(['client_id', 'request_uri']);
    const { status, body } = await app.get(browser, '/api/launch');
    expect([status, body]).toEqual([200, expect.objectContaining({ valid: true })]);
    expect((body as { patient: string }).patient).toBe(ehr.store.list('Patient')[0]!.id);
    expect((body as { scopes: string[] }).scopes).toContain('offline_access');
  });

  it('C-23 uses a pushed request once, and pushes each launch anew', async () => {
    const app = await start('client_secret_basic');
    const browser = new Browser();
    const [one, other] = [
      await toAuthorization(ehr, app, browser),
      await toAuthorization(ehr, app, new Browser()),
    ];
    await follow(browser, one.href, `${app.url}/chart`);

    const again = await follow(browser, one.href, app.url);

    expect(other.searchParams.get('request_uri')).not.toBe(one.searchParams.get('request_uri'));
    expect(again.searchParams.get('error')).toBe('invalid_request_uri');
  });

  it('C-23 is refused there without', async () => {
    const app = await start('client_secret_basic', { pushedAuthorizationRequests: false });

    const callback = await app.toCallback(new Browser(), { patient: ehr.store.list('Patient')[0]!.id! });

    expect(callback.searchParams.get('error')).toBe('invalid_request');
  });
});

describe('An EHR that offers pushed authorization requests', () => {
  let ehr: RunningEhr;

  beforeAll(async () => {
    ehr = await startEhr({ apps: [], quiet: true, pushedRequests: 'offered' });
  });
  afterAll(() => ehr.close());

  it.each<[string, KnownFhirServerSwitches, boolean]>([
    ['none', {}, false],
    ['one where the app wants it', { pushedAuthorizationRequests: true }, true],
  ])('C-23 gets %s', async (_what, server, isPushed) => {
    const app = await startTestApp({ adapter: adapters[0]!.create(), ehr, server });
    const browser = new Browser();

    const url = await toAuthorization(ehr, app, browser);
    await follow(browser, url.href, `${app.url}/chart`);

    expect(url.searchParams.has('request_uri')).toBe(isPushed);
    expect(url.searchParams.has('launch')).toBe(!isPushed);
    expect((await app.get(browser, '/api/patient')).status).toBe(200);
    await app.close();
  });

  it('C-23 tells the user what it refused, and sends the browser nowhere', async () => {
    const app = await startTestApp({
      adapter: adapters[0]!.create(),
      ehr,
      server: { pushedAuthorizationRequests: true, aud: 'https://other.example/fhir' },
    });
    const patient = ehr.store.list('Patient')[0]!.id!;

    const { status, body } = await app.get(
      new Browser(),
      ehr.launchUrl(app.clientId, { patient }).slice(app.url.length),
    );

    expect([status, body]).toEqual([502, expect.objectContaining({ error: 'authorization_failed' })]);
    await app.close();
  });

  it('A5-13 C-25 takes a resource besides aud', async () => {
    const app = await startTestApp({ adapter: adapters[0]!.create(), ehr, server: { resource: true } });
    const browser = new Browser();

    const { searchParams, href } = await toAuthorization(ehr, app, browser);
    await follow(browser, href, `${app.url}/chart`);

    expect([searchParams.getAll('resource'), searchParams.getAll('aud')]).toEqual([
      [ehr.fhirBaseUrl],
      [ehr.fhirBaseUrl],
    ]);
    expect((await app.get(browser, '/api/patient')).status).toBe(200);
    await app.close();
  });
});
