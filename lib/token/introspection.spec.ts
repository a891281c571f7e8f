import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EhrServer } from '../../test/support/ehr-server.js';
import type { EhrAnswer } from '../../test/support/ehr-server.js';
import { httpClient } from '../../test/support/launch-parts.js';
import { registrationOf } from '../../test/support/registration.js';
import { introspectToken } from './introspection.js';

const http = httpClient();
const impatient = httpClient(40);
const REGISTRATION = registrationOf(
  { clientId: 'my-app' },
  { type: 'confidential-symmetric', method: 'client_secret_basic', clientSecret: 'my-app-secret-123' },
);
let ehr: EhrServer;

beforeAll(async () => {
  ehr = await EhrServer.start();
});
beforeEach(() => ehr.reset());
afterAll(async () => {
  await Promise.all([http.close(), impatient.close()]);
  await ehr.close();
});

const introspect = (answer: EhrAnswer, by = http, registration = REGISTRATION) => {
  ehr.respondWith(() => answer);
  const server = { token_endpoint: `${ehr.url}/token`, introspection_endpoint: `${ehr.url}/introspect` };
  return introspectToken(by, registration, server, 'token-1');
};

describe('the introspection of a token', () => {
  it('A13-1 posts the token as a form, authenticated as the client, and asks for JSON', async () => {
    await introspect({ json: { active: true } });

    const [request, ...others] = ehr.requests;
    expect(others).toEqual([]);
    expect(request).toMatchObject({ method: 'POST', target: '/introspect' });
    expect(Object.fromEntries(request!.form)).toEqual({ token: 'token-1', token_type_hint: 'access_token' });
    expect(request!.headers).toMatchObject({
      authorization: 'Basic bXktYXBwOm15LWFwcC1zZWNyZXQtMTIz',
      accept: 'application/json',
      'content-type': expect.stringContaining('application/x-www-form-urlencoded'),
    });
  });

  it('A13-1 A10-4 a public client names itself, and a key signs an assertion of its own each time', async () => {
    await introspect({ json: { active: true } }, http, registrationOf({ clientId: 'public-app' }));

    expect(ehr.requests[0]!.form.get('client_id')).toBe('public-app');
    expect(ehr.requests[0]!.headers.authorization).toBeUndefined();
  });

  it('A13-2 reads scope, client, expiry, launch context and user of an active token', async () => {
    const json = {
      active: true,
      scope: 'launch patient/*.rs',
      client_id: 'my-app',
      exp: 1_800_000_000,
      patient: '123',
      encounter: '456',
      intent: 'review',
      fhirContext: [{ reference: 'ImagingStudy/1' }],
      iss: 'https://as.example.org',
      sub: 'user-1',
      fhirUser: 'https://ehr.example.org/fhir/Practitioner/1',
    };

    expect(await introspect({ json })).toMatchObject({
      active: true,
      scope: 'launch patient/*.rs',
      clientId: 'my-app',
      expiresAt: 1_800_000_000_000,
      context: {
        patient: '123',
        encounter: '456',
        intent: 'review',
        fhirContext: [{ reference: 'ImagingStudy/1', role: 'launch' }],
      },
      iss: 'https://as.example.org',
      sub: 'user-1',
      fhirUser: 'https://ehr.example.org/fhir/Practitioner/1',
    });
  });

  it('A13-2 A7-15 keeps extensions with the context, and nothing that is about the token', async () => {
    const json = {
      active: true,
      scope: 'launch',
      client_id: 'my-app',
      username: 'jdoe',
      token_type: 'Bearer',
      exp: 1_800_000_000,
      iat: 1_700_000_000,
      nbf: 1_700_000_000,
      sub: 'user-1',
      aud: 'https://ehr.example.org/fhir',
      iss: 'https://as.example.org',
      jti: 'a1',
      cnf: { jkt: 'x' },
      fhirUser: 'Practitioner/1',
      patient: '123',
      tenant: 'north',
      __epic_department: 'icu',
      'https://ehr.example.org/order': '7',
    };

    expect(await introspect({ json })).toMatchObject({
      context: {
        patient: '123',
        tenant: 'north',
        extra: { __epic_department: 'icu', 'https://ehr.example.org/order': '7' },
      },
    });
    const { context } = (await introspect({ json })) as { context: { extra: object } };
    expect(Object.keys(context.extra)).toEqual(['__epic_department', 'https://ehr.example.org/order']);
  });

  it.each([
    [{ active: false, scope: 'x', patient: '1' }],
    [{ active: 'true', scope: 'x' }],
    [{ active: 1 }],
    [{ scope: 'x' }],
  ])('A13-2 reads nothing of a token that is not plainly active: %j', async (json) => {
    expect(await introspect({ json })).toEqual({ active: false });
  });

  it('A13-2 A7-8 refuses a context that is no FHIR id', async () => {
    expect(await introspect({ json: { active: true, patient: '../x' } })).toMatchObject({
      error: 'invalid_token_response',
    });
  });

  it.each<[string, EhrAnswer, string]>([
    ['401', { status: 401, json: { error: 'invalid_client' } }, 'token_request_failed'],
    ['403 with active: false', { status: 403, json: { active: false } }, 'token_request_failed'],
    ['503', { status: 503, text: 'down' }, 'token_request_failed'],
    ['200 and HTML', { text: '<html>' }, 'token_request_failed'],
    ['a redirect', { status: 307, headers: { location: '/elsewhere' } }, 'token_request_failed'],
    ['a cut connection', 'reset', 'ehr_unavailable'],
  ])('A13-3 C-16 an endpoint that fails says nothing of the token: %s', async (_what, answer, error) => {
    expect(await introspect(answer)).toMatchObject({ error });
    expect(ehr.requests).toHaveLength(1);
  });

  it('A13-3 C-17 nor does one that never answers', async () => {
    expect(await introspect('silence', impatient)).toMatchObject({ error: 'ehr_timeout' });
  });

  it('A13-1 asks nobody where the server has no introspection endpoint', async () => {
    const server = { token_endpoint: `${ehr.url}/token` };

    expect(await introspectToken(http, REGISTRATION, server, 'token-1')).toMatchObject({
      error: 'invalid_request',
    });
    expect(ehr.requests).toEqual([]);
  });
});
