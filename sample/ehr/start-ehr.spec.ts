import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import type { AppAuthentication } from './registered-app.js';
import { startEhr } from './start-ehr.js';
import type { RunningEhr } from './start-ehr.js';
import { Browser } from './testing/browser.js';
import { TestApp } from './testing/test-app.js';
import type { Json } from './testing/test-app.js';

const SCOPE = 'launch openid fhirUser offline_access patient/Patient.rs patient/Observation.read';
const METHODS: AppAuthentication[] = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'];

let ehr: RunningEhr;
let patient: string;
const apps = new Map<AppAuthentication, TestApp>();

function app(authentication: AppAuthentication = 'none'): TestApp {
  const found = apps.get(authentication);
  if (!found) throw new Error(authentication);
  return found;
}

beforeAll(async () => {
  for (const method of METHODS) apps.set(method, await TestApp.create(`app-${method}`, method));
  ehr = await startEhr({ apps: [...apps.values()].map(({ registration }) => registration), quiet: true });
  patient = ehr.store.list('Patient')[0]?.id ?? '';
});

afterAll(() => ehr.close());

function launchHandle(from: TestApp, more: Json = {}): string {
  return ehr.createLaunch({ clientId: from.registration.clientId, patient, ...more });
}

async function json(url: string): Promise<Json> {
  return (await (await fetch(url)).json()) as Json;
}

async function fhirStatus(path: string, token: unknown): Promise<number> {
  const { status } = await fetch(`${ehr.fhirBaseUrl}/${path}`, {
    headers: { Authorization: `Bearer ${String(token)}` },
  });
  return status;
}

describe('discovery', () => {
  it('describes the same server in SMART and OpenID terms', async () => {
    const smart = await json(`${ehr.fhirBaseUrl}/.well-known/smart-configuration`);
    const openid = await json(`${ehr.issuer}/.well-known/openid-configuration`);
    const shared = [
      'issuer',
      'jwks_uri',
      'authorization_endpoint',
      'token_endpoint',
      'introspection_endpoint',
      'revocation_endpoint',
      'end_session_endpoint',
      'code_challenge_methods_supported',
      'response_types_supported',
    ];
    for (const name of shared) expect([name, smart[name]]).toEqual([name, openid[name]]);
    expect(smart['capabilities']).toEqual(expect.arrayContaining(['launch-ehr', 'launch-standalone']));
    expect(smart['token_endpoint_auth_signing_alg_values_supported']).toEqual(
      expect.arrayContaining(['RS384', 'ES384']),
    );
  });
});

