import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Basic } from 'fhir/r4.js';
import { z } from 'zod';
import { clientWith } from '../test/support/client-with.js';
import { EhrServer } from '../test/support/ehr-server.js';
import type { EhrAnswer } from '../test/support/ehr-server.js';
import { CONTEXT, httpClient } from '../test/support/launch-parts.js';
import { APP, knownServer } from '../test/support/registration.js';
import type { AppState } from './app-state.js';
import type { NewAppState, StoredAppState } from './app-state-resource.js';
import { SmartClient } from './smart-client.js';
import { SmartError, unwrap } from './smart-error.js';

const CODE = { system: 'https://app.example.com', code: 'preferences' };
const VALUE = { url: 'https://app.example.com/preferences-v1', valueString: '{"view":"list"}' };
const http = httpClient();
let ehr: EhrServer;
let stateServer: EhrServer;
let iss: string;
let endpoint: string;

beforeAll(async () => {
  [ehr, stateServer] = [await EhrServer.start(), await EhrServer.start()];
  iss = `${ehr.url}/fhir`;
  endpoint = `${stateServer.url}/appstate`;
});
afterAll(async () => {
  await http.close();
  await ehr.close();
  await stateServer.close();
});
beforeEach(() => {
  ehr.reset();
  stateServer.reset();
});

/** The app state of a launch of patient-1, kept at an associated endpoint unless told otherwise. */
function appState(
  given: { appStateEndpoint?: string; patient?: string | null; scope?: string } = {},
): AppState & { asked: string[] } {
  const { patient = 'patient-1' } = given;
  const server = {
    token_endpoint: `${ehr.url}/token`,
    appStateEndpoint: 'appStateEndpoint' in given ? given.appStateEndpoint : endpoint,
  };
  const { fhir, asked } = clientWith(iss, http, { server, context: { ...CONTEXT, patient } });
  return Object.assign(fhir.appState, { asked });
}

/** State as the EHR answers it. */
function stored(changed: Partial<Basic> = {}): StoredAppState {
  return {
    resourceType: 'Basic',
    id: '1000',
    meta: { versionId: 'a' },
    subject: { reference: `${iss}/Patient/patient-1` },
    code: { coding: [CODE] },
    extension: [VALUE],
    ...changed,
  } as StoredAppState;
}

const bundleOf = (...resources: unknown[]): EhrAnswer => ({
  json: { resourceType: 'Bundle', type: 'searchset', entry: resources.map((resource) => ({ resource })) },
});
const sent = () => stateServer.requests;

