import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt, exportJWK, generateKeyPair } from 'jose';
import { EhrServer } from '../../test/support/ehr-server.js';
import type { EhrAnswer } from '../../test/support/ehr-server.js';
import { httpClient } from '../../test/support/launch-parts.js';
import { registrationOf } from '../../test/support/registration.js';
import type { ServerSettings } from '../../test/support/registration.js';
import type { ClientAuthenticationConfiguration } from '../ehr/known-fhir-server.js';
import type { SmartConfiguration } from '../ehr/smart-configuration.js';
import { SmartError, unwrap } from '../smart-error.js';
import { createAuthorizationRequest } from './authorization-request.js';
import type { AuthorizationRequest } from './authorization-request.js';
import { pushedIfWanted } from './pushed-authorization-request.js';

const REQUEST_URI = 'urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c';
const ACCEPTED = { status: 201, json: { request_uri: REQUEST_URI, expires_in: 60 } };
const PUSHED: ServerSettings = { pushedAuthorizationRequests: true };
const http = httpClient();
let ehr: EhrServer;

beforeAll(async () => {
  ehr = await EhrServer.start();
});
afterAll(async () => {
  await http.close();
  await ehr.close();
});
beforeEach(() => {
  ehr.reset();
  ehr.respondWith(() => ACCEPTED);
});

interface Situation {
  settings?: ServerSettings;
  server?: Partial<SmartConfiguration>;
  authentication?: ClientAuthenticationConfiguration;
  client?: typeof http;
}

async function launch({ settings = PUSHED, server, authentication, client = http }: Situation = {}) {
  const registration = registrationOf({ clientId: 'my-app', ...settings }, authentication);
  const configuration: SmartConfiguration = {
    authorization_endpoint: `${ehr.url}/authorize`,
    token_endpoint: `${ehr.url}/token`,
    pushed_authorization_request_endpoint: `${ehr.url}/par`,
    capabilities: [],
    ...server,
  };
  const built = unwrap(await createAuthorizationRequest(registration, configuration, { launch: 'xyz' }));
  return { built, sent: await pushedIfWanted(client, registration, configuration, built) };
}

const requestOf = async (situation?: Situation): Promise<AuthorizationRequest> =>
  unwrap((await launch(situation)).sent);

async function refused(answer: EhrAnswer): Promise<SmartError> {
  ehr.respondWith(() => answer);
  const { sent } = await launch();
  if (sent instanceof SmartError) return sent;
  throw new Error('it was not refused');
}

describe('a pushed authorization request', () => {
  it('C-23 is posted as it would have been sent, and leaves the browser client_id and request_uri', async () => {
    const { built, sent } = await launch({ settings: { ...PUSHED, resource: true } });
    const [pushed] = ehr.requests;
    expect([ehr.requests.length, pushed!.method, pushed!.target]).toEqual([1, 'POST', '/par']);
    expect(pushed!.headers['content-type']).toMatch(/^application\/x-www-form-urlencoded\b/);
    expect([...pushed!.form].sort()).toEqual([...new URL(built.url).searchParams].sort());
    expect(Object.fromEntries(pushed!.form)).toMatchObject({
      launch: 'xyz',
      aud: 'https://ehr.example.org/fhir',
      resource: 'https://ehr.example.org/fhir',
      state: built.state,
    });
    const url = new URL(unwrap(sent).url);
    expect(url.origin + url.pathname).toBe(`${ehr.url}/authorize`);
    expect([...url.searchParams].sort()).toEqual([
      ['client_id', 'my-app'],
      ['request_uri', REQUEST_URI],
    ]);
  });

  it('C-23 is pushed anew for each launch', async () => {
    let pushes = 0;
    ehr.respondWith(() => ({ status: 201, json: { request_uri: `urn:x:${++pushes}`, expires_in: 60 } }));
    const urls = [(await requestOf()).url, (await requestOf()).url];
    expect(urls.map((url) => new URL(url).searchParams.get('request_uri'))).toEqual(['urn:x:1', 'urn:x:2']);
  });

  it('C-23 keeps the query of the authorization endpoint in the URL, and out of what is pushed', async () => {
    const { url } = await requestOf({
      server: { authorization_endpoint: `${ehr.url}/authorize?tenant=a?b&state=old` },
    });
    expect([...new URL(url).searchParams.keys()].sort()).toEqual(['client_id', 'request_uri', 'tenant']);
    expect(new URL(url).searchParams.get('tenant')).toBe('a?b');
    expect(ehr.requests[0]!.form.has('tenant')).toBe(false);
  });

  it('C-23 needs no form, however long it is', async () => {
    const scope = Array.from({ length: 200 }, (_, n) => `patient/Type${n}.rs`).join(' ');
    const situation = { settings: { ...PUSHED, scope }, server: { capabilities: ['authorize-post'] } };
    const { built, sent } = await launch(situation);
    expect([built.form !== undefined, unwrap(sent).form]).toEqual([true, undefined]);
  });

  it('C-23 authenticates with a secret as the token request does', async () => {
    const secret = { type: 'confidential-symmetric', clientSecret: 's3cret' } as const;
    await requestOf({ authentication: { ...secret, method: 'client_secret_basic' } });
    await requestOf({ authentication: { ...secret, method: 'client_secret_post' } });
    expect(ehr.requests[0]!.headers.authorization).toBe(`Basic ${btoa('my-app:s3cret')}`);
    expect(ehr.requests[0]!.form.has('client_secret')).toBe(false);
    expect(ehr.requests[1]!.form.get('client_secret')).toBe('s3cret');
  });

  it('C-23 authenticates with a new client assertion', async () => {
    const pair = await generateKeyPair('ES384', { extractable: true });
    const privateKey = { ...(await exportJWK(pair.privateKey)), kid: 'key-1', alg: 'ES384' };
    await requestOf({
      authentication: { type: 'confidential-asymmetric', method: 'private_key_jwt', privateKey },
    });
    const claims = decodeJwt(ehr.requests[0]!.form.get('client_assertion')!);
    expect(claims).toMatchObject({ iss: 'my-app', sub: 'my-app', aud: `${ehr.url}/token` });
  });
});

