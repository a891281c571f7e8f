import { describe, expect, it } from '@jest/globals';
import { playAll, setStage } from './app/stage.js';
import { Visitor } from './app/visitor.js';
import { oauthError } from './ehr/exchange.js';
import type { Json } from './ehr/exchange.js';
import type { Tenant } from './ehr/tenant.js';
import { REFRESH_FAULTS } from './faults/refresh.js';

describe('An EHR whose refreshes misbehave', () => {
  const cast = setStage();

  playAll(cast, REFRESH_FAULTS);

  it('A9-5 the launch is the same after a refresh that says nothing of it', async () => {
    const { app, ehr, clock } = cast;
    const bare = {
      patient: undefined,
      encounter: undefined,
      need_patient_banner: undefined,
      scope: undefined,
    };
    const refresh = (body: object) => ({ ...body, ...bare });
    const user = new Visitor(app.url);
    const before = await user.launch(ehr.tenant({ profile: 'basic', misbehaviour: { refresh } }), [
      '/api/launch',
    ]);
    clock?.advance(270_000);

    expect((await user.visit('/api/launch')).body).toEqual(before.body);
  });

  it('A9-4 ten requests while one refresh is under way spend one refresh token', async () => {
    const { app, ehr, clock } = cast;
    let allThere = Promise.resolve();
    const refresh = async (body: Json) => {
      await allThere;
      return body;
    };
    const tenant = ehr.tenant({ profile: 'basic', misbehaviour: { refresh } });
    const user = new Visitor(app.url);
    await user.launch(tenant);
    clock?.advance(290_000);
    allThere = app.busyWith(10);

    const sights = await Promise.all(Array.from({ length: 10 }, () => user.visit('/api/patient')));

    expect(sights.map(({ status }) => status)).toEqual(sights.map(() => 200));
    expect(tenant.count('token')).toBe(2);
  });

  it('A9-8 an EHR that fails is left alone for a while; the session outlives its outage', async () => {
    const { app, ehr, clock } = cast;
    const token = ({ memo }: Tenant) => (memo.down ? { status: 503 } : undefined);
    const tenant = ehr.tenant({ profile: 'basic', misbehaviour: { instead: { token } } });
    const user = new Visitor(app.url);
    await user.launch(tenant);
    tenant.memo.down = 1;
    clock?.advance(270_000);
    for (let n = 0; n < 5; n += 1) expect((await user.visit('/api/patient')).status).toBe(200);
    expect(tenant.count('token')).toBe(2);
    clock?.advance(40_000);
    expect((await user.visit('/api/patient')).status).toBe(502);
    expect((await user.visit('/api/patient')).status).toBe(502);
    expect(tenant.count('token')).toBe(3);
    tenant.memo.down = 0;
    clock?.advance(5_000);

    expect((await user.visit('/api/patient')).status).toBe(200);
  });

  it('A9-8 A9-3 invalid_grant deletes the tokens: the second visit asks nobody', async () => {
    const { app, ehr, clock } = cast;
    const token = ({ memo }: Tenant) => (memo.over ? oauthError('invalid_grant') : undefined);
    const tenant = ehr.tenant({ profile: 'basic', misbehaviour: { instead: { token } } });
    const user = new Visitor(app.url);
    await user.launch(tenant);
    tenant.memo.over = 1;
    clock?.advance(310_000);

    expect(await user.visit('/api/patient')).toMatchObject({ status: 401, error: 'session_expired' });
    tenant.memo.over = 0;
    expect(await user.visit('/api/patient')).toMatchObject({ status: 401, error: 'no_session' });
    expect(tenant.count('token')).toBe(2);
  });
});
