import { describe, expect, it } from '@jest/globals';
import { setStage } from './app/stage.js';
import { Visitor } from './app/visitor.js';
import type { Json } from './ehr/exchange.js';
import type { Misbehaviour } from './ehr/fault.js';
import { outcome } from './ehr/fhir-data.js';

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
});
