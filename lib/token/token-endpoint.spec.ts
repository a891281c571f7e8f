import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt, exportJWK, generateKeyPair } from 'jose';
import type { JWK } from 'jose';
import { httpClient } from '../../test/support/launch-parts.js';
import { EhrServer } from '../../test/support/ehr-server.js';
import type { EhrAnswer } from '../../test/support/ehr-server.js';
import { registrationOf } from '../../test/support/registration.js';
import type { ServerSettings } from '../../test/support/registration.js';
import type { ClientAuthenticationConfiguration } from '../ehr/known-fhir-server.js';
import type { JsonObject } from '../http/json.js';
import type { SmartError } from '../smart-error.js';
import { tokenRequest } from './token-endpoint.js';

const http = httpClient();
const GRANTED = { access_token: 'access-1', token_type: 'Bearer', expires_in: 300 };
const CODE = { code: 'code-1', redirect_uri: 'https://app.example.com/cb', code_verifier: 'verifier-1' };
const BASIC = secret('client_secret_basic');

let ehr: EhrServer;
let privateKey: JWK;

beforeAll(async () => {
  ehr = await EhrServer.start();
  const pair = await generateKeyPair('ES384', { extractable: true });
  privateKey = { ...(await exportJWK(pair.privateKey)), kid: 'key-1', alg: 'ES384' };
});
afterAll(async () => {
  await http.close();
  await ehr.close();
});
beforeEach(() => {
  ehr.reset();
  ehr.respondWith(() => ({ json: GRANTED }));
});

function secret(method: 'client_secret_basic' | 'client_secret_post'): ClientAuthenticationConfiguration {
  return { type: 'confidential-symmetric', method, clientSecret: 'my-app-secret-123' };
}

function signing(): ClientAuthenticationConfiguration {
  return { type: 'confidential-asymmetric', method: 'private_key_jwt', privateKey };
}

async function exchange(
  authentication?: ClientAuthenticationConfiguration,
  settings: ServerSettings = {},
  server: { token_endpoint_auth_signing_alg_values_supported?: string[] } = {},
  client = http,
): Promise<JsonObject | SmartError> {
  const registration = registrationOf({ clientId: 'my-app', ...settings }, authentication);
  const endpoints = { token_endpoint: `${ehr.url}/token`, ...server };
  return tokenRequest(client, registration, endpoints, 'authorization_code', CODE);
}

async function answered(answer: EhrAnswer): Promise<JsonObject | SmartError> {
  ehr.respondWith(() => answer);
  return exchange();
}

describe('a token response that would fill the store', () => {
  it('C-17 is refused where nobody named the server', async () => {
    ehr.respondWith(() => ({ json: { ...GRANTED, padding: 'x'.repeat(128 * 1024) } }));
    const endpoints = { token_endpoint: `${ehr.url}/token` };
    const stranger = { ...registrationOf(), isKnown: false };
    expect(await tokenRequest(http, stranger, endpoints, 'authorization_code', CODE)).toMatchObject({
      error: 'ehr_unavailable',
      message: expect.stringContaining('larger than 131072 bytes'),
    });
    expect(await exchange()).toMatchObject(GRANTED);
  });
});

