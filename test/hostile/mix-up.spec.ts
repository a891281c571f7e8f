import { describe, expect, it } from '@jest/globals';
import { setStage } from './app/stage.js';
import { HostileApp, registrations } from './app/hostile-app.js';
import { expectNothingLeaked } from './app/play.js';
import { Visitor } from './app/visitor.js';
import type { Json } from './ehr/exchange.js';
import type { Misbehaviour } from './ehr/fault.js';
import type { Tenant } from './ehr/tenant.js';

describe('Two EHRs that do not keep to themselves', () => {
  const cast = setStage(() => ({ options: { discoveryTtlMs: 1 } }));

  it('C-3 the configuration changes while the user logs in: the code goes where it was meant to go', async () => {
    const { app, ehr, clock } = cast;
    const discovery = (document: Json, { memo, evil }: Tenant) =>
      memo.moved ? { ...document, issuer: evil.issuer, token_endpoint: `${evil.url}/token` } : document;
    const tenant = ehr.tenant({ profile: 'basic', misbehaviour: { discovery } });
    const [early, late] = [new Visitor(app.url), new Visitor(app.url)];
    const callback = (await early.toCallback(tenant)) as URL;
    tenant.memo.moved = 1;
    clock?.advance(10);
    await late.toCallback(tenant);
    expect(tenant.count('discovery')).toBe(2);

    expect(await early.open('callback', callback.href)).toMatchObject({ status: 303 });
    expect(await early.visit('/api/patient')).toMatchObject({ status: 200 });
    expectNothingLeaked(tenant, early, app);
  });

  it('C-3 the configuration changes before a refresh: the refresh token stays with the EHR that gave it', async () => {
    const { app, ehr, clock } = cast;
    const discovery = (document: Json, { memo, evil }: Tenant) =>
      memo.moved ? { ...document, token_endpoint: `${evil.url}/token` } : document;
    const tenant = ehr.tenant({ profile: 'basic', misbehaviour: { discovery } });
    const user = new Visitor(app.url);
    await user.launch(tenant);
    tenant.memo.moved = 1;
    clock?.advance(10);
    await new Visitor(app.url).toCallback(tenant);
    expect(tenant.count('discovery')).toBe(2);
    clock?.advance(310_000);

    expect(await user.visit('/api/patient')).toMatchObject({ status: 200 });
    expectNothingLeaked(tenant, user, app);
  });

  /**
   * A user who launches at the attacker’s EHR is sent on to log in at the honest one, whose code then arrives
   * with the attacker’s state (RFC 9700 4.4.1).
   */
  async function mixUp(redirectUrls: 'one' | 'each its own', honestSaysIss: boolean) {
    const { ehr } = cast;
    const attacker = ehr.evil!.server.tenant({ profile: 'public', misbehaviour: {} });
    const strip: Misbehaviour = honestSaysIss ? {} : { callback: ({ iss: _left, ...others }) => others };
    const honest = ehr.tenant({ profile: 'public', misbehaviour: strip });
    const app = await HostileApp.start(ehr, {
      client: (url) => {
        const own = (name: string) =>
          redirectUrls === 'one' ? {} : { callbackUrl: `${url}/fhir/callback/${name}` };
        return {
          knownFhirServers: [
            ...registrations(ehr).map((server) => ({ ...server, ...own('honest') })),
            ...registrations(attacker.server).map((server) => ({ ...server, ...own('attacker') })),
          ],
        };
      },
    });
    const user = new Visitor(app.url);
    const query = new URLSearchParams({ iss: attacker.fhirBaseUrl, launch: 'launch-1' });
    const started = await user.open('launch', `${app.url}/fhir/launch?${query.toString()}`);
    const onward = new URL(started.headers.get('location')!.replace(attacker.url, honest.url));
    onward.searchParams.set('aud', honest.fhirBaseUrl);
    const redirectUri = onward.searchParams.get('redirect_uri')!.replace('/attacker', '/honest');
    onward.searchParams.set('redirect_uri', redirectUri);
    const granted = await user.browser.get(onward.href);
    const sight = await user.open('callback', granted.headers.get('location')!);
    await app.close();
    return { sight, tokens: attacker.count('token') + honest.count('token'), honest };
  }

  it.each<['one' | 'each its own', boolean]>([
    ['one', true],
    ['each its own', true],
    ['each its own', false],
  ])(
    'C-3 a code of the honest EHR never reaches the attacker: redirect URLs %s, iss sent %s',
    async (...how) => {
      const { sight, tokens, honest } = await mixUp(...how);

      expect([...honest.codes]).toHaveLength(1);
      expect(sight).toMatchObject({ status: 400, error: 'issuer_mismatch' });
      expect(tokens).toBe(0);
    },
  );

  it('C-3 with redirect URLs of their own both EHRs still launch the app', async () => {
    const { ehr } = cast;
    const app = await HostileApp.start(ehr, {
      client: (url) => ({
        knownFhirServers: registrations(ehr).map((server) => ({
          ...server,
          callbackUrl: `${url}/fhir/callback/${server.name}`,
        })),
      }),
    });
    for (const profile of ['basic', 'public'] as const) {
      const tenant = ehr.tenant({ profile, misbehaviour: {} });
      expect(await new Visitor(app.url).launch(tenant)).toMatchObject({ status: 200 });
    }
    await app.close();
  });
});
