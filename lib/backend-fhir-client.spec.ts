import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader, importJWK, jwtVerify } from 'jose';
import { BackendEhr } from '../test/support/backend-ehr.js';
import { fakeClock } from '../test/support/clock.js';
import type { EhrAnswer, EhrRequest } from '../test/support/ehr-server.js';
import type { BackendFhirClient } from './backend-fhir-client.js';
import type { BackendFhirClientConfiguration, BackendFhirClientOptions } from './backend-configuration.js';

const PATIENT = { resourceType: 'Patient', id: 'patient-1' };
const clients: BackendFhirClient[] = [];
let ehr: BackendEhr;

beforeAll(async () => void (ehr = await BackendEhr.start()));
afterAll(() => ehr.close());
beforeEach(() => ehr.reset());
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

function backend(
  changed?: Partial<BackendFhirClientConfiguration>,
  options?: BackendFhirClientOptions,
): BackendFhirClient {
  const client = ehr.client(changed, options);
  clients.push(client);
  return client;
}

/** The patient whose id was asked for. */
const patientAsked = ({ path }: EhrRequest) => ({ json: { ...PATIENT, id: path.split('/').at(-1) } });
const bearers = () => ehr.fhirRequests.map(({ headers }) => headers.authorization);
const refuse = (...tokens: string[]) => {
  ehr.onFhir = ({ headers }) =>
    tokens.includes(headers.authorization!.replace('Bearer ', ''))
      ? { status: 401, json: { resourceType: 'OperationOutcome', issue: [] } }
      : { json: PATIENT };
};

describe('the token request of a backend service', () => {
  it('A12-1 is client_credentials with the scopes and a signed assertion, and nothing else', async () => {
    expect(
      await backend({ scope: ' system/Patient.rs  system/Group.r ' }).request('Patient/patient-1'),
    ).toEqual(PATIENT);
    const [request, ...others] = ehr.tokenRequests;
    expect(others).toEqual([]);
    expect(Object.fromEntries(request!.form)).toEqual({
      grant_type: 'client_credentials',
      scope: 'system/Patient.rs system/Group.r',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: expect.any(String),
    });
    expect(request!.headers).not.toHaveProperty('authorization');
    const { payload, protectedHeader } = await jwtVerify(
      request!.form.get('client_assertion')!,
      await importJWK(ehr.publicJwk),
    );
    expect(protectedHeader).toEqual({ alg: 'ES384', kid: 'key-1', typ: 'JWT' });
    expect(payload).toMatchObject({ iss: 'nightly', sub: 'nightly', aud: `${ehr.server.url}/token` });
    expect(payload.exp! - Date.now() / 1000).toBeLessThanOrEqual(300);
  });

  it('A10-2 A12-1 names the registered URL of the key set, where it was configured', async () => {
    const clientPublicKeySetUrl = 'https://app.example.com/jobs/jwks.json';
    await backend({ clientPublicKeySetUrl }).request('Patient/1');

    const header = decodeProtectedHeader(ehr.tokenRequests[0]!.form.get('client_assertion')!);
    expect(header).toEqual({ alg: 'ES384', kid: 'key-1', typ: 'JWT', jku: clientPublicKeySetUrl });
  });

  it('A12-1 goes to a token endpoint that is set by hand, without discovery', async () => {
    await backend({ endpoints: { token: `${ehr.server.url}/token` } }).request('Patient/patient-1');
    expect(ehr.server.requests.map(({ path }) => path)).toEqual(['/token', '/fhir/Patient/patient-1']);
  });

  it('A12-1 A12-4 needs no session: the token goes with the request, and nowhere else', async () => {
    expect(await backend().request('Patient/patient-1')).toEqual(PATIENT);
    expect(ehr.fhirRequests).toMatchObject([{ target: '/fhir/Patient/patient-1', method: 'GET' }]);
    expect(bearers()).toEqual(['Bearer access-1']);
    expect(await backend().request('https://elsewhere.example/Patient/1')).toMatchObject({
      error: 'invalid_request',
    });
    expect(ehr.tokenRequests).toHaveLength(1);
  });
});

