import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { KnownFhirServer } from 'nestjs-smart-on-fhir';
import { adapters } from '../support/adapters.js';
import { HostileApp } from './app/hostile-app.js';
import { play } from './app/play.js';
import { setStage } from './app/stage.js';
import { Visitor } from './app/visitor.js';
import type { Json } from './ehr/exchange.js';
import { ACCEPTED } from './ehr/fault.js';
import type { Misbehaviour } from './ehr/fault.js';
import { HostileEhr } from './ehr/hostile-ehr.js';
import type { ProfileName } from './ehr/profiles.js';
import type { Tenant } from './ehr/tenant.js';

const VERIFIER = /^[A-Za-z0-9_-]{43}$/;

describe.each(adapters)('What a launch may be asked for on $name', ({ create }) => {
  const cast = setStage(() => ({ adapter: create() }));
  const goodEhr = () => cast.ehr.tenant({ profile: 'basic', misbehaviour: {} });

  /** The launch URL with this query, as it is written. */
  const launch = (user: Visitor, query: string) =>
    user.browser.get(`${cast.app.url}/fhir/launch?${query}`, { Accept: 'application/json' });
  const issOf = (ehr: Tenant) => `iss=${encodeURIComponent(ehr.fhirBaseUrl)}`;

  /** The EHR’s answer to the authorization request that a launch was answered with. */
  async function granted(user: Visitor, started: Response): Promise<URL> {
    const answer = await user.browser.get(started.headers.get('location')!);
    return new URL(answer.headers.get('location')!);
  }

  it.each([
    ['iss missing', 'launch=x'],
    ['iss empty', 'iss=&launch=x'],
    ['launch missing', 'ISS'],
    ['launch empty', 'ISS&launch='],
    ['iss twice', 'ISS&ISS&launch=x'],
    ['two issuers', 'ISS&iss=https://evil.example&launch=x'],
    ['launch twice', 'ISS&launch=x&launch=x'],
    ['iss in brackets', 'iss[]=ISS&launch=x'],
    ['launch in brackets', 'ISS&launch[]=x'],
  ])('A3-1 with %s: 400, no cookie, and nobody is called', async (_what, query) => {
    const ehr = goodEhr();

    const answer = await launch(new Visitor(cast.app.url), query.replaceAll('ISS', issOf(ehr)));

    expect([answer.status, answer.headers.getSetCookie()]).toEqual([400, []]);
    expect(ehr.requests).toEqual([]);
  });

  it.each([
    ['reserved characters', 'a+b/c=%25é'],
    ['percent signs that were encoded twice', 'a%252Fb%253D'],
    ['an 8 kB JWT', `eyJhbGciOiJub25lIn0.${'aZ09-_'.repeat(1_365)}.`],
    ['another request', 'x%26aud%3Dhttps://evil.example%26launch%3Dy'],
  ])('A3-2 hands the launch value on as it came: %s', async (_what, written) => {
    const started = await launch(new Visitor(cast.app.url), `${issOf(goodEhr())}&launch=${written}`);

    const sent = new URL(started.headers.get('location')!).searchParams;
    expect(sent.getAll('launch')).toEqual([new URLSearchParams(`launch=${written}`).get('launch')]);
  });

  it('A3-4 takes no patient, encounter or user from the launch URL', async () => {
    const user = new Visitor(cast.app.url);
    const named = 'patient=evil&encounter=evil&user=evil&fhirUser=Practitioner/evil';

    const started = await launch(user, `${issOf(goodEhr())}&launch=launch-1&${named}`);
    const callback = await granted(user, started);

    expect((await user.open('callback', callback.href)).status).toBe(303);
    const { body } = await user.visit('/api/launch');
    expect(body).toMatchObject({ patient: 'p1', encounter: 'e1' });
    expect(JSON.stringify(body)).not.toContain('evil');
    expect(started.headers.get('location')).not.toContain('evil');
  });

  it('A3-5 a launch that begins, and one that fails, leave the live session as it is', async () => {
    const user = new Visitor(cast.app.url);
    await user.launch(goodEhr());
    const patient = async () => ((await user.visit('/api/launch')).body as { patient: string }).patient;
    const failing: [Misbehaviour, number][] = [
      [{ callback: ({ state, iss }) => ({ state: state!, iss: iss!, error: 'access_denied' }) }, 403],
      [{ callback: (good) => ({ ...good, iss: 'https://evil.example' }) }, 400],
      [{ answer: { token: () => ({ status: 500 }) } }, 502],
      [{ idToken: () => 'forged' }, 502],
    ];

    for (const [misbehaviour, status] of failing) {
      const other = cast.ehr.tenant({ profile: 'basic', patient: 'p2', misbehaviour });
      const callback = (await user.toCallback(other)) as URL;
      expect(await patient()).toBe('p1');
      expect((await user.open('callback', callback.href)).status).toBe(status);
      expect(await patient()).toBe('p1');
    }
  });

  it.each(['launch?launch=x&', 'standalone?'])(
    'A4-4 calls nobody for an issuer that nobody registered: %s',
    async (route) => {
      const { app, ehr } = cast;
      const { evil } = goodEhr();

      const answer = await fetch(`${app.url}/fhir/${route}${issOf(evil)}`, { redirect: 'manual' });

      expect([answer.status, answer.headers.getSetCookie()]).toEqual([403, []]);
      expect([ehr.evil?.server.connections, evil.requests]).toEqual([0, []]);
    },
  );

  it('A5-9 has another nonce on every page that sends the request as a form', async () => {
    const discovery = (document: Json) => ({ ...document, capabilities: ['authorize-post'] });
    const ehr = cast.ehr.tenant({ profile: 'long', misbehaviour: { discovery } });
    const nonces = new Set<string | undefined>();

    for (let pages = 0; pages < 3; pages += 1) {
      const page = await launch(new Visitor(cast.app.url), `${issOf(ehr)}&launch=launch-1`);
      const nonce = /<script nonce="([\w-]{43})">/.exec(await page.text())?.[1];
      expect(page.headers.get('content-security-policy')).toContain(`script-src 'nonce-${nonce}'`);
      nonces.add(nonce);
    }

    expect(nonces.size).toBe(3);
  });

  it.each([
    ['no JWT', 'forged'],
    ['of somebody else', undefined],
  ])('A7-18 an id_token that is %s leads to no session and no cookie', async (_what, forged) => {
    const { app, ehr } = cast;
    const misbehaviour: Misbehaviour =
      forged === undefined
        ? { claims: (claims) => ({ ...claims, aud: 'another-app' }) }
        : { idToken: () => forged };
    const user = new Visitor(app.url);

    const answer = await user.signIn(ehr.tenant({ profile: 'basic', misbehaviour }));

    expect(answer).toMatchObject({ at: 'callback', status: 502, error: 'invalid_id_token' });
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(await user.visit('/api/launch')).toMatchObject({ status: 401 });
  });

  it.each(['', '/'])(
    'A5-2 E-MPL-1 names the FHIR base as the EHR wrote it, with %j at its end',
    async (slash) => {
      const iss = `${goodEhr().fhirBaseUrl}${slash}`;
      const query = new URLSearchParams({ iss, launch: 'launch-1' });

      const started = await launch(new Visitor(cast.app.url), query.toString());

      expect(new URL(started.headers.get('location')!).searchParams.getAll('aud')).toEqual([iss]);
    },
  );

  it('A6-6 ends at the configured page, whatever launch and callback name; neither code nor state is left', async () => {
    const user = new Visitor(cast.app.url);
    const elsewhere = ['returnTo', 'redirectUrl', 'redirect_url', 'redirect_uri', 'next', 'target']
      .map((name) => `${name}=${encodeURIComponent('https://evil.example/')}`)
      .join('&');

    const started = await launch(user, `${issOf(goodEhr())}&launch=launch-1&${elsewhere}`);
    expect(started.headers.get('location')).not.toContain('evil');
    const callback = await granted(user, started);
    const answer = await user.open('callback', `${callback.href}&${elsewhere}`);

    expect([answer.status, answer.headers.get('location')]).toEqual([303, `${cast.app.url}/chart`]);
  });

  it.each<ProfileName>(['basic', 'public', 'asymmetric'])(
    'A5-5 proves with its code that it asked for it: %s client',
    async (profile) => {
      const ehr = cast.ehr.tenant({ profile, misbehaviour: {} });

      expect(await new Visitor(cast.app.url).launch(ehr)).toMatchObject({ status: 200 });

      const [exchange] = ehr.to('token');
      expect(ehr.to('authorize')[0]!.query.get('code_challenge_method')).toBe('S256');
      expect(exchange!.form.get('code_verifier')).toMatch(VERIFIER);
      expect(exchange!.form.get('grant_type')).toBe('authorization_code');
    },
  );
});