describe('whether a request is pushed', () => {
  const REQUIRED = { require_pushed_authorization_requests: true };

  it.each<[string, ServerSettings, Partial<SmartConfiguration>, boolean]>([
    ['the server offers it', {}, {}, false],
    ['the server requires it', {}, REQUIRED, true],
    ['the server requires it, ifRequired', { pushedAuthorizationRequests: 'ifRequired' }, REQUIRED, true],
    ['the server offers it, ifRequired', { pushedAuthorizationRequests: 'ifRequired' }, {}, false],
    ['it is switched on', PUSHED, {}, true],
    ['it is switched off', { pushedAuthorizationRequests: false }, REQUIRED, false],
  ])('C-23 %s', async (_when, settings, server, isPushed) => {
    const { built, sent } = await launch({ settings, server });
    expect(ehr.to('/par')).toHaveLength(isPushed ? 1 : 0);
    if (!isPushed) expect(sent).toBe(built);
  });

  it('C-23 is an error where it must be and the server names no endpoint', async () => {
    const { sent } = await launch({ server: { pushed_authorization_request_endpoint: undefined } });
    expect(sent).toMatchObject({
      error: 'discovery_failed',
      message: expect.stringContaining('no pushed_authorization_request_endpoint'),
    });
  });
});

describe('a push that fails', () => {
  it('C-23 says what the server said, and nothing it quoted', async () => {
    const json = { error: 'invalid_request', error_description: 'launch xyz is c4n4ry' };
    const error = await refused({ status: 400, json });
    expect(error).toMatchObject({
      error: 'authorization_failed',
      oauthError: 'invalid_request',
      status: 502,
    });
    expect(error.message).toBe('The pushed authorization request endpoint refused: invalid_request');
    expect(ehr.requests).toHaveLength(1);
  });

  it.each<[string, EhrAnswer, string]>([
    ['200 instead of 201', { ...ACCEPTED, status: 200 }, 'status 200'],
    ['a redirect', { status: 302, headers: { location: '/elsewhere' } }, 'status 302'],
    ['no request_uri', { status: 201, json: { expires_in: 60 } }, 'status 201'],
    ['a request_uri that is none', { status: 201, json: { request_uri: 'no uri', expires_in: 60 } }, '201'],
    ['a request_uri of 5 kB', { status: 201, json: { request_uri: `urn:${'x'.repeat(5000)}` } }, '201'],
    ['no JSON', { status: 201, text: 'created' }, 'status 201'],
    ['500', { status: 500, text: 'oops' }, 'status 500'],
    ['429 without an error', { status: 429, json: {} }, 'status 429'],
  ])('C-23 is refused: %s', async (_what, answer, reason) => {
    const error = await refused(answer);
    expect(error).toMatchObject({ error: 'authorization_failed', message: expect.stringContaining(reason) });
    expect(ehr.requests).toHaveLength(1);
  });

  it('C-23 takes a lifetime that is none for what it is worth', async () => {
    ehr.respondWith(() => ({ status: 201, json: { request_uri: REQUEST_URI } }));
    expect((await requestOf()).url).toContain('request_uri=');
  });

  it('C-23 C-17 has the deadline and the size limit of every call', async () => {
    const hasty = httpClient(50);
    ehr.respondWith(() => 'silence');
    expect((await launch({ client: hasty })).sent).toMatchObject({ error: 'ehr_timeout', status: 504 });
    await hasty.close();
    expect(await refused('reset')).toMatchObject({ error: 'ehr_unavailable' });
    expect(await refused({ status: 201, text: 'x'.repeat(2 * 1024 * 1024) })).toMatchObject({
      error: 'ehr_unavailable',
    });
  });
});