describe('the token of a backend service', () => {
  let clock: ReturnType<typeof fakeClock>;
  beforeEach(() => void (clock = fakeClock()));
  afterEach(() => clock.restore());

  it('A12-3 is asked for once by twenty calls at once', async () => {
    const fhir = backend();
    ehr.onFhir = patientAsked;
    const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => fhir.request(`Patient/${at}`)));
    expect(answers).toEqual(Array.from({ length: 20 }, (_, at) => ({ ...PATIENT, id: String(at) })));
    expect(ehr.tokenRequests).toHaveLength(1);
    expect(new Set(bearers())).toEqual(new Set(['Bearer access-1']));
  });

  it('A12-3 that could not be had is one error for all who waited, and asked for again later', async () => {
    const fhir = backend();
    ehr.onToken = (_request, n) => (n === 1 ? { status: 503 } : { json: ehr.granted(n) });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => fhir.request(`Patient/${at}`)));
    expect(answers.every((answer) => 'error' in answer && answer.error === 'token_request_failed')).toBe(
      true,
    );
    expect(ehr.tokenRequests).toHaveLength(1);
    expect(ehr.fhirRequests).toEqual([]);
    expect(await fhir.request('Patient/patient-1')).toEqual(PATIENT);
  });

  it('A12-3 is kept until shortly before it expires, then asked for anew with another assertion', async () => {
    const fhir = backend({}, { refreshSkewMs: 60_000 });
    await fhir.request('Patient/patient-1');
    clock.advance(239_000);
    await fhir.request('Patient/patient-1');
    expect(ehr.tokenRequests).toHaveLength(1);
    clock.advance(2_000);
    await fhir.request('Patient/patient-1');
    expect(bearers()).toEqual(['Bearer access-1', 'Bearer access-1', 'Bearer access-2']);
    const assertions = ehr.tokenRequests.map(({ form }) => decodeJwt(form.get('client_assertion')!).jti);
    expect(new Set(assertions).size).toBe(2);
  });

  it('A12-3 that lives shortly is used for half of its life', async () => {
    ehr.onToken = (_request, n) => ({ json: { ...ehr.granted(n), expires_in: 60 } });
    const fhir = backend({}, { refreshSkewMs: 60_000 });
    await fhir.request('Patient/patient-1');
    clock.advance(29_000);
    await fhir.request('Patient/patient-1');
    expect(ehr.tokenRequests).toHaveLength(1);
    clock.advance(2_000);
    await fhir.request('Patient/patient-1');
    expect(ehr.tokenRequests).toHaveLength(2);
  });

  it('A12-3 is never refreshed, although the server gave a refresh token', async () => {
    ehr.onToken = (_request, n) => ({ json: { ...ehr.granted(n), refresh_token: 'canary-refresh' } });
    const fhir = backend();
    await fhir.request('Patient/patient-1');
    clock.advance(600_000);
    refuse('access-2');
    await fhir.request('Patient/patient-1');
    expect(ehr.tokenRequests.map(({ form }) => form.get('grant_type'))).toEqual(
      Array(3).fill('client_credentials'),
    );
    expect(ehr.tokenRequests.some(({ body }) => body.includes('refresh'))).toBe(false);
    expect(inspect(fhir, { depth: 9, showHidden: true })).not.toContain('canary');
  });
});

