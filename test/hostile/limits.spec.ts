import { describe, expect, it } from '@jest/globals';
import { HostileApp } from './app/hostile-app.js';
import { setStage } from './app/stage.js';
import { Visitor } from './app/visitor.js';
import { oauthError } from './ehr/exchange.js';
import type { Tenant } from './ehr/tenant.js';

describe('Too much of everything', () => {
  const cast = setStage();
  const visitor = () => new Visitor(cast.app.url);

  it('C-26 the 21st launch of a browser drops its first, and no other', async () => {
    const tenant = cast.ehr.tenant({ profile: 'basic', misbehaviour: {} });
    const user = visitor();
    const callbacks: string[] = [];
    for (let n = 0; n < 21; n += 1) callbacks.push(((await user.toCallback(tenant)) as URL).href);

    expect(await user.open('callback', callbacks[0]!)).toMatchObject({ status: 400, error: 'invalid_state' });
    expect(tenant.count('token')).toBe(0);
    expect((await user.open('callback', callbacks[1]!)).status).toBe(303);
    expect((await user.open('callback', callbacks[20]!)).status).toBe(303);
  });

  it('C-26 launches above the ceiling are answered with 429 and ask the EHR nothing', async () => {
    const { ehr, clock } = cast;
    const app = await HostileApp.start(ehr, { options: { maxLaunchesPerMinute: 5 } });
    const tenant = ehr.tenant({
      profile: 'basic',
      misbehaviour: { answer: { discovery: () => ({ status: 500 }) } },
    });
    const launch = async () =>
      (await new Visitor(app.url).toCallback(tenant)) as { status: number; headers: Headers };
    for (let n = 0; n < 5; n += 1) expect((await launch()).status).toBe(502);

    const refused = await launch();
    expect([refused.status, Number(refused.headers.get('retry-after')) <= 60]).toEqual([429, true]);
    expect(tenant.count('discovery')).toBe(5);
    clock?.advance(60_000);
    expect((await launch()).status).toBe(502);
    await app.close();
  });

  it('C-26 launches of issuers that nobody registered use up none of the others', async () => {
    const { ehr } = cast;
    const app = await HostileApp.start(ehr, { options: { maxLaunchesPerMinute: 1 } });
    const tenant = ehr.tenant({ profile: 'basic', misbehaviour: {} });
    const query = new URLSearchParams({ iss: 'https://nobody.example.org/fhir', launch: 'launch-1' });
    for (let n = 0; n < 5; n += 1) {
      const refused = await new Visitor(app.url).open('launch', `${app.url}/fhir/launch?${query.toString()}`);
      expect(refused).toMatchObject({ status: 403, error: 'unknown_issuer' });
    }

    expect(await new Visitor(app.url).launch(tenant)).toMatchObject({ status: 200 });
    await app.close();
  });

  it('A2-10 twenty launches at once read the configuration once', async () => {
    const tenant = cast.ehr.tenant({ profile: 'basic', misbehaviour: {} });

    await Promise.all(Array.from({ length: 20 }, () => visitor().toCallback(tenant)));

    expect(tenant.count('discovery')).toBe(1);
  });

  it('A2-10 a configuration that could not be read is asked for again, a good one is remembered', async () => {
    const discovery = ({ memo }: Tenant) => (memo.up ? undefined : { status: 500 });
    const tenant = cast.ehr.tenant({ profile: 'basic', misbehaviour: { instead: { discovery } } });
    await visitor().toCallback(tenant);
    tenant.memo.up = 1;

    expect(await visitor().launch(tenant)).toMatchObject({ status: 200 });
    expect(await visitor().launch(tenant)).toMatchObject({ status: 200 });
    expect(tenant.count('discovery')).toBe(2);
  });

  it.each([
    ['404', () => ({ status: 404 })],
    ['invalid_client', () => oauthError('invalid_client', 401)],
  ])(
    'A2-10 a token endpoint that answers %s: the next launch reads the configuration again',
    async (_what, answer) => {
      const token = (ehr: Tenant) => (ehr.memo.moved ? undefined : answer());
      const tenant = cast.ehr.tenant({ profile: 'basic', misbehaviour: { instead: { token } } });
      expect(await visitor().signIn(tenant)).toMatchObject({ status: 502 });
      tenant.memo.moved = 1;

      expect(await visitor().launch(tenant)).toMatchObject({ status: 200 });
      expect(tenant.count('discovery')).toBe(2);
    },
  );

  it('A6-4 a callback after eleven minutes is refused, without a token request', async () => {
    const tenant = cast.ehr.tenant({ profile: 'basic', misbehaviour: {} });
    const user = visitor();
    const callback = (await user.toCallback(tenant)) as URL;
    cast.clock?.advance(11 * 60_000);

    expect(await user.open('callback', callback.href)).toMatchObject({ status: 400, error: 'invalid_state' });
    expect(tenant.count('token')).toBe(0);
  });
});
