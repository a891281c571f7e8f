import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint } from 'jose';
import type { JWK } from 'jose';
import { clientWith } from '../test/support/client-with.js';
import { dpopKey, proofOf } from '../test/support/dpop.js';
import { EhrServer } from '../test/support/ehr-server.js';
import type { EhrResponder } from '../test/support/ehr-server.js';
import { httpClient, launchRecord } from '../test/support/launch-parts.js';

const PATIENT = { resourceType: 'Patient', id: 'patient-1' };
const http = httpClient();
let ehr: EhrServer;
let iss: string;
let key: JWK;

beforeAll(async () => {
  ehr = await EhrServer.start();
  iss = `${ehr.url}/fhir`;
});
afterAll(async () => {
  await http.close();
  await ehr.close();
});
beforeEach(async () => {
  ehr.reset();
  ehr.respondWith(() => ({ json: PATIENT }));
  key = await dpopKey();
});

const bound = (accessToken = 'access-1') => clientWith(iss, http, { dpopKey: key, accessToken });
const ath = (token: string) => createHash('sha256').update(token).digest('base64url');
const proofs = () => Promise.all(ehr.requests.map(proofOf));

const challenge = (nonce: string, value = 'DPoP error="use_dpop_nonce"') => ({
  status: 401,
  headers: { 'www-authenticate': value, 'dpop-nonce': nonce },
});
const wants =
  (nonce: string, value?: string): EhrResponder =>
  async (request) =>
    (await proofOf(request)).claims.nonce === nonce ? { json: PATIENT } : challenge(nonce, value);

