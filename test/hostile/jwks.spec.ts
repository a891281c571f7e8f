import { describe, expect, it } from '@jest/globals';
import { playAll, setStage } from './app/stage.js';
import { Visitor } from './app/visitor.js';
import { resigned } from './ehr/forgery.js';
import { JWKS_FAULTS } from './faults/jwks.js';

describe('An EHR whose keys are not where or what they should be', () => {
  const cast = setStage();

  playAll(cast, JWKS_FAULTS);

  it('B-17 ten tokens with ten unknown kids: the keys are asked for once more, and once after 30 s', async () => {
    const { ehr, app, clock } = cast;
    const tenant = ehr.tenant({
      profile: 'basic',
      misbehaviour: {
        idToken: (jwt, twin) =>
          resigned(jwt, twin.server.keys.attacker, { kid: `unknown-${twin.tick('kid')}` }),
      },
    });
    const sights = [];
    for (let n = 0; n < 10; n += 1) sights.push(await new Visitor(app.url).signIn(tenant));

    expect(sights.map(({ error }) => error)).toEqual(sights.map(() => 'invalid_id_token'));
    expect(tenant.count('jwks')).toBe(2);
    clock?.advance(31_000);
    await Promise.all([1, 2, 3].map(() => new Visitor(app.url).signIn(tenant)));
    expect(tenant.count('jwks')).toBe(3);
  });

  it.each(['with', 'without'])('B-18 a key that is rotated between two logins, %s kids', async (kids) => {
    const { ehr, app } = cast;
    const strip = kids === 'without' ? { kid: undefined } : {};
    const tenant = ehr.tenant({
      profile: 'basic',
      misbehaviour: {
        jwks: (keys) => keys.map((key) => ({ ...key, ...strip })),
        header: (header) => ({ ...header, ...strip }),
      },
    });
    expect(await new Visitor(app.url).launch(tenant)).toMatchObject({ status: 200 });
    tenant.signingKey = ehr.keys.next;
    tenant.keys = [ehr.keys.next.publicJwk];

    expect(await new Visitor(app.url).launch(tenant)).toMatchObject({ status: 200 });
    expect(await new Visitor(app.url).launch(tenant)).toMatchObject({ status: 200 });
    expect(tenant.count('jwks')).toBe(2);
  });

  it('B-18 just before the token was signed: both keys are published for a while', async () => {
    const { ehr, app } = cast;
    const tenant = ehr.tenant({ profile: 'basic', misbehaviour: {} });
    tenant.keys = [ehr.keys.rsa.publicJwk, ehr.keys.next.publicJwk];
    expect(await new Visitor(app.url).launch(tenant)).toMatchObject({ status: 200 });
    tenant.signingKey = ehr.keys.next;

    expect(await new Visitor(app.url).launch(tenant)).toMatchObject({ status: 200 });
    expect(tenant.count('jwks')).toBe(1);
  });
});
