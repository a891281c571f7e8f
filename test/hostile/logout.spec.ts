import { describe, expect, it } from '@jest/globals';
import { expectNothingLeaked } from './app/play.js';
import { setStage } from './app/stage.js';
import { Visitor } from './app/visitor.js';
import { oauthError } from './ehr/exchange.js';
import type { Answer } from './ehr/exchange.js';
import type { Misbehaviour } from './ehr/fault.js';
import type { ProfileName } from './ehr/profiles.js';
import type { Tenant } from './ehr/tenant.js';

describe('Logging out of a hostile EHR', () => {
  const cast = setStage();

  async function logOut(misbehaviour: Misbehaviour, profile: ProfileName = 'basic') {
    const { app, ehr } = cast;
    const tenant = ehr.tenant({ profile, misbehaviour });
    const user = new Visitor(app.url);
    await user.launch(tenant);
    const cookies = Object.entries(user.browser.cookies('localhost'));
    const answer = await user.read(
      'data',
      await user.browser.post(`${app.url}/fhir/logout`, {}, JSON_PLEASE),
    );
    expect(answer.status).toBe(204);
    expect((await user.visit('/api/patient')).status).toBe(401);
    // who kept a copy of the cookie has no session either
    const kept = cookies.map((pair) => pair.join('=')).join('; ');
    expect(kept).toContain('smart-session=');
    expect((await fetch(`${app.url}/api/patient`, { headers: { cookie: kept } })).status).toBe(401);
    expectNothingLeaked(tenant, user, app);
    return tenant;
  }

  const asked = (tenant: Tenant) => tenant.to('revocation').map(({ form }) => form.get('token_type_hint'));

  it.each<ProfileName>(['basic', 'public', 'asymmetric'])(
    'C-21 revokes the refresh token, then the access token, as a %s client',
    async (profile) => {
      const tenant = await logOut({}, profile);

      expect(asked(tenant)).toEqual(['refresh_token', 'access_token']);
      expect([tenant.refreshTokens.size, tenant.accessTokens.size]).toEqual([0, 0]);
    },
  );

  const answers: [name: string, answer: (good: Answer, ehr: Tenant) => Answer][] = [
    ['503', () => ({ status: 503 })],
    ['401 and a secret', (_good, { server }) => ({ status: 401, body: { error: server.canary } })],
    ['400 unsupported_token_type', () => oauthError('unsupported_token_type')],
    ['HTML', () => ({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' })],
    ['a redirect to another server', (_good, { evil }) => ({ status: 307, headers: { location: evil.url } })],
  ];
  it.each(answers)('C-21 C-16 an EHR that answers the revocation with %s', async (_name, revocation) => {
    await logOut({ answer: { revocation } });
  });

  it('C-21 an EHR that revokes no refresh tokens is asked to revoke the access token all the same', async () => {
    const tenant = await logOut({
      instead: {
        revocation: (_ehr, { form }) =>
          form.get('token_type_hint') === 'refresh_token' ? oauthError('unsupported_token_type') : undefined,
      },
    });

    expect(asked(tenant)).toEqual(['refresh_token', 'access_token']);
    expect(tenant.accessTokens.size).toBe(0);
  });

  it('C-21 the session is over here before the EHR is asked', async () => {
    const { app, ehr } = cast;
    const meanwhile: number[] = [];
    let kept = '';
    const revocation = async (good: Answer) => {
      meanwhile.push((await fetch(`${app.url}/api/patient`, { headers: { cookie: kept } })).status);
      return good;
    };
    const user = new Visitor(app.url);
    await user.launch(ehr.tenant({ profile: 'basic', misbehaviour: { answer: { revocation } } }));
    kept = `smart-session=${user.browser.cookies('localhost')['smart-session']}`;

    await user.browser.post(`${app.url}/fhir/logout`, {}, JSON_PLEASE);

    expect(meanwhile).toEqual([401, 401]);
  });

  it('C-21 an EHR without a revocation endpoint', async () => {
    const tenant = await logOut({ discovery: ({ revocation_endpoint: _left, ...document }) => document });

    expect(tenant.count('revocation')).toBe(0);
  });
});

const JSON_PLEASE = { Accept: 'application/json' };