describe('the token request', () => {
  it('A7-1 T-4 posts the grant as a form, the redirect_uri byte for byte', async () => {
    const redirectUri = 'https://app.example.com/cb?x=%2F&y=a+b';
    await tokenRequest(http, registrationOf(), { token_endpoint: `${ehr.url}/token` }, 'authorization_code', {
      ...CODE,
      redirect_uri: redirectUri,
    });
    const [request] = ehr.requests;
    expect(ehr.requests).toHaveLength(1);
    expect(request).toMatchObject({ method: 'POST', target: '/token' });
    expect(request!.headers['content-type']).toMatch(/^application\/x-www-form-urlencoded\b/);
    expect(request!.headers.accept).toBe('application/json');
    expect(request!.headers).not.toHaveProperty('cookie');
    expect([...request!.form]).toEqual(
      expect.arrayContaining([
        ['grant_type', 'authorization_code'],
        ['code', 'code-1'],
        ['redirect_uri', redirectUri],
        ['code_verifier', 'verifier-1'],
      ]),
    );
  });

  it.each<[string, () => ClientAuthenticationConfiguration, ServerSettings, string[]]>([
    ['public', () => ({ type: 'public' }), {}, ['client_id']],
    ['client_secret_basic', () => BASIC, {}, []],
    ['client_secret_basic, sendClientId', () => BASIC, { sendClientId: true }, ['client_id']],
    ['client_secret_post', () => secret('client_secret_post'), {}, ['client_id', 'client_secret']],
    ['private_key_jwt', signing, {}, ['client_assertion', 'client_assertion_type']],
    [
      'private_key_jwt, sendClientId',
      signing,
      { sendClientId: true },
      ['client_assertion', 'client_assertion_type', 'client_id'],
    ],
  ])('A7-2 puts no more than it must into the body: %s', async (_name, authentication, settings, extra) => {
    await exchange(authentication(), settings);
    const grant = ['code', 'code_verifier', 'grant_type', 'redirect_uri'];
    expect([...ehr.requests[0]!.form.keys()].sort()).toEqual([...grant, ...extra].sort());
    expect(ehr.requests[0]!.headers.authorization).toBe(
      _name.startsWith('client_secret_basic')
        ? 'Basic bXktYXBwOm15LWFwcC1zZWNyZXQtMTIz' // T-1: raw, not my%2Dapp
        : undefined,
    );
  });

  it('T-1 sends "-", "." and "~" of id and secret raw in Basic', async () => {
    await exchange({ ...BASIC, clientSecret: 'a-b.c~d_e' } as ClientAuthenticationConfiguration, {
      clientId: 'e5f1-4b.x',
    });
    const sent = ehr.requests[0]!.headers.authorization!.replace('Basic ', '');
    expect(Buffer.from(sent, 'base64').toString()).toBe('e5f1-4b.x:a-b.c~d_e');
  });

  it('A10-3 A10-4 signs a new assertion for every request, for the URL it posts to', async () => {
    await exchange(signing());
    await exchange(signing());
    const claims = ehr.requests.map(({ form }) => decodeJwt(form.get('client_assertion')!));
    expect(claims[0]!.jti).not.toBe(claims[1]!.jti);
    expect(claims.map(({ aud }) => aud)).toEqual([`${ehr.url}/token`, `${ehr.url}/token`]);
  });

  it('A10-1 sends nothing when no key has an algorithm the server takes', async () => {
    const refused = await exchange(
      signing(),
      {},
      { token_endpoint_auth_signing_alg_values_supported: ['RS384'] },
    );
    expect(refused).toMatchObject({
      error: 'token_request_failed',
      message: expect.stringContaining('RS384'),
    });
    expect(ehr.requests).toEqual([]);
  });

  it('C-19 sends nothing when the key store cannot sign, and does not repeat what it said', async () => {
    const publicJwk: JWK = { kty: 'EC', kid: 'kms', crv: 'P-384', x: privateKey.x!, y: privateKey.y! };
    const sign = () => Promise.reject(new Error('canary-key-material'));
    const refused = await exchange({
      type: 'confidential-asymmetric',
      method: 'private_key_jwt',
      privateKey: { sign, kid: 'kms', alg: 'ES384', publicJwk },
    });
    expect(refused).toMatchObject({ error: 'token_request_failed' });
    expect(inspect(refused, { depth: 9 })).not.toContain('canary');
    expect(ehr.requests).toEqual([]);
  });
});

