import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SmartClient, unwrap } from 'nestjs-smart-on-fhir';
import { MapStorage } from '../support/map-storage.js';
import { HostileApp } from './app/hostile-app.js';
import { setStage } from './app/stage.js';
import { Visitor } from './app/visitor.js';
import type { Misbehaviour } from './ehr/fault.js';
import { CLIENT_ID } from './ehr/profiles.js';
import type { Tenant } from './ehr/tenant.js';

describe.each([
  ['holds one launch', false],
  ['holds several launches', true],
])('A session that %s', (_what, enableMultiLaunch) => {
  const cast = setStage();
  let app: HostileApp;

  beforeAll(async () => {
    app = await HostileApp.start(cast.ehr, { options: { enableMultiLaunch } });
  });
  afterAll(() => app.close());

  it('C-6 shows nothing of one user’s launch after a forged one signed in somebody else', async () => {
    const misbehaviour: Misbehaviour = {
      claims: (claims, ehr) => ({ ...claims, sub: `user-${ehr.tick('logins')}` }),
      token: (body, ehr) => ({ ...body, patient: `p${ehr.memo.logins}` }),
    };
    const tenant = cast.ehr.tenant({ profile: 'basic', misbehaviour });
    const user = new Visitor(app.url);
    const as = async (patient: string, headers: Record<string, string> = {}) =>
      user.read(
        'data',
        await user.browser.get(`${app.url}/api/launch`, {
          Accept: 'application/json',
          'X-Smart-Patient': patient,
          ...headers,
        }),
      );
    await user.signIn(tenant);
    expect(await as('p1')).toMatchObject({ status: 200, body: { patient: 'p1', sub: 'user-1' } });
    const before = user.browser.cookies('localhost')['smart-session']!;

    await user.signIn(tenant);

    expect(await as('p2')).toMatchObject({ status: 200, body: { patient: 'p2', sub: 'user-2' } });
    expect(await as('p1')).toMatchObject({ error: 'unknown_patient' });
    const withOld = await fetch(`${app.url}/api/launch`, {
      headers: { Cookie: `smart-session=${before}`, 'X-Smart-Patient': 'p1' },
    });
    expect(withOld.status).toBe(401);
  });
});

describe('An app whose registration changed', () => {
  const cast = setStage();

  /** Two instances of one app, before and after its client id changed, on one store. */
  function instances(tenant: Tenant) {
    const storage = new MapStorage();
    const as = (clientId: string) =>
      new SmartClient(
        'session-1',
        storage,
        {
          clientId,
          scope: 'launch offline_access patient/Patient.rs',
          callbackUrl: 'http://localhost:1/fhir/callback',
          redirectUrl: 'http://localhost:1/chart',
          knownFhirServers: [{ name: 'EHR', issuer: tenant.fhirBaseUrl, type: 'public' }],
        },
        {
          allowNonHttpsLaunch: true,
          session: { secret: 'a secret of more than thirty-two characters' },
        },
      );
    return { before: as(CLIENT_ID), after: as('another-client') };
  }

  async function granted(client: SmartClient, tenant: Tenant): Promise<URLSearchParams> {
    const { redirect_url } = unwrap(await client.launch({ iss: tenant.fhirBaseUrl, launch: 'launch-1' }));
    const { headers } = await fetch(redirect_url, { redirect: 'manual' });
    return new URL(headers.get('location')!).searchParams;
  }

  it('C-3 a code is not exchanged as another client than the one it was asked for', async () => {
    const tenant = cast.ehr.tenant({ profile: 'public', misbehaviour: {} });
    const { before, after } = instances(tenant);

    expect(await after.callback(await granted(before, tenant))).toMatchObject({
      error: 'session_expired',
      status: 401,
    });
    expect(tenant.count('token')).toBe(0);
    expect(await before.callback(await granted(before, tenant))).toMatchObject({ intent: null });
  });

  it('C-3 tokens are neither used nor refreshed as another client than the one they were given to', async () => {
    const tenant = cast.ehr.tenant({ profile: 'public', misbehaviour: {} });
    const { before, after } = instances(tenant);
    unwrap(await before.callback(await granted(before, tenant)));

    expect(await after.ready()).toMatchObject({ error: 'session_expired' });
    expect(await after.refresh()).toMatchObject({ error: 'session_expired' });
    expect([tenant.count('token'), tenant.count('fhir')]).toEqual([1, 0]);
    expect(await before.ready()).toMatchObject({ issuerName: 'EHR' });
  });
});

describe('An app in a window of its own', () => {
  const cast = setStage();

  it('C-11 is framed by nobody, whatever it answers', async () => {
    const { app, ehr } = cast;
    const user = new Visitor(app.url);
    const query = new URLSearchParams({
      iss: ehr.tenant({ profile: 'basic', misbehaviour: {} }).fhirBaseUrl,
    });
    const launched = await user.open('launch', `${app.url}/fhir/launch?launch=launch-1&${query.toString()}`);
    const answers = [launched, await user.open('launch', `${app.url}/fhir/launch`)];
    answers.push(await user.open('callback', `${app.url}/fhir/callback?state=x`));

    expect(answers.map(({ status }) => status)).toEqual([302, 400, 400]);
    for (const { headers } of answers) {
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    }
  });

  it.each([
    ['cross-site', {}, 403],
    ['same-site', {}, 403],
    ['same-site', { Origin: 'OWN' }, 204],
    // browsers that know no Sec-Fetch-Site say at least where a form was
    [undefined, { Origin: 'https://evil.example' }, 403],
    [undefined, { Origin: 'null' }, 403],
    [undefined, { Origin: 'OWN' }, 204],
    [undefined, {}, 204],
    ['same-origin', {}, 204],
    ['none', {}, 204],
  ])('C-12 a POST that says it is %s, with %j', async (site, headers, expected) => {
    const { app, ehr } = cast;
    const user = new Visitor(app.url);
    await user.launch(ehr.tenant({ profile: 'basic', misbehaviour: {} }));
    const sent = JSON.parse(JSON.stringify(headers).replace('OWN', app.url)) as Record<string, string>;

    const answer = await user.browser.post(
      `${app.url}/fhir/logout`,
      {},
      { Accept: 'application/json', ...(site && { 'Sec-Fetch-Site': site }), ...sent },
    );

    expect(answer.status).toBe(expected);
    expect((await user.visit('/api/launch')).status).toBe(expected === 403 ? 200 : 401);
  });
});