describe('EHR launch', () => {
  it.each(METHODS)(
    'F-10 gives token, context and identity to an app that authenticates by %s',
    async (method) => {
      const context = {
        encounter: 'e1',
        intent: 'reconcile-medications',
        needPatientBanner: false,
        smartStyleUrl: `${ehr.url}/smart-style.json`,
        fhirContext: [{ reference: 'ImagingStudy/1' }],
        extra: { tenant: 'north' },
      };
      const launch = launchHandle(app(method), context);
      const { callback, request } = await app(method).authorize(ehr, { scope: SCOPE, launch });
      expect(callback.get('state')).toBe(request.state);
      expect(callback.get('iss')).toBe(ehr.issuer);

      const { status, headers, body } = await app(method).exchange(ehr, callback, request.verifier);
      expect(status).toBe(200);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('pragma')).toBe('no-cache');
      expect(body).toMatchObject({
        token_type: 'Bearer',
        expires_in: 300,
        scope: SCOPE,
        patient,
        encounter: 'e1',
        intent: 'reconcile-medications',
        need_patient_banner: false,
        smart_style_url: `${ehr.url}/smart-style.json`,
        fhirContext: [{ reference: 'ImagingStudy/1' }],
        tenant: 'north',
        refresh_token: expect.any(String),
      });

      const { clientId } = app(method).registration;
      const keys = createRemoteJWKSet(new URL(`${ehr.issuer}/jwks`));
      const { payload } = await jwtVerify(String(body['id_token']), keys, {
        issuer: ehr.issuer,
        audience: clientId,
      });
      expect(payload['nonce']).toBe(request.nonce);
      expect(payload['fhirUser']).toMatch(new RegExp(`^${ehr.fhirBaseUrl}/Practitioner/`));

      expect(ehr.tokenRequests.at(-1)).toEqual({
        endpoint: 'token',
        grantType: 'authorization_code',
        clientId,
        authMethod: method,
        at: expect.any(Number),
        status: 200,
        error: null,
      });
    },
  );

  it('F-3 accepts aud with a trailing slash', async () => {
    const aud = `${ehr.fhirBaseUrl}/`;
    const { status } = await app().launch(ehr, { scope: SCOPE, launch: launchHandle(app()), aud });
    expect(status).toBe(200);
  });

  it.each([
    ['another aud', () => ({ aud: 'https://elsewhere.example/fhir' })],
    ['no aud', () => ({ aud: null })],
    ['no PKCE', () => ({ code_challenge: null, code_challenge_method: null })],
    ['plain PKCE', () => ({ code_challenge_method: 'plain' })],
    ['an unknown launch handle', () => ({ launch: 'made-up' })],
    ['a handle made for another app', () => ({ launch: launchHandle(app('client_secret_post')) })],
    ['no launch handle for the launch scope', () => ({ launch: null })],
  ])('F-8 F-4 refuses %s', async (_case, change: () => Record<string, string | null>) => {
    const { callback } = await app().authorize(ehr, {
      scope: SCOPE,
      launch: launchHandle(app()),
      ...change(),
    });
    expect(callback.get('error')).toBe('invalid_request');
    expect(callback.has('code')).toBe(false);
  });

  it('F-4 takes a launch handle once', async () => {
    const launch = launchHandle(app());
    const first = await app().authorize(ehr, { scope: SCOPE, launch });
    const second = await app().authorize(ehr, { scope: SCOPE, launch });
    expect(first.callback.has('code')).toBe(true);
    expect(second.callback.get('error')).toBe('invalid_request');
  });

  it('F-8 keeps the context back when the launch scope was not asked for', async () => {
    const { body } = await app().launch(ehr, { scope: 'openid fhirUser', launch: launchHandle(app()) });
    expect(body).not.toHaveProperty('patient');
  });

  it('keeps two launches of one browser apart', async () => {
    const other = ehr.store.list('Patient')[1]?.id ?? '';
    const browser = new Browser();
    const first = await app().authorize(ehr, { scope: SCOPE, launch: launchHandle(app()) }, browser);
    const launch = launchHandle(app(), { patient: other });
    const second = await app().authorize(ehr, { scope: SCOPE, launch }, browser);
    const firstTokens = await app().exchange(ehr, first.callback, first.request.verifier);
    const secondTokens = await app().exchange(ehr, second.callback, second.request.verifier);
    expect([firstTokens.body['patient'], secondTokens.body['patient']]).toEqual([patient, other]);
    expect(await fhirStatus(`Patient/${patient}`, firstTokens.body['access_token'])).toBe(200);
    expect((await app().refresh(ehr, firstTokens.body['refresh_token'])).body['patient']).toBe(patient);
  });

  it('accepts scopes of either SMART version that no list could hold', async () => {
    const scope = 'launch patient/Observation.rs?category=laboratory user/Patient.read patient/*.cruds';
    const { body } = await app().launch(ehr, { scope, launch: launchHandle(app()), nonce: null });
    expect(body['scope']).toBe(scope);
  });

  it('drops scopes that are none of SMART and refuses when nothing is left', async () => {
    const launch = launchHandle(app());
    const some = await app().launch(ehr, {
      scope: 'launch patient/Patient.sr nonsense',
      launch,
      nonce: null,
    });
    expect(some.body['scope']).toBe('launch');
    const none = await app().authorize(ehr, { scope: 'nonsense', nonce: null });
    expect(none.callback.get('error')).toBe('invalid_scope');
  });

  it('F-8 uses a code once', async () => {
    const { callback, request } = await app().authorize(ehr, { scope: SCOPE, launch: launchHandle(app()) });
    const first = await app().exchange(ehr, callback, request.verifier);
    const second = await app().exchange(ehr, callback, request.verifier);
    expect([first.status, second.body['error']]).toEqual([200, 'invalid_grant']);
    expect(await fhirStatus(`Patient/${patient}`, first.body['access_token'])).toBe(401);
  });

  it('serves an app that was registered after the start', async () => {
    const late = await TestApp.create('late', 'none');
    ehr.registerApp(late.registration);
    const { body } = await late.launch(ehr, { scope: SCOPE, launch: launchHandle(late) });
    expect(body['patient']).toBe(patient);
  });
});