describe('a query', () => {
  it('A15-2 names code and subject, by default the patient of the launch', async () => {
    stateServer.respondWith(() => bundleOf(stored()));
    expect(await appState().query({ code: CODE })).toEqual([stored()]);
    expect(sent()).toMatchObject([
      {
        method: 'GET',
        path: '/appstate/Basic',
        headers: { authorization: 'Bearer access-1', accept: 'application/fhir+json' },
      },
    ]);
    expect([...sent()[0]!.query]).toEqual([
      ['code', 'https://app.example.com|preferences'],
      ['subject', `${iss}/Patient/patient-1`],
    ]);
    expect(ehr.requests).toEqual([]);
  });

  it('A15-2 for state of nobody asks where subject is missing', async () => {
    const global = stored({ subject: undefined });
    stateServer.respondWith(() => bundleOf(global));
    expect(await appState().query({ code: CODE, subject: 'global' })).toMatchObject([{ id: '1000' }]);
    expect(sent()[0]!.target).toBe(
      '/appstate/Basic?code=https%3A%2F%2Fapp.example.com%7Cpreferences&subject%3Amissing=true',
    );
  });

  it.each([['Practitioner/7'], ['absolute']])('A15-2 for a subject names it in full: %s', async (given) => {
    const absolute = `${iss}/Practitioner/7`;
    stateServer.respondWith(() => bundleOf(stored({ subject: { reference: absolute } })));
    const subject = given === 'absolute' ? absolute : given;
    expect(await appState().query({ code: CODE, subject })).toHaveLength(1);
    expect(sent()[0]!.query.get('subject')).toBe(absolute);
  });

  it('A15-2 may find nothing', async () => {
    stateServer.respondWith(() => bundleOf());
    expect(await appState().query({ code: CODE })).toEqual([]);
  });

  it('A15-2 is asked of the FHIR server where that keeps the state', async () => {
    ehr.respondWith(() => bundleOf(stored()));
    expect(await appState({ appStateEndpoint: iss }).query({ code: CODE })).toHaveLength(1);
    expect(ehr.requests[0]!.path).toBe('/fhir/Basic');
    expect(sent()).toEqual([]);
  });

  it('A15-2 keeps a code in its place', async () => {
    stateServer.respondWith(() => bundleOf());
    const code = { ...CODE, code: 'a&subject=x#y%2C' };
    expect(await appState().query({ code })).toEqual([]);
    expect([...sent()[0]!.query]).toEqual([
      ['code', `${CODE.system}|${code.code}`],
      ['subject', `${iss}/Patient/patient-1`],
    ]);
  });

  it.each<[string, unknown]>([
    ['an alternative', { ...CODE, code: 'a,b' }],
    ['a separator', { ...CODE, code: 'a|b' }],
    ['a separator in the system', { ...CODE, system: 'https://a|b' }],
    ['an escape', { ...CODE, code: 'a\\,b' }],
    ['white space', { ...CODE, code: 'a b' }],
    ['a line break', { ...CODE, system: 'https://app.example.com\r\n' }],
    ['a system that is no URI', { ...CODE, system: 'app' }],
    ['no system', { code: 'preferences' }],
    ['no code', { system: CODE.system }],
    ['an empty code', { ...CODE, code: '' }],
    ['a list', [CODE]],
    ['nothing', undefined],
  ])('A15-2 has no code with %s', async (_what, code) => {
    expect(await appState().query({ code: code as never })).toMatchObject({ error: 'invalid_request' });
    expect(sent()).toEqual([]);
  });

  it.each([
    'https://other.example.org/fhir/Patient/patient-1',
    'Patient/../Practitioner/1',
    'Patient',
    'Patient/1/_history/2',
    'Patient/1?x=y',
    'Patient/1&subject:missing=true',
    'Patient/patient-1#x',
    '',
    'undefined',
    '//other.example.org/Patient/1',
  ])('A15-2 has no subject such as %j', async (subject) => {
    expect(await appState().query({ code: CODE, subject })).toMatchObject({ error: 'invalid_request' });
    expect([sent(), ehr.requests]).toEqual([[], []]);
  });

  it('A15-2 is for no other patient than the launch’s', async () => {
    for (const subject of ['Patient/patient-2', `${iss}/Patient/patient-2`]) {
      expect(await appState().query({ code: CODE, subject })).toMatchObject({ error: 'unknown_patient' });
    }
    expect(sent()).toEqual([]);
  });

  it('A15-2 has a subject or says that it has none, where the launch has no patient', async () => {
    const state = appState({ patient: null });
    expect(await state.query({ code: CODE })).toMatchObject({
      error: 'missing_context',
      missing: ['patient'],
    });
    expect(sent()).toEqual([]);
    stateServer.respondWith(() => bundleOf());
    expect(await state.query({ code: CODE, subject: 'Patient/2' })).toEqual([]);
    expect(await state.query({ code: CODE, subject: 'global' })).toEqual([]);
  });

  it('A15-2 is not for everybody’s state where the launch has no user', async () => {
    const { fhir } = clientWith(iss, http, { server: { token_endpoint: '', appStateEndpoint: endpoint } });
    const query = { code: CODE, subject: fhir.user.reference };
    expect(query.subject).toBeNull();
    expect(await fhir.appState.query(query)).toMatchObject({ error: 'missing_context' });
    expect(await fhir.appState.create({ ...query, extension: [VALUE] })).toMatchObject({
      error: 'missing_context',
    });
    expect(sent()).toEqual([]);
  });

  it.each<[string, Partial<Basic>]>([
    ['another patient', { subject: { reference: 'https://other.example.org/fhir/Patient/patient-1' } }],
    ['a patient whose id differs', { subject: { reference: 'Patient/patient-2' } }],
    ['nobody', { subject: undefined }],
    ['somebody unnamed', { subject: { display: 'Jane' } }],
    ['another code', { code: { coding: [{ ...CODE, code: 'other' }] } }],
    ['another system', { code: { coding: [{ ...CODE, system: 'https://other.example.com' }] } }],
    ['two codes', { code: { coding: [CODE, CODE] } }],
    ['no code', { code: undefined }],
    ['an id that is none', { id: '../1' }],
    ['no version', { meta: undefined }],
    ['a version that ends the header', { meta: { versionId: 'a"\r\nx: y' } }],
  ])('A15-2 answered with state of %s is an error', async (_what, changed) => {
    stateServer.respondWith(() => bundleOf(stored(), stored(changed)));
    expect(await appState().query({ code: CODE })).toMatchObject({ error: 'invalid_fhir_response' });
  });

  it('A15-2 takes a relative subject for one of the EHR', async () => {
    stateServer.respondWith(() => bundleOf(stored({ subject: { reference: 'Patient/patient-1' } })));
    expect(await appState().query({ code: CODE })).toHaveLength(1);
  });

  it('A8-2 follows pages of its endpoint, and no others', async () => {
    const page = (next: string) => ({
      json: {
        resourceType: 'Bundle',
        link: [{ relation: 'next', url: next }],
        entry: [{ resource: stored() }],
      },
    });
    stateServer.respondWith(({ query }) =>
      query.has('page') ? bundleOf(stored({ id: '1001' })) : page(`${endpoint}?page=2`),
    );
    expect(await appState().query({ code: CODE })).toMatchObject([{ id: '1000' }, { id: '1001' }]);

    for (const elsewhere of [
      `${iss}/Basic?page=2`,
      `${stateServer.url}/other?page=2`,
      `${endpoint}-2?page=2`,
    ]) {
      stateServer.respondWith(() => page(elsewhere));
      expect(await appState().query({ code: CODE })).toMatchObject({ error: 'invalid_request' });
    }
    expect(ehr.requests).toEqual([]);
    expect(sent().filter(({ path }) => !path.startsWith('/appstate/') && path !== '/appstate')).toEqual([]);
  });
});