describe('an exchange that fails', () => {
  it.each(['a new connection', 'a connection that was used before'])(
    'A7-3 is not repeated when the connection breaks: %s',
    async (connection) => {
      if (connection.includes('before')) await exchange();
      ehr.requests.length = 0;
      expect(await answered('reset')).toMatchObject({ error: 'ehr_unavailable', status: 502 });
      expect(ehr.requests).toHaveLength(1);
    },
  );

  it('A7-3 C-17 is not repeated when no answer comes, and ends at the deadline', async () => {
    const hasty = httpClient(50);
    ehr.respondWith(() => 'silence');
    expect(await exchange(undefined, {}, {}, hasty)).toMatchObject({ error: 'ehr_timeout', status: 504 });
    expect(ehr.requests).toHaveLength(1);
    await hasty.close();
  });

  it.each([301, 302, 303, 307, 308])('A7-3 does not follow a redirect: %d', async (status) => {
    const target = await EhrServer.start(() => ({ json: GRANTED }));
    try {
      const headers = { location: `${target.url}/token` };
      expect(await answered({ status, headers })).toMatchObject({ error: 'token_request_failed' });
      expect(target.requests).toEqual([]);
      expect(ehr.requests).toHaveLength(1);
    } finally {
      await target.close();
    }
  });

  it.each<[string, EhrAnswer, object]>([
    ['E-MISC-1 200 with an error', { json: { error: 'invalid_grant' } }, { oauthError: 'invalid_grant' }],
    [
      'E-MISC-2 an HTML page',
      { status: 502, headers: { 'content-type': 'text/html' }, text: '<h1>Bad gateway</h1>' },
      { message: expect.stringContaining('502') },
    ],
    ['E-MISC-2 nothing', { status: 400 }, { message: expect.stringContaining('400') }],
    ['E-MISC-2 nothing with 200', { status: 200 }, { message: expect.stringContaining('200') }],
    ['E-MISC-2 XML', { status: 500, text: '<error/>' }, { message: expect.stringContaining('500') }],
    ['E-MISC-2 text', { status: 401, text: 'Unauthorized' }, { message: expect.stringContaining('401') }],
    [
      'E-MISC-2 JSON that says it is text',
      { status: 400, headers: { 'content-type': 'text/plain' }, text: '{"error":"invalid_client"}' },
      { oauthError: 'invalid_client' },
    ],
    [
      'E-MISC-3 401 with WWW-Authenticate and a body that says more',
      {
        status: 401,
        headers: { 'www-authenticate': 'Basic realm="ehr", error="other"' },
        json: { error: 'invalid_client' },
      },
      { oauthError: 'invalid_client' },
    ],
    [
      'E-EPIC-6 a description that is null',
      { status: 400, json: { error: 'invalid_client', error_description: null } },
      { oauthError: 'invalid_client', message: expect.stringContaining('clock') },
    ],
    [
      'E-ORA-1 an error_uri',
      { status: 400, json: { error: 'invalid_request', error_uri: 'https://ehr.example.org/e?id=1' } },
      { errorUri: 'https://ehr.example.org/e?id=1' },
    ],
  ])('%s: a typed error', async (_what, answer, expected) => {
    expect(await answered(answer)).toMatchObject({ error: 'token_request_failed', status: 502, ...expected });
    expect(ehr.requests).toHaveLength(1);
  });

  it.each(['javascript:alert(1)', 'http://ehr.example.org/e', 'https://e/ x', 7])(
    'E-ORA-1 keeps no error_uri that is not an https URL: %s',
    async (uri) => {
      const refused = await answered({ status: 400, json: { error: 'invalid_request', error_uri: uri } });
      expect(refused).toMatchObject({ error: 'token_request_failed', oauthError: 'invalid_request' });
      expect(refused).not.toHaveProperty('errorUri');
    },
  );

  it.each(['a b', 'x\ny', '', 'x'.repeat(101), { a: 1 }])(
    'C-28 repeats no error code that is not one: %j',
    async (error) => {
      const refused = await answered({ status: 400, json: { error } });
      expect(refused).toMatchObject({ error: 'token_request_failed' });
      expect(refused).not.toHaveProperty('oauthError');
    },
  );

  it('C-19 says nothing of what was sent or answered', async () => {
    const json = { error: 'invalid_grant', error_description: 'canary-text', refresh_token: 'canary-token' };
    const refused = await answered({ status: 400, json });
    expect(inspect(refused, { depth: 9, showHidden: true })).not.toMatch(/canary|code-1|verifier-1/);
  });
});

describe('the token response', () => {
  it.each(['Bearer', 'bearer', 'bEARER'])('A7-4 is taken with token_type %s', async (token_type) => {
    const json = { ...GRANTED, token_type, patient: 'p1', __x: { a: [1] } };
    expect(await answered({ json })).toEqual(json);
  });

  it.each([['mac'], ['DPoP'], ['N_A'], [undefined], [null], [''], [7]])(
    'A7-4 is refused with token_type %j',
    async (token_type) => {
      const refused = await answered({ json: { ...GRANTED, token_type } });
      expect(refused).toMatchObject({ error: 'invalid_token_response' });
      expect(inspect(refused, { depth: 9 })).not.toContain('access-1');
    },
  );

  it.each([[''], [null], [7], [{}]])('A7-4 is refused with access_token %j', async (access_token) => {
    const refused = await answered({ json: { ...GRANTED, access_token } });
    expect(refused).toMatchObject({ error: 'invalid_token_response' });
  });

  it.each([['3600'], [-1], ['abc'], [null], [0]])('A7-5 is taken with expires_in %j', async (expires_in) => {
    const json = { ...GRANTED, expires_in };
    expect(await answered({ json })).toEqual(json);
  });

  it('T-3 is taken with an id_token that is for the verifier to judge', async () => {
    const json = { ...GRANTED, id_token: 'not.a.jwt' };
    expect(await answered({ json })).toEqual(json);
  });

  it('C-27 cannot reach a prototype', async () => {
    const text = '{"access_token":"access-1","token_type":"Bearer","__proto__":{"polluted":true}}';
    const json = await answered({ text });
    expect(json).toEqual({ access_token: 'access-1', token_type: 'Bearer' });
    expect(json).not.toHaveProperty('polluted');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});