describe('client authentication', () => {
  it('F-15 refuses a wrong secret even with the right verifier', async () => {
    const right = app('client_secret_basic');
    const { callback, request } = await right.authorize(ehr, { scope: SCOPE, launch: launchHandle(right) });
    const response = await fetch(`${ehr.issuer}/token`, {
      method: 'POST',
      headers: {
        Authorization: `Basic ${Buffer.from(`${right.registration.clientId}:wrong`).toString('base64')}`,
      },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: callback.get('code') ?? '',
        redirect_uri: right.redirectUri,
        code_verifier: request.verifier,
      }),
    });
    expect([response.status, ((await response.json()) as Json)['error']]).toEqual([401, 'invalid_client']);
    expect(ehr.tokenRequests.at(-1)).toMatchObject({ status: 401, error: 'invalid_client' });
  });

  it.each(METHODS)('F-15 refuses a wrong verifier from a client that authenticates by %s', async (method) => {
    const client = app(method);
    const { callback } = await client.authorize(ehr, { scope: SCOPE, launch: launchHandle(client) });
    const { status, body } = await client.exchange(ehr, callback, 'a'.repeat(43));
    expect([status, body['error']]).toEqual([400, 'invalid_grant']);
  });

  it.each<AppAuthentication>(['client_secret_basic', 'client_secret_post', 'private_key_jwt'])(
    'F-15 refuses code and refresh token of a client by %s that shows no credentials',
    async (method) => {
      const client = app(method);
      const post = async (form: Record<string, string>) => {
        const body = new URLSearchParams({ client_id: client.registration.clientId, ...form });
        const answer = await fetch(`${ehr.issuer}/token`, { method: 'POST', body });
        return ((await answer.json()) as Json)['error'];
      };
      const { callback, request } = await client.authorize(ehr, {
        scope: SCOPE,
        launch: launchHandle(client),
      });
      const grant = {
        grant_type: 'authorization_code',
        code: callback.get('code') ?? '',
        redirect_uri: client.redirectUri,
        code_verifier: request.verifier,
      };
      expect(await post(grant)).toBe('invalid_client');
      if (method !== 'private_key_jwt')
        expect(await post({ ...grant, client_secret: 'wrong' })).toBe('invalid_client');

      const { body } = await client.exchange(ehr, callback, request.verifier);
      const refresh = { grant_type: 'refresh_token', refresh_token: String(body['refresh_token']) };
      expect(await post(refresh)).toBe('invalid_client');
      expect((await client.refresh(ehr, body['refresh_token'])).status).toBe(200);
    },
  );

  it.each([
    ['addressed to the issuer', () => app('private_key_jwt').assertion(ehr.issuer)],
    ['that lives for an hour', () => app('private_key_jwt').assertion(`${ehr.issuer}/token`, 3600)],
  ])('refuses an assertion %s', async (_case, assertion) => {
    const response = await fetch(`${ehr.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        scope: 'system/Patient.rs',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await assertion(),
      }),
    });
    expect(((await response.json()) as Json)['error']).toBe('invalid_client');
  });

  it('reads the keys of an app from its jwksUri', async () => {
    const keyed = await TestApp.create('keyed', 'private_key_jwt');
    const { jwks, ...registration } = keyed.registration;
    const server = createServer((_request, response) => response.end(JSON.stringify(jwks)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    ehr.registerApp({ ...registration, jwksUri: `http://127.0.0.1:${port}/jwks.json` });
    const { status, body } = await keyed.launch(ehr, { scope: SCOPE, launch: launchHandle(keyed) });
    server.close();
    expect([status, body['patient']]).toEqual([200, patient]);
  });

  it('gives a backend service a token for its system scopes', async () => {
    const parameters = { grant_type: 'client_credentials', scope: 'system/Patient.rs' };
    const { status, body } = await app('private_key_jwt').post(ehr, 'token', parameters);
    expect([status, body['scope']]).toEqual([200, 'system/Patient.rs']);
    expect(body).not.toHaveProperty('refresh_token');
  });
});