describe('What an operator reads of an EHR that is odd', () => {
  const cast = setStage();
  const warnings = () => cast.app.log.filter((line) => line.startsWith('basic: '));

  it('A2-4 a configuration that lists no capabilities is said, and the launch works', async () => {
    const discovery = ({ issuer, authorization_endpoint, token_endpoint }: Json) => ({
      issuer,
      authorization_endpoint,
      token_endpoint,
    });
    cast.app.log.length = 0;

    expect(
      await new Visitor(cast.app.url).launch(
        cast.ehr.tenant({ profile: 'basic', misbehaviour: { discovery } }),
      ),
    ).toMatchObject({ status: 200 });

    expect(warnings()).toEqual([expect.stringContaining('lists no capabilities')]);
  });

  it('A7-5 A7-10 an expires_in that is no time and context entries that are none are said once', async () => {
    const token = (body: Json) => ({ ...body, expires_in: 'abc', fhirContext: [{ role: 'x' }, null] });
    cast.app.log.length = 0;

    for (let launches = 0; launches < 2; launches += 1) {
      const ehr = cast.ehr.tenant({ profile: 'basic', misbehaviour: { token } });
      expect(await new Visitor(cast.app.url).launch(ehr)).toMatchObject({ status: 200 });
    }

    expect(warnings()).toEqual([
      expect.stringContaining('expires_in'),
      expect.stringContaining('fhirContext'),
    ]);
  });
});