describe('a token that the FHIR server refuses', () => {
  it.each<[string, (fhir: BackendFhirClient) => Promise<unknown>]>([
    ['GET', (fhir) => fhir.request('Patient/patient-1')],
    ['GET', (fhir) => fhir.search('Patient').first()],
    ['POST', (fhir) => fhir.create({ resourceType: 'Patient' })],
    ['PUT', (fhir) => fhir.update({ resourceType: 'Patient', id: 'patient-1' })],
  ])('A12-3 is dropped, and the %s sent once more with a new one', async (method, call) => {
    const fhir = backend();
    const bundle = { resourceType: 'Bundle', type: 'searchset', entry: [{ resource: PATIENT }] };
    ehr.onFhir = ({ headers, target }) =>
      headers.authorization === 'Bearer access-1'
        ? { status: 401 }
        : { json: target === '/fhir/Patient' && method === 'GET' ? bundle : PATIENT };
    expect(await call(fhir)).toEqual(PATIENT);
    expect(await call(fhir)).toEqual(PATIENT);
    expect(bearers()).toEqual(['Bearer access-1', 'Bearer access-2', 'Bearer access-2']);
    expect(ehr.tokenRequests).toHaveLength(2);
    expect(new Set(ehr.fhirRequests.map(({ method, body }) => method + body)).size).toBe(1);
  });

  it('A12-3 by twenty calls at once is replaced once', async () => {
    const fhir = backend();
    refuse('access-1');
    await Promise.all(Array.from({ length: 20 }, (_, at) => fhir.request(`Patient/${at}`)));
    expect(ehr.tokenRequests).toHaveLength(2);
  });

  it('A12-3 late does not cost the newer one that is good', async () => {
    const fhir = backend();
    let answerSlow = () => undefined as void;
    const slow = new Promise<void>((resolve) => (answerSlow = resolve));
    ehr.onFhir = async (request) => {
      if (request.headers.authorization !== 'Bearer access-1') return patientAsked(request);
      if (request.path.endsWith('slow')) await slow;
      return { status: 401 };
    };
    const late = fhir.request('Patient/slow');
    expect(await fhir.request('Patient/quick')).toMatchObject({ id: 'quick' });
    answerSlow();
    expect(await late).toMatchObject({ id: 'slow' });
    expect(ehr.tokenRequests).toHaveLength(2);
  });

  it('A12-3 twice is an error that is no logout, and is not kept', async () => {
    const fhir = backend();
    refuse('access-1', 'access-2');
    const refused = await fhir.request('Patient/patient-1');
    expect(refused).toMatchObject({ error: 'fhir_request_failed', status: 502 });
    expect(refused).toMatchObject({ operationOutcome: { resourceType: 'OperationOutcome' } });
    expect(ehr.fhirRequests).toHaveLength(2);
    expect(await fhir.request('Patient/patient-1')).toEqual(PATIENT);
    expect(bearers().at(-1)).toBe('Bearer access-3');
  });

  it('A8-7 for this resource alone (403) is an error, and the token is kept', async () => {
    const fhir = backend();
    ehr.onFhir = () => ({ status: 403 });
    expect(await fhir.request('Patient/patient-1')).toMatchObject({
      error: 'fhir_request_failed',
      status: 403,
    });
    ehr.onFhir = () => ({ json: PATIENT });
    expect(await fhir.request('Patient/patient-1')).toEqual(PATIENT);
    expect(ehr.tokenRequests).toHaveLength(1);
  });
});