describe('refresh', () => {
  it.each(['offline_access', 'online_access'])(
    'F-10 rotates the token of %s and keeps the context',
    async (scope) => {
      const request = {
        scope: `launch openid fhirUser patient/Patient.rs ${scope}`,
        launch: launchHandle(app()),
      };
      const first = await app().launch(ehr, request);
      const second = await app().refresh(ehr, first.body['refresh_token']);
      expect(second.status).toBe(200);
      expect(second.body).toMatchObject({ patient, scope: request.scope });
      expect(second.body['refresh_token']).not.toBe(first.body['refresh_token']);
      expect(await fhirStatus(`Patient/${patient}`, second.body['access_token'])).toBe(200);
    },
  );

  it('narrows the scope on demand', async () => {
    const { body } = await app().launch(ehr, { scope: SCOPE, launch: launchHandle(app()) });
    const narrowed = await app().refresh(ehr, body['refresh_token'], { scope: 'launch patient/Patient.rs' });
    expect(narrowed.body).toMatchObject({ patient, scope: 'launch patient/Patient.rs' });
  });

  it('F-10 ends the grant when a used token comes back', async () => {
    const { body } = await app().launch(ehr, { scope: SCOPE, launch: launchHandle(app()) });
    const next = await app().refresh(ehr, body['refresh_token']);
    const reused = await app().refresh(ehr, body['refresh_token']);
    const afterwards = await app().refresh(ehr, next.body['refresh_token']);
    expect([reused.status, reused.body['error']]).toEqual([400, 'invalid_grant']);
    expect(afterwards.body['error']).toBe('invalid_grant');
    expect(await fhirStatus(`Patient/${patient}`, next.body['access_token'])).toBe(401);
  });

  it('serves one of several refreshes at a time', async () => {
    const { body } = await app().launch(ehr, { scope: SCOPE, launch: launchHandle(app()) });
    const answers = await Promise.all([1, 2, 3].map(() => app().refresh(ehr, body['refresh_token'])));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400]);
  });

  it('gives no refresh token unasked', async () => {
    const { body } = await app().launch(ehr, {
      scope: 'launch patient/Patient.rs',
      launch: launchHandle(app()),
      nonce: null,
    });
    expect(body).not.toHaveProperty('refresh_token');
    expect(body).not.toHaveProperty('id_token');
  });
});

