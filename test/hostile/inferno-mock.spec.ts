import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { fieldsOf } from './app/form-page.js';
import { setStage } from './app/stage.js';
import { Visitor } from './app/visitor.js';
import type { Json } from './ehr/exchange.js';
import type { Misbehaviour } from './ehr/fault.js';
import { outcome } from './ehr/fhir-data.js';
import { authorizationFindings, tokenFindings, tokenUses } from './ehr/inferno-checks.js';
import type { InfernoSession } from './ehr/inferno-checks.js';
import type { ProfileName } from './ehr/profiles.js';
import type { Tenant } from './ehr/tenant.js';

/** a launch handle as Inferno makes them */
const HANDLE = randomBytes(32).toString('hex');

/** What Inferno’s mock server says and leaves out (conformance.md D-b). */
const INFERNO: Misbehaviour = {
  discovery: ({ issuer, authorization_endpoint, token_endpoint, introspection_endpoint }) => ({
    issuer,
    authorization_endpoint,
    token_endpoint,
    introspection_endpoint,
    scopes_supported: ['openid', 'launch/patient', 'patient/*.read'],
    capabilities: ['launch-ehr', 'launch-standalone', 'client-public', 'client-confidential-symmetric'],
    code_challenge_methods_supported: ['S256'],
  }),
  claims: ({ nonce: _nonce, at_hash: _hash, ...claims }) => ({
    ...claims,
    exp: Number(claims.iat) + 365 * 24 * 3600,
  }),
  callback: ({ iss: _left, ...parameters }) => parameters,
  refresh: (body: Json, ehr, { form }) => {
    const same = form.get('refresh_token')!;
    ehr.refreshTokens.set(same, ehr.refreshTokens.get(String(body.refresh_token))!);
    return { ...body, refresh_token: same };
  },
};

describe('Inferno’s mock of an EHR', () => {
  const cast = setStage();

  it('D-b D-c B-19 launches an app that sends no nonce, and refreshes it', async () => {
    const { app, ehr, clock } = cast;
    const tenant = ehr.tenant({ profile: 'inferno', misbehaviour: INFERNO, ownIssuer: false });
    const user = new Visitor(app.url);

    expect(await user.launch(tenant, ['/api/launch'])).toMatchObject({
      status: 200,
      body: { patient: 'p1', user: 'Practitioner/dr1', sub: 'user-1' },
    });
    expect(tenant.to('authorize')[0]!.query.has('nonce')).toBe(false);
    expect([tenant.count('openid'), tenant.count('jwks')]).toEqual([1, 1]);
    for (let n = 0; n < 2; n += 1) {
      clock?.advance(310_000);
      expect((await user.visit('/api/patient')).status).toBe(200);
    }
    const refreshes = tenant
      .to('token')
      .slice(1)
      .map(({ form }) => form.get('refresh_token'));
    expect(new Set(refreshes).size).toBe(1);
  });

  it('D-b B-9 refuses it where a nonce was sent', async () => {
    const { app, ehr } = cast;
    const tenant = ehr.tenant({ profile: 'basic', misbehaviour: INFERNO, ownIssuer: false });

    expect(await new Visitor(app.url).signIn(tenant)).toMatchObject({
      status: 502,
      error: 'invalid_id_token',
    });
  });

  it('D-b an expired code is answered with an OperationOutcome: an error, no crash', async () => {
    const { app, ehr } = cast;
    const misbehaviour = { ...INFERNO, instead: { token: () => outcome(401, 'expired') } };
    const tenant = ehr.tenant({ profile: 'inferno', misbehaviour, ownIssuer: false });

    expect(await new Visitor(app.url).signIn(tenant)).toMatchObject({
      status: 502,
      error: 'token_request_failed',
    });
  });

  // the numbers of Inferno’s client suite, section D of the checklist
  it.each<[string, ProfileName, string | null]>([
    ['5.03 5.07 5.10 5.12 a public client, from the EHR', 'infernoPublic', HANDLE],
    ['5.03 5.07 5.10 5.12 a public client, standalone', 'infernoPublic', null],
    ['5.02 5.06 5.09 5.12 a client with a secret, from the EHR', 'inferno', HANDLE],
    ['5.02 5.06 5.09 5.12 a client with a secret, standalone', 'inferno', null],
    ['5.01 5.05 5.08 5.12 a client with a key, from the EHR', 'infernoKey', HANDLE],
    ['5.01 5.05 5.08 5.12 a client with a key, standalone', 'infernoKey', null],
  ])('Inferno %s: every request is as the suite checks it', async (_title, profile, launch) => {
    const { app, ehr: server, clock } = cast;
    const ehr = server.tenant({ profile, misbehaviour: INFERNO, ownIssuer: false, launch });
    const user = new Visitor(app.url);

    expect(await user.launch(ehr)).toMatchObject({ status: 200 });
    clock?.advance(310_000);
    expect(await user.visit('/api/patient')).toMatchObject({ status: 200 });

    const { body } = await user.visit('/fhir/jwks.json');
    const redirectUris = [`${app.url}/fhir/callback`];
    const session: InfernoSession = { ehr, redirectUris, jwks: body as InfernoSession['jwks'] };
    const [authorizations, exchanges] = [ehr.to('authorize'), ehr.to('token')];
    expect([authorizations.length, exchanges.length]).toEqual([1, 2]);
    expect(authorizations.flatMap((request) => authorizationFindings(session, request))).toEqual([]);
    expect(await tokenFindings(session, exchanges)).toEqual([]);
    expect(tokenUses(ehr)).toBe(2);
  });

  it('Inferno 5.05 5.06 5.07 an authorization request that is sent as a form is checked as well', async () => {
    const { app, ehr: server } = cast;
    const discovery = (document: Json, of: Tenant) => ({
      ...(INFERNO.discovery?.(document, of) as Json),
      capabilities: ['launch-ehr', 'authorize-post'],
    });
    const ehr = server.tenant({ profile: 'long', misbehaviour: { ...INFERNO, discovery }, ownIssuer: false });
    const user = new Visitor(app.url, 'text/html');
    const query = new URLSearchParams({ iss: ehr.fhirBaseUrl, launch: ehr.launch! });
    const page = await user.open('launch', `${app.url}/fhir/launch?${query.toString()}`);

    await user.browser.post(`${ehr.url}/authorize`, fieldsOf(String(page.body)));

    const session = { ehr, redirectUris: [`${app.url}/fhir/callback`], jwks: { keys: [] } };
    const requests = ehr.to('authorize');
    expect(requests.map(({ method }) => method)).toEqual(['POST']);
    expect(requests.flatMap((request) => authorizationFindings(session, request))).toEqual([]);
  });
});
