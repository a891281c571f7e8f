import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint } from 'jose';
import { ISS, registrationOf } from '../../test/support/registration.js';
import type { ServerSettings } from '../../test/support/registration.js';
import type { ClientAuthenticationConfiguration } from '../ehr/known-fhir-server.js';
import type { SmartConfiguration } from '../ehr/smart-configuration.js';
import { isSmartError, unwrap } from '../smart-error.js';
import { createAuthorizationRequest } from './authorization-request.js';
import type { AuthorizationParameters } from './authorization-request.js';

const SERVER: SmartConfiguration = {
  issuer: 'https://ehr.example.org',
  authorization_endpoint: 'https://ehr.example.org/authorize',
  token_endpoint: 'https://ehr.example.org/token',
  capabilities: [],
  code_challenge_methods_supported: ['S256'],
};

interface Situation {
  settings?: ServerSettings & { iss?: string };
  server?: Partial<SmartConfiguration>;
  authentication?: ClientAuthenticationConfiguration;
}

async function request(parameters: AuthorizationParameters, situation: Situation = {}) {
  const { settings, server, authentication } = situation;
  const registration = registrationOf(settings, authentication);
  const made = unwrap(await createAuthorizationRequest(registration, { ...SERVER, ...server }, parameters));
  const url = new URL(made.url);
  return { ...made, url, sent: url.searchParams, scopes: url.searchParams.get('scope')!.split(' ') };
}

const s256 = (verifier: string) => createHash('sha256').update(verifier).digest('base64url');