describe('standalone launch', () => {
  const scope = 'openid fhirUser launch/patient patient/Patient.rs';

  async function openPicker(browser: Browser): Promise<{ picker: Response; verifier: string }> {
    const { url, verifier } = app().authorizationRequest(ehr, { scope });
    const picker = await browser.follow(url, app().redirectUri);
    if (picker instanceof URL) throw new Error(`No picker: ${picker.href}`);
    return { picker, verifier };
  }

  it('lets the user pick the patient', async () => {
    const browser = new Browser();
    const { picker, verifier } = await openPicker(browser);
    expect(await picker.text()).toContain(`value="${patient}"`);
    const answer = await browser.post(picker.url, { patient });
    const arrived = await browser.follow(answer, app().redirectUri);
    if (!(arrived instanceof URL)) throw new Error(`Stopped at ${arrived.status}`);
    const { body } = await app().exchange(ehr, arrived.searchParams, verifier);
    expect(body).toMatchObject({ patient, scope });
    expect(await fhirStatus(`Patient/${patient}`, body['access_token'])).toBe(200);
  });

  it('refuses a patient that is not there', async () => {
    const browser = new Browser();
    const { picker } = await openPicker(browser);
    expect((await browser.post(picker.url, { patient: 'nobody' })).status).toBe(400);
  });

  it('tells the app when the user cancels', async () => {
    const browser = new Browser();
    const { picker } = await openPicker(browser);
    const answer = await browser.post(picker.url, { cancel: 'yes' });
    const arrived = await browser.follow(answer, app().redirectUri);
    expect((arrived as URL).searchParams.get('error')).toBe('access_denied');
  });

  it('leaves the patient of an EHR launch alone', async () => {
    const other = ehr.store.list('Patient')[1]?.id ?? '';
    const browser = new Browser();
    const { url } = app().authorizationRequest(ehr, { scope: SCOPE, launch: launchHandle(app()) });
    const interaction = new URL((await browser.get(url)).headers.get('location') ?? '', ehr.url);
    expect((await browser.post(interaction.href, { patient: other })).status).toBe(400);
  });
});

describe('introspection and revocation', () => {
  it('tells scope, client and launch context of an active token', async () => {
    const client = app('client_secret_basic');
    const { body } = await client.launch(ehr, { scope: SCOPE, launch: launchHandle(client) });
    const token = String(body['access_token']);
    const introspected = await client.post(ehr, 'token/introspection', { token });
    expect(introspected.body).toMatchObject({
      active: true,
      scope: SCOPE,
      client_id: client.registration.clientId,
      iss: ehr.issuer,
      patient,
      fhirUser: expect.stringContaining('/Practitioner/'),
    });
  });

  it.each(METHODS)('revokes for an app that authenticates by %s', async (method) => {
    const client = app(method);
    const { body } = await client.launch(ehr, { scope: SCOPE, launch: launchHandle(client) });
    const revoked = await client.post(ehr, 'token/revocation', { token: String(body['refresh_token']) });
    expect(revoked.status).toBe(200);
    const introspected = await client.post(ehr, 'token/introspection', {
      token: String(body['access_token']),
    });
    expect(introspected.body).toEqual({ active: false });
    expect((await client.refresh(ehr, body['refresh_token'])).body['error']).toBe('invalid_grant');
    expect(await fhirStatus(`Patient/${patient}`, body['access_token'])).toBe(401);
  });
});

describe('FHIR access', () => {
  it('is for the launched patient and ends with the token', async () => {
    const brief = await startEhr({
      apps: [app().registration],
      accessTokenTtlSeconds: 1,
      publicHost: 'localhost',
      quiet: true,
    });
    const first = brief.store.list('Patient')[0]?.id ?? '';
    const launch = brief.createLaunch({ clientId: 'app-none', patient: first });
    const { body } = await app().launch(brief, { scope: SCOPE, launch });
    const read = async (id: string): Promise<number> => {
      const headers = { Authorization: `Bearer ${String(body['access_token'])}` };
      return (await fetch(`${brief.fhirBaseUrl}/Patient/${id}`, { headers })).status;
    };
    expect(body['expires_in']).toBe(1);
    expect(brief.fhirBaseUrl).toMatch(/^http:\/\/localhost:\d+\/fhir$/);
    expect(await read(first)).toBe(200);
    expect(await read(brief.store.list('Patient')[1]?.id ?? '')).not.toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(await read(first)).toBe(401);
    await brief.close();
  });
});