describe('state to be kept', () => {
  const NEW: NewAppState = { code: CODE, extension: [VALUE] };

  it('A15-1 is POSTed without id and version, with one code and an absolute subject', async () => {
    stateServer.respondWith(() => ({ status: 201, headers: { etag: 'W/"a"' }, json: stored() }));
    expect(await appState().create(NEW)).toEqual(stored());
    expect(sent()).toMatchObject([
      { method: 'POST', target: '/appstate/Basic', headers: { authorization: 'Bearer access-1' } },
    ]);
    expect(JSON.parse(sent()[0]!.body)).toEqual({
      resourceType: 'Basic',
      subject: { reference: `${iss}/Patient/patient-1` },
      code: { coding: [CODE] },
      extension: [VALUE],
    });
    expect(sent()[0]!.headers).not.toHaveProperty('if-match');
  });

  it('A15-1 of nobody has no subject', async () => {
    stateServer.respondWith(() => ({ status: 201, json: stored({ subject: undefined }) }));
    expect(await appState().create({ ...NEW, subject: 'global' })).toMatchObject({ id: '1000' });
    expect(JSON.parse(sent()[0]!.body)).not.toHaveProperty('subject');
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['an id', { id: '1' }, 'invalid_request'],
    ['a version', { meta: { versionId: 'a' } }, 'invalid_request'],
    ['a list of codes', { code: { coding: [CODE, CODE] } }, 'invalid_request'],
    ['an extension of another type', { extension: [{ ...VALUE, valueInteger: 1 }] }, 'invalid_request'],
    ['only another type', { extension: [{ url: VALUE.url, valueCode: 'x' }] }, 'invalid_request'],
    ['a nested extension', { extension: [{ url: VALUE.url, extension: [VALUE] }] }, 'invalid_request'],
    ['a value without a URL', { extension: [{ ...VALUE, url: 'preferences' }] }, 'invalid_request'],
    ['no list of extensions', { extension: VALUE }, 'invalid_request'],
    ['no extensions', { extension: undefined }, 'invalid_request'],
    ['a subject elsewhere', { subject: 'https://x.example.org/fhir/Practitioner/1' }, 'invalid_request'],
    ['another patient', { subject: 'Patient/patient-2' }, 'unknown_patient'],
  ])('A15-1 is refused and not sent with %s', async (_what, changed, error) => {
    const state = { ...NEW, ...changed };
    expect(await appState().create(state)).toMatchObject({ error });
    expect(sent()).toEqual([]);
  });

  it('A15-1 may be 256 kB long, or what the EHR documents', async () => {
    stateServer.respondWith(() => ({ status: 201, json: stored() }));
    const empty = Buffer.byteLength(
      JSON.stringify({
        ...stored(),
        id: undefined,
        meta: undefined,
        extension: [{ ...VALUE, valueString: '' }],
      }),
    );
    const ofSize = (bytes: number) => ({
      ...NEW,
      extension: [
        {
          ...VALUE,
          valueString: 'é'.repeat(Math.floor((bytes - empty) / 2)) + 'x'.repeat((bytes - empty) % 2),
        },
      ],
    });
    expect(await appState().create(ofSize(256 * 1024))).toMatchObject({ id: '1000' });
    expect(Buffer.byteLength(sent()[0]!.body)).toBe(256 * 1024);
    expect(await appState().create(ofSize(256 * 1024 + 1))).toMatchObject({
      error: 'invalid_request',
      message: expect.stringContaining('262144'),
    });
    expect(sent()).toHaveLength(1);
    expect(await appState().create(ofSize(300_000), { maxBytes: 300_000 })).toMatchObject({ id: '1000' });
    const changed = { ...stored(), extension: ofSize(300_000).extension };
    expect(await appState().update(changed)).toMatchObject({ error: 'invalid_request' });
    expect(sent()).toHaveLength(2);
  });

  it('A15-1 has the version of the ETag where the body does not say it', async () => {
    stateServer.respondWith(() => ({
      status: 201,
      headers: { etag: 'W/"b"' },
      json: stored({ meta: undefined }),
    }));
    expect(await appState().create(NEW)).toMatchObject({ id: '1000', meta: { versionId: 'b' } });
    const location = `${endpoint}/Basic/1001/_history/c`;
    stateServer.respondWith(() => ({ status: 201, headers: { etag: 'W/"c"', location } }));
    expect(await appState().create(NEW)).toMatchObject({
      id: '1001',
      meta: { versionId: 'c' },
      code: { coding: [CODE] },
      extension: [VALUE],
    });
    stateServer.respondWith(() => ({ status: 201 }));
    expect(await appState().create(NEW)).toMatchObject({ error: 'invalid_fhir_response' });
  });

  it('A15-1 that the EHR stored for somebody else is an error', async () => {
    const reference = `${iss}/Patient/patient-2`;
    stateServer.respondWith(() => ({ status: 201, json: stored({ subject: { reference } }) }));
    expect(await appState().create(NEW)).toMatchObject({ error: 'invalid_fhir_response' });
  });

  it('A15-1 that the EHR refuses is what it says', async () => {
    stateServer.respondWith(() => ({ status: 412 }));
    expect(await appState().create(NEW)).toMatchObject({ error: 'conflict', status: 409 });
  });
});

