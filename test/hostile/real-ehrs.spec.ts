import { describe, expect, it } from '@jest/globals';
import { expectNothingLeaked } from './app/play.js';
import { playAll, setStage } from './app/stage.js';
import { Visitor } from './app/visitor.js';
import type { Misbehaviour } from './ehr/fault.js';
import { REAL_EHRS } from './faults/real-ehrs/index.js';

describe('What real EHRs do', () => {
  const cast = setStage();

  playAll(cast, REAL_EHRS);

  it('E-LCH-3 a code that the EHR takes as often as it comes is taken once', async () => {
    const { app, ehr } = cast;
    const tenant = ehr.tenant({
      profile: 'basic',
      misbehaviour: {
        token: (body, { codes }, { form }) => {
          const [scope, redirectUri] = [String(body.scope), form.get('redirect_uri')!];
          codes.set(form.get('code')!, { scope, redirectUri, challenge: undefined, nonce: undefined });
          return body;
        },
      },
    });
    const user = new Visitor(app.url);
    const callback = (await user.toCallback(tenant)) as URL;

    expect(await user.open('callback', callback.href)).toMatchObject({ status: 303 });
    expect(await user.open('callback', callback.href)).toMatchObject({ status: 400, error: 'invalid_state' });
    expect(tenant.count('token')).toBe(1);
    expectNothingLeaked(tenant, user, app);
  });

  it('E-ORA-6 says once what was asked for and not granted', async () => {
    const { app, ehr } = cast;
    app.log.length = 0;
    for (let n = 0; n < 2; n += 1) {
      const misbehaviour: Misbehaviour = {
        callback: ({ iss: _left, ...parameters }) => parameters,
        token: (body) => ({ ...body, scope: 'launch openid' }),
      };
      const user = new Visitor(app.url);
      expect(await user.signIn(ehr.tenant({ profile: 'google', misbehaviour }))).toMatchObject({
        status: 303,
      });
    }

    expect(app.log.filter((line) => line.startsWith('google: it granted none'))).toEqual([
      expect.stringContaining('patient/Patient.rs patient/Observation.rs'),
    ]);
  });
});
