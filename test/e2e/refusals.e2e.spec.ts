import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Post, UseGuards } from '@nestjs/common';
import {
  FhirClient,
  ReadyClient,
  RequireContext,
  RequireScopes,
  SmartSessionGuard,
} from 'nestjs-smart-on-fhir';
import { adapters } from '../support/adapters.js';
import { Browser, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';

describe.each(adapters)('What is refused on $name', ({ create }) => {
  let ehr: RunningEhr;
  let app: TestApp;
  let patient: string;

  beforeAll(async () => {
    ehr = await startEhr({ apps: [], quiet: true });
    patient = ehr.store.list('Patient')[0]!.id!;
    app = await startTestApp({ adapter: create(), ehr });
  });

  afterAll(async () => {
    await app.close();
    await ehr.close();
  });

  const json = async (url: string, init?: RequestInit) => {
    const response = await fetch(url, { redirect: 'manual', ...init });
    return { status: response.status, body: (await response.json()) as { error: string }, response };
  };
  const exchanges = () => ehr.tokenRequests.length;

  it.each([
    ['both missing', ''],
    ['launch missing', '?iss=ISS'],
    ['iss missing', '?launch=x'],
    ['launch empty', '?iss=ISS&launch='],
    ['iss repeated', '?iss=ISS&iss=ISS&launch=x'],
    ['launch repeated', '?iss=ISS&launch=x&launch=y'],
    ['iss in brackets', '?iss[]=ISS&launch=x'],
  ])('A3-1 a launch with %s: 400, no cookie', async (_what, query) => {
    const { status, body, response } = await json(
      `${app.url}/fhir/launch${query.replaceAll('ISS', encodeURIComponent(ehr.fhirBaseUrl))}`,
    );

    expect([status, body.error]).toEqual([400, 'invalid_launch_request']);
    expect(response.headers.get('set-cookie')).toBeNull();
  });

  it.each(['launch?launch=x&', 'standalone?'])(
    'A4-4 C-13 an issuer nobody registered at %s: 403',
    async (route) => {
      const { status, body, response } = await json(
        `${app.url}/fhir/${route}iss=${encodeURIComponent('https://evil.example/fhir')}`,
      );

      expect([status, body.error]).toEqual([403, 'unknown_issuer']);
      expect(response.headers.get('set-cookie')).toBeNull();
    },
  );

  it('C-28 the page of an issuer nobody registered is for people, JSON for developers', async () => {
    const url = `${app.url}/fhir/launch?launch=x&iss=${encodeURIComponent('https://evil.example/fhir')}`;

    const page = await (await new Browser().get(url)).text();

    expect(page).toContain('This app is not set up for the EHR it was opened from. Tell your IT department');
    expect(page).toContain('<code>unknown_issuer</code>');
    expect(page).not.toMatch(/knownFhirServers|evil/);
    expect((await json(url)).body).toMatchObject({ message: expect.stringContaining('knownFhirServers') });
  });

  it('A6-1 a callback whose state is missing, empty, repeated or invented: 400, no token request', async () => {
    const before = exchanges();
    const queries = [
      '?code=x',
      '?code=x&state=',
      '?code=x&state=a&state=b',
      '?code=x&state=invented',
      '?error=x',
    ];

    const answers = await Promise.all(queries.map((query) => json(`${app.url}/fhir/callback${query}`)));

    expect(answers.map(({ status, body }) => [status, body.error])).toEqual(
      queries.map(() => [400, 'invalid_state']),
    );
    expect(exchanges()).toBe(before);
  });

  it('A6-2 C-1 a callback in another browser than the one that launched: 400, and it is not used up', async () => {
    const victim = new Browser();
    const callback = await app.toCallback(victim, { patient });
    const before = exchanges();

    const stolen = await json(callback.href);
    const elsewhere = new Browser();
    await app.toCallback(elsewhere, { patient });
    const planted = await elsewhere.get(callback.href);

    expect([stolen.status, planted.status]).toEqual([400, 400]);
    expect(exchanges()).toBe(before);
    expect((await victim.get(callback.href)).status).toBe(303);
  });

  it('A6-3 a callback that is replayed or sent twice at once: one token request', async () => {
    const browser = new Browser();
    const callback = await app.toCallback(browser, { patient });
    const before = exchanges();

    const parallel = await Promise.all([browser.get(callback.href), browser.get(callback.href)]);
    const replay = await browser.get(callback.href);

    expect(parallel.map(({ status }) => status).sort()).toEqual([303, 400]);
    expect(replay.status).toBe(400);
    expect(exchanges()).toBe(before + 1);
  });

  it('C-2 a callback that names another authorization server: 400, no token request', async () => {
    const browser = new Browser();
    const callback = await app.toCallback(browser, { patient });
    callback.searchParams.set('iss', 'https://evil.example');
    const before = exchanges();

    const answer = await browser.get(callback.href, { Accept: 'application/json' });

    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([
      400,
      'issuer_mismatch',
    ]);
    expect(exchanges()).toBe(before);
  });

  it('A6-5 C-28 the EHR refuses: 403 page that shows none of its text', async () => {
    const browser = new Browser();
    const callback = await app.toCallback(browser, { patient });
    const query = new URLSearchParams({
      state: callback.searchParams.get('state')!,
      iss: callback.searchParams.get('iss')!,
      error: 'access_denied',
      error_description: '<script>alert(1)</script>',
    });

    const answer = await browser.get(`${app.url}/fhir/callback?${query.toString()}`);

    const page = await answer.text();
    expect([answer.status, answer.headers.get('content-type')]).toEqual([403, 'text/html; charset=utf-8']);
    expect(page).toContain('access_denied');
    expect(page).not.toContain('alert');
    expect((await browser.get(callback.href)).status).toBe(400);
  });

  it('G-1 a guarded route without a session: 401, JSON or a page, never a redirect', async () => {
    const asJson = await json(`${app.url}/api/patient`);
    const asPage = await new Browser().get(`${app.url}/api/patient`);

    expect([asJson.status, asJson.body]).toEqual([
      401,
      { statusCode: 401, error: 'no_session', message: expect.any(String) },
    ]);
    expect([asPage.status, asPage.headers.get('content-type')]).toEqual([401, 'text/html; charset=utf-8']);
  });

  it('G-3 scopes or context that are missing: 403 with the list', async () => {
    const browser = new Browser();
    await app.launch(browser, { patient });

    const scopes = await app.get(browser, '/api/medication');
    const context = await app.get(browser, '/api/visit');

    expect([scopes.status, scopes.body]).toEqual([
      403,
      expect.objectContaining({ error: 'insufficient_scope', missing: ['patient/MedicationRequest.rs'] }),
    ]);
    expect([context.status, context.body]).toEqual([
      403,
      expect.objectContaining({ error: 'missing_context', missing: ['encounter'] }),
    ]);
  });

  it('G-3 requirements on a controller hold for its routes, with or without the guard beside them', async () => {
    @Controller('first')
    @UseGuards(SmartSessionGuard)
    @RequireContext('encounter')
    class GuardFirst {
      @Get()
      read() {
        return {};
      }
    }
    @Controller('alone')
    @RequireScopes('patient/Patient.rs')
    class Alone {
      @Get()
      @RequireScopes('patient/Coverage.rs')
      read() {
        return {};
      }
    }
    const own = await startTestApp({ adapter: create(), ehr, controllers: [GuardFirst, Alone] });
    const browser = new Browser();
    const answers = async () => {
      const [first, alone] = [await own.get(browser, '/first'), await own.get(browser, '/alone')];
      return [first, alone].map(({ status, body }) => [status, (body as { error: string }).error]);
    };

    expect(await answers()).toEqual([
      [401, 'no_session'],
      [401, 'no_session'],
    ]);
    await own.launch(browser, { patient });
    expect(await answers()).toEqual([
      [403, 'missing_context'],
      [403, 'insufficient_scope'],
    ]);
    await own.close();
  });

  it('C-3 an answer that arrives at another EHR’s redirect URL: 400, no token request', async () => {
    const own = await startTestApp({
      adapter: create(),
      ehr,
      server: { callbackUrl: 'CALLBACK/hospital-a' },
    });
    const browser = new Browser();
    const callback = await own.toCallback(browser, { patient });
    const elsewhere = new URL(callback);
    elsewhere.pathname = '/fhir/callback/hospital-b';
    const before = exchanges();

    expect(callback.pathname).toBe('/fhir/callback/hospital-a');
    const answer = await browser.get(elsewhere.href, { Accept: 'application/json' });
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([
      400,
      'issuer_mismatch',
    ]);
    expect(exchanges()).toBe(before);
    await own.close();
  });

  it('A8-7 an error that a route returns is answered as the error it is, not as a success', async () => {
    @Controller('careless')
    @UseGuards(SmartSessionGuard)
    class Careless {
      @Post()
      write(@FhirClient() fhir: ReadyClient) {
        return fhir.create({ resourceType: 'Observation', status: 'final', code: { text: 'x' } });
      }
    }
    const own = await startTestApp({ adapter: create(), ehr, controllers: [Careless] });
    const browser = new Browser();
    await own.launch(browser, { patient });

    expect((await browser.post(`${own.url}/careless`, {})).status).toBe(403);
    await own.close();
  });

  it('two names for the patient, in header and query, are none', async () => {
    const multi = await startTestApp({
      adapter: create(),
      ehr,
      module: { options: { enableMultiLaunch: true } },
    });
    const browser = new Browser();
    await multi.launch(browser, { patient });
    const asked = async (query: string, header?: string) =>
      (await browser.get(`${multi.url}/api/patient${query}`, header ? { 'x-smart-patient': header } : {}))
        .status;

    expect(await asked(`?patient=${patient}`, patient)).toBe(200);
    expect(await asked('?patient=other', patient)).toBe(403);
    expect(await asked(`?patient=${patient}&patient=other`)).toBe(403);
    await multi.close();
  });

  it('a guarded answer is not cached, unless the route says so', async () => {
    const browser = new Browser();
    await app.launch(browser, { patient, encounter: 'e1' });

    const answers = [await browser.get(`${app.url}/api/patient`), await browser.get(`${app.url}/api/visit`)];

    expect(answers.map(({ headers }) => headers.get('cache-control'))).toEqual([
      'no-store',
      'private, max-age=5',
    ]);
  });

  it('a patient the session did not launch: 403, never the launched one', async () => {
    const browser = new Browser();
    await app.launch(browser, { patient });

    const own = await browser.get(`${app.url}/api/patient`, { 'x-smart-patient': patient });
    const other = await browser.get(`${app.url}/api/patient`, { 'x-smart-patient': 'somebody-else' });

    expect([own.status, other.status]).toEqual([200, 403]);
  });
});