describe('a server that misbehaves', () => {
  it.each<[string, EhrAnswer, object]>([
    [
      'C-16 redirects the token request',
      { status: 307, headers: { location: '/fhir/Patient/patient-1' } },
      { error: 'token_request_failed' },
    ],
    ['C-17 never answers it', 'silence', { error: 'ehr_timeout', status: 504 }],
    ['C-17 answers it without end', { text: ' '.repeat(20_000) }, { error: 'ehr_unavailable' }],
    ['cuts the connection', 'reset', { error: 'ehr_unavailable' }],
    [
      'gives a token that is none',
      { json: { access_token: 'canary token', token_type: 'Bearer' } },
      { error: 'invalid_token_response' },
    ],
    [
      'gives a token of another type',
      { json: { access_token: 'canary-token', token_type: 'mac' } },
      { error: 'invalid_token_response' },
    ],
    [
      'refuses the client',
      { status: 400, json: { error: 'invalid_client', error_description: 'canary-text' } },
      { error: 'token_request_failed', oauthError: 'invalid_client' },
    ],
  ])('C-19 %s: an error without secrets', async (_what, answer, expected) => {
    const fhir = backend({}, { httpTimeoutMs: 1_500, maxResponseBytes: 10_000 });
    ehr.onToken = () => answer;
    const refused = await fhir.request('Patient/patient-1');
    expect(refused).toMatchObject(expected);
    expect(ehr.tokenRequests).toHaveLength(1);
    expect(ehr.fhirRequests).toEqual([]);
    expect(inspect(refused, { depth: 9, showHidden: true })).not.toMatch(/canary|eyJ/);
  });

  it('C-16 redirects a FHIR request: the token stays here', async () => {
    ehr.onFhir = () => ({ status: 302, headers: { location: '/elsewhere' } });
    expect(await backend().request('Patient/patient-1')).toMatchObject({ error: 'fhir_request_failed' });
    expect(ehr.server.to('/elsewhere')).toEqual([]);
  });

  it('C-17 answers a FHIR request without end', async () => {
    ehr.onFhir = () => ({ text: ' '.repeat(20_000) });
    const fhir = backend({}, { maxFhirResponseBytes: 10_000 });
    expect(await fhir.request('Patient/patient-1')).toMatchObject({ error: 'invalid_fhir_response' });
  });

  it('has no SMART configuration', async () => {
    ehr.server.respondWith(() => ({ status: 404 }));
    expect(await backend().request('Patient/patient-1')).toMatchObject({
      error: 'discovery_failed',
      status: 502,
    });
  });
});

describe('a backend client', () => {
  it('C-19 shows neither token nor key to whoever prints it', async () => {
    const fhir = backend({ name: 'Lab' });
    await fhir.request('Patient/patient-1');
    const shown = [inspect(fhir, { depth: 9, showHidden: true }), JSON.stringify(fhir)];
    expect(JSON.parse(shown[1]!)).toEqual({ fhirServer: 'Lab', scopes: 'system/Patient.rs' });
    for (const text of shown) expect(text).not.toMatch(new RegExp(`access-1|${ehr.privateJwk.d}`));
  });

  it('C-19 does not show what its scopes are constrained to', () => {
    const fhir = backend({ name: 'Lab', scope: 'system/Observation.rs?subject=Group/c4n4ry' });
    expect(inspect(fhir)).toBe('BackendFhirClient {"fhirServer":"Lab","scopes":"system/Observation.rs"}');
  });

  it('A12-3 keeps its token when a page that it guessed is refused with a 401', async () => {
    ehr.onFhir = ({ query }) => {
      const offset = Number(query.get('offset') ?? 0);
      if (offset > 2) return { status: 401 };
      const link = offset < 2 ? [{ relation: 'next', url: `Observation?offset=${offset + 1}` }] : [];
      const entry = [{ resource: { resourceType: 'Observation', id: `o${offset}` } }];
      return { json: { resourceType: 'Bundle', type: 'searchset', total: 9, link, entry } };
    };
    const fhir = backend();
    const found: unknown[] = [];
    for await (const { id } of fhir.search('Observation')) {
      found.push(id);
      while (id === 'o1' && ehr.fhirRequests.length < 4)
        await new Promise((resolve) => setImmediate(resolve));
      // by now the guess is answered
      if (id === 'o2') await fhir.request('metadata');
    }
    ehr.onFhir = patientAsked;
    await fhir.request('Patient/patient-1');
    expect(found).toEqual(['o0', 'o1', 'o2']);
    expect(new Set(bearers()).size).toBe(1);
    expect(ehr.fhirRequests).toHaveLength(6);
  });

  it('A10-7 gives the public half of its keys, to register', () => {
    expect(backend().jwks).toEqual({ keys: [ehr.publicJwk] });
  });
});