describe.each([
  ['PUT', (state: AppState, resource: StoredAppState) => state.update(resource)],
  ['DELETE', (state: AppState, resource: StoredAppState) => state.delete(resource)],
] as const)('a change: %s', (method, change) => {
  const succeed = (state: StoredAppState) =>
    stateServer.respondWith(() =>
      method === 'PUT' ? { json: { ...state, meta: { versionId: 'b' } } } : { status: 204 },
    );

  it('A15-1 says which version it is of', async () => {
    const global = stored({ subject: undefined });
    succeed(global);
    const changed = unwrap(await change(appState(), global));
    expect(changed).toMatchObject(method === 'PUT' ? { meta: { versionId: 'b' } } : { deleted: true });
    expect(sent()).toMatchObject([
      {
        method,
        target: '/appstate/Basic/1000',
        headers: { 'if-match': 'W/"a"', authorization: 'Bearer access-1' },
      },
    ]);
    expect(sent()[0]!.body).toBe(method === 'PUT' ? JSON.stringify(global) : '');
  });

  it.each([409, 412])('A15-1 of an older version is a conflict: %i', async (status) => {
    const json = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'conflict' }] };
    stateServer.respondWith(() => ({ status, json }));
    const refused = await change(appState(), stored());
    expect(refused).toBeInstanceOf(SmartError);
    expect(refused).toMatchObject({ error: 'conflict', status: 409, operationOutcome: json });
    expect(sent()).toHaveLength(1);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['no id', { id: undefined }, 'invalid_request'],
    ['an id that climbs', { id: '../Patient/1' }, 'invalid_request'],
    ['no version', { meta: undefined }, 'invalid_request'],
    ['a version that ends the header', { meta: { versionId: 'a"\r\nx: y' } }, 'invalid_request'],
    ['the wildcard for a version', { meta: { versionId: '*' } }, 'invalid_request'],
    ['another type', { resourceType: 'Patient' }, 'invalid_request'],
    [
      'a subject elsewhere',
      { subject: { reference: 'https://x.example.org/fhir/Patient/1' } },
      'invalid_request',
    ],
    ['another patient', { subject: { reference: 'Patient/patient-2' } }, 'unknown_patient'],
  ])('A15-1 is refused and not sent with %s', async (_what, changed, error) => {
    const state = { ...stored(), ...changed } as StoredAppState;
    expect(await change(appState(), state)).toMatchObject({ error });
    expect(sent()).toEqual([]);
  });

  it('A15-2 is not made to what was deleted', async () => {
    const state = appState();
    stateServer.respondWith(() => ({ status: 204 }));
    expect(await state.delete(stored())).toEqual({ deleted: true });
    expect(await change(state, stored({ meta: { versionId: 'b' } }))).toMatchObject({
      error: 'invalid_request',
    });
    expect(sent()).toHaveLength(1);
  });

  it('A15-2 is made to what could not be deleted', async () => {
    const state = appState();
    stateServer.respondWith(() => ({ status: 503 }));
    expect(await state.delete(stored())).toMatchObject({ error: 'fhir_request_failed' });
    succeed(stored());
    expect(await change(state, stored())).not.toBeInstanceOf(SmartError);
    expect(sent()).toHaveLength(2);
  });
});