describe('a FHIR request with a bound token', () => {
  it('C-22 A8-1 shows it as DPoP, with a proof of its key, of this request and of this token', async () => {
    const { fhir } = bound();
    await fhir.request('Patient/patient-1?_elements=id');
    await fhir.create({ resourceType: 'Patient' });
    expect(ehr.requests.map(({ headers }) => headers.authorization)).toEqual(Array(2).fill('DPoP access-1'));
    const [read, create] = await proofs();
    expect(read!.header).toMatchObject({ typ: 'dpop+jwt', alg: 'ES256' });
    expect(await calculateJwkThumbprint(read!.header.jwk!)).toBe(await calculateJwkThumbprint(key));
    expect(read!.header.jwk).not.toHaveProperty('d');
    expect(read!.claims).toMatchObject({
      htm: 'GET',
      htu: `${iss}/Patient/patient-1`,
      ath: ath('access-1'),
      jti: expect.any(String),
      iat: expect.any(Number),
    });
    expect(create!.claims).toMatchObject({ htm: 'POST', htu: `${iss}/Patient` });
    expect(create!.claims.jti).not.toBe(read!.claims.jti);
    expect(JSON.parse(ehr.requests[1]!.body)).toEqual({ resourceType: 'Patient' });
  });

  it('C-22 lets no header of the caller replace token or proof', async () => {
    await bound().fhir.request('Patient/patient-1', { headers: { Authorization: 'Bearer x', DPoP: 'x' } });
    expect(ehr.requests[0]!.headers.authorization).toBe('DPoP access-1');
    expect((await proofs())[0]!.claims.ath).toBe(ath('access-1'));
  });

  it.each([
    ['alone', undefined],
    ['scheme in lower case, more parameters', 'dpop algs="ES256", error="use_dpop_nonce"'],
    ['beside another challenge', 'Bearer realm="x", DPoP error=use_dpop_nonce'],
  ])('C-22 is sent once more with the nonce of a 401 challenge: %s', async (_what, value) => {
    ehr.respondWith(wants('nonce-1', value));
    const { fhir, asked } = bound();
    expect(await fhir.request('Patient/patient-1')).toEqual(PATIENT);
    expect(await fhir.request('Patient/patient-1')).toEqual(PATIENT);
    expect((await proofs()).map(({ claims }) => claims.nonce)).toEqual([undefined, 'nonce-1', 'nonce-1']);
    expect(asked).toEqual([]);
  });

  it('C-22 uses the nonce that came with an answer', async () => {
    ehr.respondWith(() => ({ json: PATIENT, headers: { 'dpop-nonce': 'nonce-2' } }));
    const { fhir } = bound();
    await fhir.request('Patient/patient-1');
    await fhir.request('Patient/patient-1');
    expect((await proofs()).map(({ claims }) => claims.nonce)).toEqual([undefined, 'nonce-2']);
  });

  it('C-22 A8-5 renews the token on a 401 that is about no nonce, and proves the new one', async () => {
    ehr.respondWith(({ headers }) =>
      headers.authorization === 'DPoP access-2'
        ? { json: PATIENT }
        : { status: 401, headers: { 'www-authenticate': 'DPoP error="invalid_token"' } },
    );
    const renewed = launchRecord(iss, { dpopKey: key, accessToken: 'access-2' });
    const { fhir, asked } = clientWith(iss, http, { dpopKey: key }, renewed);
    expect(await fhir.request('Patient/patient-1')).toEqual(PATIENT);
    expect(asked).toEqual(['renew access-1']);
    expect((await proofs()).map(({ claims }) => claims.ath)).toEqual([ath('access-1'), ath('access-2')]);
  });

  it('C-22 asks for a nonce without end: the request ends', async () => {
    ehr.respondWith(() => challenge(`nonce-${ehr.requests.length}`));
    const { fhir, asked } = bound();
    expect(await fhir.request('Patient/patient-1')).toMatchObject({ error: 'session_expired' });
    expect([ehr.requests.length, asked]).toEqual([4, ['renew access-1', 'end']]);
  });

  it.each<[string, EhrResponder, string]>([
    ['404', () => ({ status: 404, json: { resourceType: 'OperationOutcome' } }), 'fhir_request_failed'],
    ['a cut connection', () => 'reset', 'ehr_unavailable'],
    [
      'a cut connection after the nonce',
      async (request) => ((await proofOf(request)).claims.nonce ? 'reset' : challenge('nonce-3')),
      'ehr_unavailable',
    ],
  ])('C-22 fails as any other: %s', async (_what, respond, error) => {
    ehr.respondWith(respond);
    expect(await bound().fhir.request('Patient/patient-1')).toMatchObject({ error });
  });

  it('C-22 can be aborted, and has the deadline of every call', async () => {
    const hasty = httpClient(50);
    ehr.respondWith(() => 'silence');
    const { fhir } = clientWith(iss, hasty, { dpopKey: key });
    expect(await fhir.request('Patient/1')).toMatchObject({ error: 'ehr_timeout' });
    const signal = AbortSignal.abort();
    expect(await fhir.request('Patient/1', { signal })).toMatchObject({ error: 'aborted' });
    await hasty.close();
  });

  it('C-22 C-19 shows its key to nobody', () => {
    const { fhir } = bound();
    expect(`${inspect(fhir, { depth: 9, showHidden: true })} ${JSON.stringify(fhir)}`).not.toContain(key.d);
    const own = Reflect.ownKeys(fhir).map((name) => fhir[name as keyof typeof fhir]);
    expect(inspect(own, { depth: 9, showHidden: true })).not.toContain(key.d);
  });
});

describe('a FHIR request with a Bearer token', () => {
  it('C-22 has no proof, and is not repeated for a nonce', async () => {
    ehr.respondWith(() => challenge('nonce-1'));
    const { fhir, asked } = clientWith(iss, http);
    await fhir.request('Patient/patient-1');
    expect(ehr.requests.map(({ headers }) => [headers.authorization, headers.dpop])).toEqual([
      ['Bearer access-1', undefined],
      ['Bearer access-2', undefined],
    ]);
    expect(asked).toEqual(['renew access-1', 'end']);
  });
});