describe('pages', () => {
  const escaped = (url: string) => url.replaceAll('&', '&amp;');

  it('F-1 F-9 launches an app for a patient of the list', async () => {
    const html = await (await fetch(ehr.url)).text();
    const encounter = ehr.store
      .list('Encounter')
      .filter(({ subject }) => subject?.reference === `Patient/${patient}`)
      .sort((a, b) => (b.period?.start ?? '').localeCompare(a.period?.start ?? ''))[0]!.id!;
    const operation = `${ehr.fhirBaseUrl}/ClientApplication/app-none/$smart-launch`;
    const href = `${operation}?encounter=${encounter}&need_patient_banner=true`;
    expect(html).toContain(`href="${escaped(href)}"`);
    const response = await fetch(href, { redirect: 'manual' });
    const target = new URL(response.headers.get('location') ?? '');
    expect(response.status).toBe(302);
    expect(target.searchParams.get('iss')).toBe(ehr.fhirBaseUrl);
    expect(target.searchParams.get('tenant')).toBe('1');
    const launch = target.searchParams.get('launch');
    const { body } = await app().launch(ehr, { scope: SCOPE, launch });
    expect(body).toMatchObject({
      patient,
      encounter,
      need_patient_banner: true,
      smart_style_url: `${ehr.url}/smart-style.json`,
    });
    expect(ehr.auditLog.at(-1)).toMatchObject({
      application: { clientId: 'app-none' },
      context: { patient, encounter },
    });
    expect(JSON.stringify(ehr.auditLog)).not.toContain(launch);
  });

  it('opens apps in three ways', async () => {
    const page = async (open: string) => (await fetch(`${ehr.url}/?open=${open}`)).text();
    const beside = `/chart/${patient}?app=app-none`;
    expect(await page('beside')).toContain(`href="${beside}"`);
    expect(await page('tab')).toMatch(/smart-launch[^"]*" target="_blank" rel="noopener"/);
    expect(await page('nowhere')).toBe(await page('page'));

    const chart = await fetch(ehr.url + beside);
    expect(await chart.text()).toMatch(/<iframe [^>]*src="[^"]*app-none\/\$smart-launch\?[^"]*banner=false"/);
    expect(chart.headers.get('content-security-policy')).toContain("frame-src 'self' http://127.0.0.1:9");
  });

  it('finds a patient whatever the accents, and escapes what it shows', async () => {
    ehr.store.update({
      resourceType: 'Patient',
      id: 'accented',
      name: [{ family: 'Üñîqüe-Øst<script>', given: ['Zoë'] }],
    });
    const html = await (await fetch(`${ehr.url}/?q=${encodeURIComponent('zoe unique ost')}`)).text();
    expect(html).toContain('1 patient.');
    expect(html).toContain('Üñîqüe-Øst&lt;script&gt;, Zoë');
    expect(html).not.toContain('<script>');
    expect(await (await fetch(`${ehr.url}/?q=%22%3E%3Cscript%3E`)).text()).not.toContain('<script>');
  });

  it('F-1 F-5 has no launch for an unknown app or patient', async () => {
    const launch = (app: string, id: string) =>
      fetch(`${ehr.fhirBaseUrl}/ClientApplication/${app}/$smart-launch?patient=${id}`, {
        redirect: 'manual',
      });
    expect((await launch('app-none', patient)).status).toBe(302);
    expect((await launch('nobody', patient)).status).toBe(404);
    expect((await launch('app-none', 'nobody')).status).toBe(404);
    for (const path of [`${patient}?app=nobody`, 'nobody?app=app-none', patient]) {
      expect((await fetch(`${ehr.url}/chart/${path}`)).status).toBe(404);
    }
  });

  it('explains an interaction that has expired', async () => {
    const response = await fetch(`${ehr.url}/interaction/long-gone`);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('Start the app again');
  });

  it('explains an authorization request it cannot send back', async () => {
    const response = await fetch(`${ehr.issuer}/auth?client_id=%3Cb%3E&response_type=code`, {
      headers: { Accept: 'text/html' },
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('<code>invalid_client</code>');
  });
});