describe('an update', () => {
  it.each<[string, Record<string, unknown>]>([
    ['two codes', { code: { coding: [CODE, CODE] } }],
    ['no code', { code: {} }],
    ['an extension of another type', { extension: [{ url: VALUE.url, valueBoolean: true }] }],
  ])('A15-1 is refused and not sent with %s', async (_what, changed) => {
    const state = { ...stored(), ...changed } as StoredAppState;
    expect(await appState().update(state)).toMatchObject({ error: 'invalid_request' });
    expect(sent()).toEqual([]);
  });

  it('A15-1 answered with another state is an error', async () => {
    stateServer.respondWith(() => ({ json: stored({ id: '1001' }) }));
    expect(await appState().update(stored())).toMatchObject({ error: 'invalid_fhir_response' });
  });

  it('A15-1 without an answer has the version of the ETag, and not the old one', async () => {
    stateServer.respondWith(() => ({ status: 200, headers: { etag: 'W/"b"' } }));
    expect(await appState().update(stored())).toMatchObject({ id: '1000', meta: { versionId: 'b' } });
    stateServer.respondWith(() => ({ status: 200 }));
    expect(await appState().update(stored())).toMatchObject({ error: 'invalid_fhir_response' });
  });
});

describe('where state is kept', () => {
  it('A15-2 is said where the EHR offers none, and nothing is sent', async () => {
    const state = appState({ appStateEndpoint: undefined });
    const calls = [
      state.query({ code: CODE }),
      state.create({ code: CODE, extension: [VALUE] }),
      state.update(stored()),
      state.delete(stored()),
    ];
    for (const answer of await Promise.all(calls)) {
      expect(answer).toMatchObject({
        error: 'invalid_request',
        message: expect.stringContaining('smart-app-state'),
      });
    }
    expect([state.isOffered, appState().isOffered]).toEqual([false, true]);
    expect([sent(), ehr.requests]).toEqual([[], []]);
  });

  it('A15-2 has no say over the session: a token it refuses is an error', async () => {
    const state = appState();
    stateServer.respondWith(() => ({ status: 401 }));
    expect(await state.query({ code: CODE })).toMatchObject({ error: 'fhir_request_failed', status: 502 });
    expect(state.asked).toEqual([]);
    expect(sent()).toHaveLength(1);
  });

  it('A8-5 in the FHIR server itself refreshes once', async () => {
    const state = appState({ appStateEndpoint: iss });
    ehr.respondWith(({ headers }) =>
      headers.authorization === 'Bearer access-1' ? { status: 401 } : bundleOf(stored()),
    );
    expect(await state.query({ code: CODE })).toHaveLength(1);
    expect(state.asked).toEqual(['renew access-1']);
  });

  it('A8-2 is no place for other requests of the launch', async () => {
    const server = { token_endpoint: `${ehr.url}/token`, appStateEndpoint: endpoint };
    const { fhir } = clientWith(iss, http, { server });
    expect(await fhir.request(`${endpoint}/Basic/1`)).toMatchObject({ error: 'invalid_request' });
    expect(sent()).toEqual([]);
  });

  it('A15-2 is what the SMART configuration said when the launch began', async () => {
    const configuration = (url: string) => ({
      json: {
        authorization_endpoint: `${ehr.url}/authorize`,
        token_endpoint: `${ehr.url}/token`,
        associated_endpoints: [{ url, capabilities: ['smart-app-state'] }],
      },
    });
    const tokens = { access_token: 'access-9', token_type: 'Bearer', expires_in: 300, patient: 'patient-1' };
    ehr.respondWith(({ path }) => (path === '/token' ? { json: tokens } : configuration(endpoint)));
    const app = {
      ...APP,
      scope: 'launch patient/Basic.cuds',
      knownFhirServers: [knownServer({ issuer: iss })],
    };
    const smart = () => new SmartClient('session-1', undefined, app, options);
    const options = { allowNonHttpsLaunch: true, discoveryTtlMs: 1 };
    const { redirect_url } = unwrap(await smart().launch({ iss, launch: 'launch-1' }));
    ehr.respondWith(({ path }) => (path === '/token' ? { json: tokens } : configuration(`${ehr.url}/other`)));
    const state = new URL(redirect_url).searchParams.get('state');
    unwrap(await smart().callback({ code: 'code-1', state }));

    stateServer.respondWith(() => bundleOf(stored()));
    const ready = unwrap(await smart().ready());
    expect(await ready.appState.query({ code: CODE })).toHaveLength(1);
    expect(sent()[0]!.headers.authorization).toBe('Bearer access-9');
  });
});

describe('a value', () => {
  const preferences = z.object({ view: z.enum(['list', 'chart']) });
  const read = (valueString: string) =>
    appState().json(stored({ extension: [{ ...VALUE, valueString }] }), VALUE.url, preferences);

  it('A15-2 is validated before it is used', async () => {
    expect(await read('{"view":"list"}')).toEqual({ view: 'list' });
    for (const text of ['{"view":"<script>"}', '{"view":', 'list', '[]', '"list"', 'null', '']) {
      expect(await read(text)).toMatchObject({ error: 'schema_mismatch' });
    }
  });

  it('A15-2 reaches no prototype', async () => {
    const anything = z.looseObject({});
    const text = '{"__proto__":{"isAdmin":true},"view":"list"}';
    const value = await appState().json(
      stored({ extension: [{ ...VALUE, valueString: text }] }),
      VALUE.url,
      anything,
    );
    expect(JSON.stringify(value)).toBe('{"view":"list"}');
  });

  it('is undefined where the state does not have it', async () => {
    expect(await appState().json(stored(), 'https://app.example.com/other', preferences)).toBeUndefined();
    expect(await appState().json(stored({ extension: undefined }), VALUE.url, preferences)).toBeUndefined();
  });
});
