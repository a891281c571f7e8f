import { describe, expect, it } from '@jest/globals';
import { playAll, setStage } from './app/stage.js';
import { expectNothingLeaked } from './app/play.js';
import { Visitor } from './app/visitor.js';
import { TOKEN_REFUSAL_FAULTS } from './faults/token-refusal.js';
import { TOKEN_RESPONSE_FAULTS } from './faults/token-response.js';

describe('An EHR whose token endpoint misbehaves', () => {
  const cast = setStage();

  playAll(cast, [...TOKEN_RESPONSE_FAULTS, ...TOKEN_REFUSAL_FAULTS]);

  it.each<[unknown, number]>([
    ['3600', 3600],
    [600, 600],
    [undefined, 300],
    [null, 300],
    [0, 300],
    [-1, 300],
    ['abc', 300],
    ['NaN', 300],
    [{}, 300],
  ])('A7-5 A9-11 expires_in %j without a refresh token: the session lives %i s', async (given, seconds) => {
    const { app, ehr, clock } = cast;
    const token = (body: object) => ({ ...body, expires_in: given });
    const tenant = ehr.tenant({ profile: 'noRefresh', misbehaviour: { token } });
    const user = new Visitor(app.url);
    await user.launch(tenant);

    clock?.advance((seconds - 10) * 1000);
    expect((await user.visit('/api/patient')).status).toBe(200);
    clock?.advance(20_000);
    expect(await user.visit('/api/patient')).toMatchObject({ status: 401, error: 'session_expired' });
    expect(tenant.count('token')).toBe(1);
  });

  it('A6-3 a code that is refused once is not tried again', async () => {
    const { app, ehr } = cast;
    const answer = { token: () => ({ status: 503 }) };
    const tenant = ehr.tenant({ profile: 'basic', misbehaviour: { answer } });
    const user = new Visitor(app.url);
    const callback = (await user.toCallback(tenant)) as URL;

    expect(await user.open('callback', callback.href)).toMatchObject({ status: 502 });
    expect(await user.open('callback', callback.href)).toMatchObject({ status: 400, error: 'invalid_state' });
    expect(tenant.count('token')).toBe(1);
    expectNothingLeaked(tenant, user, app);
  });
});
