import { describe, expect, it } from '@jest/globals';
import { setStage } from './app/stage.js';
import { expectNothingLeaked } from './app/play.js';
import { Visitor } from './app/visitor.js';
import type { ProfileName } from './ehr/profiles.js';

const GOOD: ProfileName[] = ['basic', 'public', 'asymmetric', 'inferno', 'anonymous', 'pkce', 'noRefresh'];

describe('An EHR without any fault', () => {
  const cast = setStage();

  it.each(GOOD)('B-1 lets the app launch as %s, read, search, write and log out', async (profile) => {
    const { app, ehr } = cast;
    const tenant = ehr.tenant({ profile, misbehaviour: {} });
    const user = new Visitor(app.url);

    expect(await user.launch(tenant)).toMatchObject({ status: 200, body: { id: 'p1' } });
    expect(await user.visit('/api/search')).toMatchObject({ body: { ids: ['o0', 'o1', 'o2', 'o3', 'o4'] } });
    expect(await user.visit('/api/create')).toMatchObject({ status: 200 });
    expect(await user.visit('/api/style')).toMatchObject({
      body: { color_text: '#102030', font_family_body: 'Inter, "Open Sans", sans-serif' },
    });
    expect(tenant.requests.slice(0, 2).map(({ endpoint }) => endpoint)).toEqual(['discovery', 'authorize']);
    expect(
      (await user.browser.post(`${app.url}/fhir/logout`, {}, { Accept: 'application/json' })).status,
    ).toBe(204);
    expect((await user.visit('/api/patient')).status).toBe(401);
    expectNothingLeaked(tenant, user, app);
  });

  it('A9-1 A9-3 is refreshed with the same client and rotates the token', async () => {
    const { app, ehr, clock } = cast;
    const tenant = ehr.tenant({ profile: 'asymmetric', misbehaviour: {} });
    const user = new Visitor(app.url);
    await user.launch(tenant);

    for (let hour = 0; hour < 3; hour += 1) {
      clock?.advance(50 * 60_000);
      expect((await user.visit('/api/patient')).status).toBe(200);
    }

    const [, first, second, third] = tenant.to('token').map(({ form }) => form);
    expect(new Set([first, second, third].map((form) => form?.get('refresh_token'))).size).toBe(3);
    expect([...first!.keys()].sort()).toEqual([
      'client_assertion',
      'client_assertion_type',
      'grant_type',
      'refresh_token',
    ]);
  });
});