describe('A registration with switches for an EHR that needs them', () => {
  let ehr: HostileEhr;
  const opened: HostileApp[] = [];
  beforeAll(async () => {
    ehr = await HostileEhr.startWithEvilTwin();
  });
  afterAll(async () => {
    for (const app of opened) await app.close();
    await ehr.close();
  });

  async function appWith(
    switches: Partial<KnownFhirServer>,
    profile: ProfileName = 'basic',
  ): Promise<HostileApp> {
    const server = { ...ehr.profiles[profile].client, ...switches, name: 'Odd EHR' };
    const issMatch = (iss: string) => iss.startsWith(ehr.url);
    const app = await HostileApp.start(ehr, {
      client: () => ({ knownFhirServers: [{ ...server, issMatch } as KnownFhirServer] }),
    });
    opened.push(app);
    return app;
  }

  it('A7-4 a missing token_type is Bearer where assumeBearer says so, and another type is refused still', async () => {
    const app = await appWith({ assumeBearer: true });
    const typed = (token_type: unknown): Misbehaviour => ({ token: (body) => ({ ...body, token_type }) });

    await play({ ehr, app }, { id: 'A7-4', name: 'none', ...typed(undefined), expect: ACCEPTED });
    await play(
      { ehr, app },
      {
        id: 'A7-4',
        name: 'mac',
        ...typed('mac'),
        expect: { at: 'callback', status: 502, error: 'invalid_token_response', calls: { fhir: 0 } },
      },
    );
  });

  it('A7-8 "Patient/p1" is the id p1 where contextReferences says so, and a path is refused still', async () => {
    const app = await appWith({ contextReferences: true });
    const named = (patient: string, encounter = 'Encounter/e1'): Misbehaviour => ({
      token: (body) => ({ ...body, patient, encounter }),
    });
    const refusal = {
      at: 'callback' as const,
      status: 502,
      error: 'invalid_token_response',
      calls: { fhir: 0 },
    };

    await play(
      { ehr, app },
      {
        id: 'A7-8',
        name: 'references',
        ...named('Patient/p1'),
        visits: ['/api/launch'],
        expect: { ...ACCEPTED, shows: expect.objectContaining({ patient: 'p1', encounter: 'e1' }) },
      },
    );
    for (const patient of ['Patient/../Binary/1', 'Patient/', 'Encounter/p1', 'Patient/Patient/p1']) {
      const expected = patient === 'Patient/' ? { ...refusal, error: 'missing_patient_context' } : refusal;
      await play({ ehr, app }, { id: 'A7-8', name: patient, ...named(patient), expect: expected });
    }
  });

  it('A5-5 a server whose PKCE is disabled is said at the start, and is sent none', async () => {
    const app = await appWith({ pkceMode: 'disabled' });
    expect(app.log).toEqual([expect.stringMatching(/Odd EHR.*PKCE/)]);
    const tenant = ehr.tenant({ profile: 'basic', misbehaviour: {} });

    await new Visitor(app.url).toCallback(tenant);

    const { query } = tenant.to('authorize')[0]!;
    expect([query.has('code_challenge'), query.has('code_challenge_method')]).toEqual([false, false]);
  });

  it('A5-5 an app whose public client would go without PKCE does not start', async () => {
    await expect(appWith({ pkceMode: 'disabled' }, 'public')).rejects.toThrow('pkceMode');
  });

  it('A5-5 asks nothing of the browser where S256 is required and not offered', async () => {
    const app = await appWith({ pkceMode: 'required' });
    const tenant = ehr.tenant({
      profile: 'basic',
      misbehaviour: {
        discovery: (document) => ({ ...document, code_challenge_methods_supported: undefined }),
      },
    });

    expect(await new Visitor(app.url).toCallback(tenant)).toMatchObject({
      status: 502,
      error: 'discovery_failed',
    });
    expect(tenant.count('authorize')).toBe(0);
  });

  it('A7-1 behind a proxy that rewrites the host, redirect_uri is the configured one to the byte', async () => {
    const written = (url: string) => `${url}/fhir/callback?tenant=a%2Fb&x='`;
    const app = await HostileApp.start(ehr, { client: (url) => ({ callbackUrl: written(url) }) });
    opened.push(app);
    const tenant = ehr.tenant({ profile: 'basic', misbehaviour: {} });
    const launchUrl = `${app.url}/fhir/launch?${new URLSearchParams({ iss: tenant.fhirBaseUrl, launch: 'launch-1' }).toString()}`;

    const started = await behindProxy(launchUrl);
    const answer = await fetch(started.location, { redirect: 'manual' });
    const location = answer.headers.get('location')!;
    // The EHR is a simple one: it writes its parameters behind the URL, with one "?" more.
    const callback = `${written(app.url)}&${location.slice(written(app.url).length + 1)}`;
    const ended = await behindProxy(callback, started.cookie);

    expect(ended.status).toBe(303);
    expect(tenant.to('authorize')[0]!.query.getAll('redirect_uri')).toEqual([written(app.url)]);
    expect(tenant.to('token')[0]!.form.getAll('redirect_uri')).toEqual([written(app.url)]);
  });
});

/** A request as a proxy passes it on: another host, plain http, and headers that say so. */
function behindProxy(
  url: string,
  cookie = '',
): Promise<{ status: number | undefined; location: string; cookie: string }> {
  const headers = {
    host: 'app-7.internal:3000',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'http',
    forwarded: 'host=evil.example;proto=http',
    ...(cookie && { cookie }),
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers }, (answer) => {
      answer.resume();
      const { location = '', 'set-cookie': cookies = [] } = answer.headers;
      const pairs = cookies.map((text) => text.split(';', 1)[0]);
      answer.on('end', () => resolve({ status: answer.statusCode, location, cookie: pairs.join('; ') }));
    });
    sent.on('error', reject).end();
  });
}
