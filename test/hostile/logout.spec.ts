import { describe, expect, it } from '@jest/globals';
import { fieldsOf } from './app/form-page.js';
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

describe('Logging out at a hostile EHR, too', () => {
  const cast = setStage();

  async function launched(misbehaviour: Misbehaviour) {
    const tenant = cast.ehr.tenant({ profile: 'endSession', misbehaviour });
    const user = new Visitor(cast.app.url);
    return { tenant, user, sight: await user.launch(tenant) };
  }
  /** The browser's logout; the answer is not kept with the others, since it holds the id_token. */
  async function loggedOut(user: Visitor) {
    const answer = await user.browser.post(`${cast.app.url}/fhir/logout`, {}, { Accept: 'text/html' });
    expect((await user.visit('/api/patient')).status).toBe(401);
    return { answer, page: await answer.text() };
  }
  const ends = (endpoint: (ehr: Tenant) => unknown): Misbehaviour => ({
    discovery: (document, ehr) => ({ ...document, end_session_endpoint: endpoint(ehr) }),
  });

  it.each([
    ['runs a script', 'javascript:alert(1)'],
    ['is another scheme', 'data:text/html,x'],
    ['holds a password', 'https://a:b@ehr.example.org/end'],
    ['has a fragment', 'https://ehr.example.org/end#x'],
    ['is no text', { url: 'https://ehr.example.org/end' }],
  ])('B-31 A2-11 an endpoint that %s stops the launch', async (_what, endpoint) => {
    const { sight, user } = await launched(ends(() => endpoint));

    expect([sight.at, sight.status, sight.error]).toEqual(['launch', 502, 'discovery_failed']);
    expect((await loggedOut(user)).answer.headers.get('location')).toBe(`${cast.app.url}/chart`);
  });

  it('B-31 the endpoint is a value, whatever the EHR writes into it', async () => {
    const { user, tenant } = await launched(
      ends(({ url }) => `${url}/end?x="><script>alert(1)</script>'onload=y`),
    );
    const { page } = await loggedOut(user);

    expect(page).not.toContain('<script>alert');
    expect(page).toMatch(/<form method="post" action="[^"<>]*">/);
    expect(page.match(/<script/g)).toHaveLength(1);
    expectNothingLeaked(tenant, user, cast.app);
  });

  it('B-31 C-3 it is the one that the launch was told, and the app itself never calls it', async () => {
    let told = 0;
    const { user, tenant } = await launched(
      ends((ehr) => ((told += 1) === 1 ? `${ehr.url}/end` : `${ehr.evil.url}/end`)),
    );
    cast.clock!.advance(11 * 60_000);
    const later = new Visitor(cast.app.url);
    await later.launch(tenant);
    const [{ page }, other] = [await loggedOut(user), await loggedOut(later)];

    expect(page).toContain(`action="${tenant.url}/end"`);
    expect(other.page).toContain(`action="${tenant.evil.url}/end"`);
    expectNothingLeaked(tenant, user, cast.app);
  });

  it('B-31 without one, the browser goes to the app, and the log says why', async () => {
    const { user, tenant } = await launched({});
    cast.app.log.length = 0;
    const { answer } = await loggedOut(user);

    expect([answer.status, answer.headers.get('location')]).toEqual([303, `${cast.app.url}/chart`]);
    expect(cast.app.log.join()).toContain('no end_session_endpoint is known');
    expectNothingLeaked(tenant, user, cast.app);
  });

  it('B-31 C-21 the EHR’s refusal to revoke changes nothing', async () => {
    const { user, tenant } = await launched({
      ...ends(({ url }) => `${url}/end`),
      answer: { revocation: () => ({ status: 503 }) },
    });
    const { page } = await loggedOut(user);

    expect(fieldsOf(page)).toMatchObject({ client_id: tenant.clientId, id_token_hint: expect.any(String) });
  });

  it('B-31 C-12 another site cannot have a user logged out', async () => {
    const { user } = await launched(ends(({ url }) => `${url}/end`));
    const headers = { Accept: 'text/html', Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' };

    const answer = await user.browser.post(`${cast.app.url}/fhir/logout`, {}, headers);

    expect([answer.status, (await answer.text()).includes('id_token_hint')]).toEqual([403, false]);
    expect((await user.visit('/api/patient')).status).toBe(200);
  });
});

const JSON_PLEASE = { Accept: 'application/json' };