describe('the authorization request', () => {
  it('A5-1 carries every parameter of SMART 2.2 exactly once', async () => {
    const callbackUrl = 'https://app.example.com/cb?tenant=a%2Fb';
    const { url, sent, state } = await request({ launch: 'xyz' }, { settings: { callbackUrl } });
    expect(`${url.origin}${url.pathname}`).toBe('https://ehr.example.org/authorize');
    expect([...sent.keys()].sort()).toEqual([
      'aud',
      'client_id',
      'code_challenge',
      'code_challenge_method',
      'launch',
      'nonce',
      'redirect_uri',
      'response_type',
      'scope',
      'state',
    ]);
    expect(Object.fromEntries(sent)).toMatchObject({
      response_type: 'code',
      client_id: 'growth-chart',
      redirect_uri: callbackUrl,
      code_challenge_method: 'S256',
      state,
    });
  });

  it.each([
    ['an empty scope', { scope: '', launch: undefined }],
    ['nothing but white space', { scope: ' \t ', launch: undefined }],
    ['nothing but `launch` in a standalone launch', { scope: 'launch', launch: undefined }],
  ])('A5-1 refuses to ask for %s', async (_what, parameters) => {
    const refused = await createAuthorizationRequest(registrationOf(), SERVER, parameters);
    expect(refused).toMatchObject({ error: 'invalid_launch_request' });
  });

  it.each([
    'https://ehr.example.org/fhir',
    'https://ehr.example.org/fhir/',
    'https://EHR.example.org:443/fhir',
  ])('A5-2 names the FHIR base as it was given: %s', async (iss) => {
    expect((await request({ launch: 'xyz' }, { settings: { iss } })).sent.get('aud')).toBe(iss);
  });

  it('C-25 sends aud and no resource parameter', async () => {
    const { sent } = await request({});
    expect(sent.getAll('aud')).toEqual([ISS]);
    expect(sent.has('resource')).toBe(false);
  });

  it('A5-13 C-25 sends the FHIR base as resource too where that is switched on, whatever aud is', async () => {
    const { sent } = await request({}, { settings: { resource: true, aud: 'https://ehr.example.org' } });
    expect(sent.getAll('resource')).toEqual([ISS]);
    expect(sent.getAll('aud')).toEqual(['https://ehr.example.org']);
  });

  it('A5-13 sends one resource, where the endpoint has one in its query', async () => {
    const authorization_endpoint = `${SERVER.authorization_endpoint}?resource=x&tenant=1`;
    const { sent } = await request({}, { settings: { resource: true }, server: { authorization_endpoint } });
    expect(sent.getAll('resource')).toEqual([ISS]);
    expect(sent.get('tenant')).toBe('1');
  });

  it('A5-13 C-25 never sends a fragment: a FHIR base with one is none', () => {
    expect(() => registrationOf({ iss: `${ISS}#x`, resource: true })).toThrow('not the URL of a FHIR server');
  });

  describe('where tokens are to be bound to a key', () => {
    const settings = { dpop: true };

    it.each([
      [['ES384', 'ES256', 'RS256'], 'P-256'],
      [['RS256', 'ES384'], 'P-384'],
      [['ES512'], 'P-521'],
    ])(
      'C-22 makes a key for what the server takes, of %j, and names its thumbprint',
      async (offered, crv) => {
        const server = { dpop_signing_alg_values_supported: offered };
        const [one, other] = [
          await request({}, { settings, server }),
          await request({}, { settings, server }),
        ];
        expect(one.dpopKey).toMatchObject({ kty: 'EC', crv, d: expect.any(String) });
        expect(one.sent.getAll('dpop_jkt')).toEqual([await calculateJwkThumbprint(one.dpopKey!)]);
        expect(one.url.href).not.toContain(one.dpopKey!.d);
        expect(other.dpopKey!.d).not.toBe(one.dpopKey!.d);
      },
    );

    it.each([undefined, [], ['RS256', 'none', 'HS256']])(
      'C-22 stops where the server offers %j',
      async (offered) => {
        const server = { ...SERVER, dpop_signing_alg_values_supported: offered };
        expect(await createAuthorizationRequest(registrationOf(settings), server, {})).toMatchObject({
          error: 'discovery_failed',
          message: expect.stringContaining(
            'lists none of ES256, ES384, ES512 in dpop_signing_alg_values_supported',
          ),
        });
      },
    );

    it('C-22 binds nothing unless that is switched on', async () => {
      const { sent, dpopKey } = await request(
        {},
        { server: { dpop_signing_alg_values_supported: ['ES256'] } },
      );
      expect([sent.has('dpop_jkt'), dpopKey]).toEqual([false, undefined]);
    });
  });

  it('E-ATH-1 sends the aud that is set for the server instead', async () => {
    const { sent } = await request({}, { settings: { aud: 'https://ehr.example.org' } });
    expect(sent.getAll('aud')).toEqual(['https://ehr.example.org']);
  });

  it.each([
    ['plus, slash, equals, percent, not ASCII', 'a+b/c=%25é&d #'],
    ['an 8 kB JWT', `eyJhbGciOiJub25lIn0.${'aZ09-_'.repeat(1400)}.`],
    ['text that looks like other parameters', 'x&aud=https://evil.example&redirect_uri=https://evil.example'],
  ])('A3-2 returns the launch value unchanged: %s', async (_what, launch) => {
    const { sent } = await request({ launch });
    expect(sent.getAll('launch')).toEqual([launch]);
    expect(sent.getAll('aud')).toEqual([ISS]);
  });

  it.each(['launch/patient patient/*.rs', 'openid', 'launch launch patient/*.rs', 'launch/encounter openid'])(
    'A3-3 asks for the bare scope `launch` once in an EHR launch: %s',
    async (scope) => {
      const { scopes } = await request({ launch: 'xyz' }, { settings: { scope } });
      expect(scopes.filter((name) => name === 'launch')).toEqual(['launch']);
      expect(scopes).toEqual(expect.arrayContaining(scope.split(' ')));
    },
  );

  it('A4-1 has neither launch nor the scope `launch` in a standalone launch', async () => {
    const { sent, scopes, scope } = await request(
      {},
      { settings: { scope: 'launch launch/patient patient/*.rs' } },
    );
    expect(sent.has('launch')).toBe(false);
    expect(scopes).toEqual(['launch/patient', 'patient/*.rs']);
    expect(scope).toBe('launch/patient patient/*.rs');
  });

  it.each([
    [{ scope: 'launch/patient launch/encounter openid' }, ['launch/patient', 'launch/encounter', 'openid']],
    [{ scope: 'openid', context: ['patient'] }, ['openid', 'launch/patient']],
    [
      { scope: 'openid', context: ['patient', 'encounter'] },
      ['openid', 'launch/patient', 'launch/encounter'],
    ],
    [{ scope: 'openid', context: ['ImagingStudy'] }, ['openid', 'launch/imagingstudy']],
    [{ scope: 'openid launch/patient', context: ['patient'] }, ['openid', 'launch/patient']],
  ])('A4-2 asks for the context that a standalone launch names: %j', async (parameters, expected) => {
    expect((await request(parameters)).scopes).toEqual(expected);
  });

  it.each([[['plain']], [[]]])('A2-5 does not launch where S256 is not offered: %j', async (methods) => {
    const server = { ...SERVER, code_challenge_methods_supported: methods };
    const refused = await createAuthorizationRequest(registrationOf(), server, {});
    expect(refused).toMatchObject({ error: 'discovery_failed' });
  });

  it('A2-5 sends S256 where the server does not say', async () => {
    const { sent } = await request({}, { server: { code_challenge_methods_supported: undefined } });
    expect(sent.get('code_challenge_method')).toBe('S256');
  });

  it('A2-4 needs an authorization_endpoint', async () => {
    const server = { ...SERVER, authorization_endpoint: undefined };
    const refused = await createAuthorizationRequest(registrationOf(), server, {});
    expect(refused).toMatchObject({ error: 'discovery_failed' });
  });

  it('A2-6 asks for scopes the server does not list', async () => {
    const { scopes } = await request(
      { launch: 'xyz' },
      {
        settings: { scope: 'openid patient/Patient.rs' },
        server: { scopes_supported: ['patient/*.read'] },
      },
    );
    expect(scopes).toEqual(['openid', 'patient/Patient.rs', 'launch']);
  });

  it('A5-3 makes 10,000 states that differ, of URL-safe text that 128 bits fit in', async () => {
    const states = new Set<string>();
    for (let made = 0; made < 10_000; made++) states.add((await request({})).state);
    expect(states.size).toBe(10_000);
    expect([...states].filter((state) => !/^[A-Za-z0-9_-]{22,}$/.test(state))).toEqual([]);
  }, 30_000);

  it('A5-4 keeps a fresh verifier of 256 bits and sends its SHA-256', async () => {
    const [first, second] = [await request({}), await request({})];
    expect(first.codeVerifier).not.toBe(second.codeVerifier);
    expect(first.codeVerifier).toMatch(/^[A-Za-z0-9\-._~]{43,128}$/);
    expect(first.sent.get('code_challenge')).toBe(s256(first.codeVerifier!));
    // RFC 7636 appendix B
    expect(s256('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe(
      'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    );
  });

  it.each([
    ['required', undefined, 'refused'],
    ['required', ['S256'], 'S256'],
    ['ifSupported', undefined, null],
    ['ifSupported', ['plain'], null],
    ['ifSupported', ['plain', 'S256'], 'S256'],
    ['unsafeV1', ['plain'], 'S256'],
    ['unsafeV1', undefined, 'S256'],
    ['disabled', ['S256'], null],
  ] as const)('A5-5 pkceMode %s at a server that offers %j: %s', async (pkceMode, methods, sent) => {
    const server = { ...SERVER, code_challenge_methods_supported: methods && [...methods] };
    const ofServer = await createAuthorizationRequest(registrationOf({ pkceMode }), server, {});
    const ofAll = await createAuthorizationRequest(registrationOf(), server, {}, pkceMode);

    for (const made of [ofServer, ofAll]) {
      if (isSmartError(made)) {
        expect([made.error, sent]).toEqual(['discovery_failed', 'refused']);
      } else {
        const query = new URL(made.url).searchParams;
        expect(query.get('code_challenge_method')).toBe(sent);
        expect([query.has('code_challenge'), made.codeVerifier !== undefined]).toEqual([!!sent, !!sent]);
      }
    }
  });

  it('A5-5 sends S256 for a confidential client too', async () => {
    const { sent } = await request(
      {},
      {
        authentication: {
          type: 'confidential-symmetric',
          method: 'client_secret_basic',
          clientSecret: 'secret-1',
        },
      },
    );
    expect(sent.get('code_challenge_method')).toBe('S256');
    expect(sent.get('code_challenge')).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it('A5-1 A5-11 sends a parameter once that the endpoint’s own query has too', async () => {
    const endpoint = 'https://ehr.example.org/authorize?t=1&scope=evil&client_id=evil&prompt=none&state=x';
    const { sent } = await request(
      { extraParameters: { prompt: 'login' } },
      { server: { authorization_endpoint: endpoint } },
    );

    expect([...sent.keys()].sort()).toEqual([...new Set(sent.keys())].sort());
    expect(sent.toString()).not.toContain('evil');
    expect([sent.get('t'), sent.get('prompt')]).toEqual(['1', 'login']);
    const { form } = await request(
      { scope: Array.from({ length: 200 }, (_, n) => `patient/Type${n}.rs`).join(' ') },
      { server: { authorization_endpoint: endpoint, capabilities: ['authorize-post'] } },
    );
    expect(form!.action).toBe('https://ehr.example.org/authorize?t=1&prompt=none');
    expect(form!.fields).toMatchObject({ scope: expect.stringContaining('patient/Type199.rs') });
    expect(Object.keys(form!.fields)).not.toContain('t');
  });

  it('A5-6 keeps the query of the authorization endpoint', async () => {
    const endpoint = 'https://ehr.example.org/authorize?t=1&n=a%2Bb';
    const { url, sent } = await request({}, { server: { authorization_endpoint: endpoint } });
    expect(url.href.split('?')).toHaveLength(2);
    expect(sent.get('t')).toBe('1');
    expect(sent.get('n')).toBe('a+b');
    expect(sent.get('response_type')).toBe('code');
  });

  it.each([{}, { capabilities: ['authorize-post'] }])(
    'A5-1 A5-6 sends each of its parameters once, whatever the endpoint has in its query: %j',
    async (capabilities) => {
      const own =
        'tenant=a%2Fb&aud=https://evil.example&code_challenge=x&code_challenge=y&client_id=z&state=s';
      const authorization_endpoint = `https://ehr.example.org/authorize?${own}&request_uri=urn:x`;
      const { sent, form, state, codeVerifier } = await request(
        { launch: 'x'.repeat(2_000) },
        { server: { ...capabilities, authorization_endpoint } },
      );
      const action = new URL(form?.action ?? 'https://none.example');
      const all = form ? [...action.searchParams, ...Object.entries(form.fields)] : [...sent];
      const expected = { aud: ISS, state, client_id: 'growth-chart', tenant: 'a/b' };
      expect(form !== undefined).toBe('capabilities' in capabilities);
      expect(Object.fromEntries(all)).toMatchObject({ ...expected, code_challenge: s256(codeVerifier!) });
      expect(all.map(([name]) => name).sort()).toEqual([...new Set(all.map(([name]) => name))].sort());
      expect(Object.fromEntries(all)).not.toHaveProperty('request_uri');
    },
  );

  it('A5-7 round-trips every value and never writes a space as "+"', async () => {
    const scope =
      'openid patient/Observation.rs?category=http://terminology.hl7.org/x|laboratory patient/*.rs';
    const { url, sent } = await request({ launch: 'a b+c' }, { settings: { scope } });
    expect(sent.get('scope')).toBe(`${scope} launch`);
    expect(sent.get('launch')).toBe('a b+c');
    expect(url.search).not.toContain('+');
    expect(decodeURIComponent(/scope=([^&]*)/.exec(url.search)![1]!)).toBe(`${scope} launch`);
  });

  it('A5-10 sends neither max_age nor claims', async () => {
    const { sent } = await request({ launch: 'xyz' });
    expect(sent.has('max_age') || sent.has('claims')).toBe(false);
  });

  it('A5-11 shows neither the verifier nor the client secret to the browser', async () => {
    const clientSecret = 'canary-secret';
    const { url, codeVerifier } = await request(
      { launch: 'xyz' },
      { authentication: { type: 'confidential-symmetric', method: 'client_secret_post', clientSecret } },
    );
    expect(url.href).not.toContain(codeVerifier);
    expect(url.href).not.toContain(clientSecret);
    expect(url.searchParams.has('client_secret') || url.searchParams.has('code_verifier')).toBe(false);
  });

  it.each([
    'response_type',
    'response_mode',
    'client_id',
    'client_secret',
    'redirect_uri',
    'scope',
    'state',
    'aud',
    'launch',
    'nonce',
    'code_challenge',
    'code_challenge_method',
    'code_verifier',
    'request',
    'request_uri',
  ])('A5-11 lets no further parameter be %s', async (name) => {
    const extraParameters = { prompt: 'login', [name]: 'evil' };
    const refused = await createAuthorizationRequest(registrationOf(), SERVER, { extraParameters });
    expect(refused).toMatchObject({
      error: 'invalid_launch_request',
      message: `extraParameters must not set ${name}`,
    });
  });

  it('A5-11 sends further parameters beside its own', async () => {
    const { sent } = await request({ extraParameters: { prompt: 'login', login_hint: 'a b' } });
    expect(Object.fromEntries(sent)).toMatchObject({ prompt: 'login', login_hint: 'a b', aud: ISS });
  });

  it('B-10 sends a fresh nonce when it asks for openid', async () => {
    const [first, second] = [await request({}), await request({})];
    expect(first.sent.get('nonce')).toBe(first.nonce);
    expect(first.nonce).toMatch(/^[A-Za-z0-9_-]{22,}$/);
    expect(first.nonce).not.toBe(second.nonce);
  });

  it.each([
    ['B-9 the server does not return it', { sendNonce: false }],
    ['B-10 no id_token is asked for', { scope: 'launch/patient patient/*.rs' }],
  ])('%s: sends no nonce', async (_why, settings) => {
    const { sent, nonce } = await request({}, { settings });
    expect(sent.has('nonce')).toBe(false);
    expect(nonce).toBeUndefined();
  });
});
