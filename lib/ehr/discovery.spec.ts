import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { fakeClock } from '../../test/support/clock.js';
import { RecordingServer, json } from '../../test/support/recording-server.js';
import type { Answerer } from '../../test/support/recording-server.js';
import { registrationOf } from '../../test/support/registration.js';
import type { ServerSettings } from '../../test/support/registration.js';
import { HttpClient } from '../http/http-client.js';
import { unwrap } from '../smart-error.js';
import { Discovery } from './discovery.js';
import type { SmartConfiguration } from './smart-configuration.js';

const DOCUMENT = {
  authorization_endpoint: 'https://as.example.org/auth',
  token_endpoint: 'https://as.example.org/token',
  capabilities: ['launch-ehr'],
};

const server = new RecordingServer();
const http = new HttpClient(
  { timeoutMs: 10_000, maxBytes: 4096 },
  { publicOnly: false, allowLoopback: false },
);
const impatient = new HttpClient(
  { timeoutMs: 40, maxBytes: 4096 },
  { publicOnly: false, allowLoopback: false },
);
let discovery: Discovery;

beforeAll(() => server.start());
beforeEach(() => {
  server.reset(json(DOCUMENT));
  discovery = new Discovery(http, { allowHttp: true, discoveryTtlMs: 60_000 });
});
afterAll(async () => {
  await server.close();
  await Promise.all([http.close(), impatient.close()]);
});

function discover(path = '/fhir', settings: ServerSettings = {}, by = discovery) {
  return by.discover(registrationOf({ iss: server.url + path, ...settings }));
}

async function configuration(...given: Parameters<typeof discover>): Promise<SmartConfiguration> {
  return unwrap(await discover(...given));
}

const asked = () => server.requests.map(({ method, url }) => `${method} ${url}`);

describe('the request', () => {
  it.each([
    ['/a/b', '/a/b'],
    ['/a/b/', '/a/b'],
    ['', ''],
    ['/', ''],
  ])('A2-1 for the base %j goes below its path, with one slash', async (base, path) => {
    await configuration(base);

    expect(asked()).toEqual([`GET ${path}/.well-known/smart-configuration`]);
  });

  it('A2-2 asks for JSON, with neither cookies nor Authorization', async () => {
    await configuration();

    const { headers } = server.requests[0]!;
    expect(headers.accept).toBe('application/json');
    expect(Object.keys(headers).sort()).toEqual(['accept', 'connection', 'host']);
  });
});

describe('the cache', () => {
  it('A2-10 asks once for 20 launches at the same time, and for those that follow', async () => {
    const found = await Promise.all(Array.from({ length: 20 }, () => configuration()));
    await configuration();

    expect(asked()).toHaveLength(1);
    expect(found.every(({ token_endpoint }) => token_endpoint === DOCUMENT.token_endpoint)).toBe(true);
  });

  it('A2-10 remembers no failure', async () => {
    server.reset(json({}, 500));
    const failed = await Promise.all([discover(), discover()]);
    expect(failed).toMatchObject([{ error: 'discovery_failed' }, { error: 'discovery_failed' }]);
    expect(asked()).toHaveLength(1);

    server.answer = json(DOCUMENT);

    expect((await configuration()).token_endpoint).toBe(DOCUMENT.token_endpoint);
  });

  it('A2-10 asks again after it was told to forget', async () => {
    await configuration();
    server.answer = json({ ...DOCUMENT, token_endpoint: 'https://as.example.org/moved' });
    expect((await configuration()).token_endpoint).toBe(DOCUMENT.token_endpoint);

    discovery.forget(`${server.url}/fhir`);

    expect((await configuration()).token_endpoint).toBe('https://as.example.org/moved');
  });

  it('A2-10 asks again when what it remembers is too old', async () => {
    const clock = fakeClock();
    try {
      await configuration();
      clock.advance(59_000);
      await configuration();
      expect(asked()).toHaveLength(1);

      clock.advance(2_000);
      await configuration();
      expect(asked()).toHaveLength(2);
    } finally {
      clock.restore();
    }
  });

  it('A2-10 remembers no more than a thousand servers, the last ones', async () => {
    await configuration('/first');
    for (let n = 0; n < 1_000; n += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, more) => configuration(`/${n + more}`)));
    }
    server.requests.length = 0;

    await configuration('/999');
    expect(asked()).toEqual([]);
    await configuration('/first');
    expect(asked()).toHaveLength(1);
  });

  it('A2-10 keeps servers apart that share a host', async () => {
    server.answer = ({ url }, response) =>
      json({ ...DOCUMENT, token_endpoint: `https://as.example.org${url}` })({ url } as never, response);

    const [a, b] = await Promise.all([configuration('/a'), configuration('/b')]);

    expect(a.token_endpoint).toContain('/a/');
    expect(b.token_endpoint).toContain('/b/');
  });

  it('A2-3 resolves relative endpoints for each form of the base, whichever came first', async () => {
    server.answer = json({ ...DOCUMENT, token_endpoint: 'token' });

    const endpoints = [
      (await configuration('/fhir')).token_endpoint,
      (await configuration('/fhir/')).token_endpoint,
    ];

    expect(endpoints).toEqual([`${server.url}/token`, `${server.url}/fhir/token`]);
  });
});

describe('an answer that cannot be used', () => {
  const text =
    (body: string, status = 200, type = 'application/json'): Answerer =>
    (_request, response) =>
      response.writeHead(status, { 'content-type': type }).end(body);

  it.each<[string, Answerer, RegExp]>([
    ['404', text('c4n4ry', 404), /status 404/],
    ['500 with a document', json({ ...DOCUMENT, c4n4ry: 1 }, 500), /status 500/],
    ['204', text('', 204), /status 204/],
    ['HTML', text('<html>c4n4ry</html>', 200, 'text/html'), /not a JSON object/],
    ['broken JSON', text('{"c4n4ry":'), /not a JSON object/],
    ['an array', text('["c4n4ry"]'), /not a JSON object/],
    ['null', text('null'), /not a JSON object/],
    ['nothing', text(''), /not a JSON object/],
    ['too much', text(JSON.stringify({ ...DOCUMENT, c4n4ry: 'x'.repeat(5000) })), /larger than 4096 bytes/],
    ['no token_endpoint', json({ authorization_endpoint: 'https://c4n4ry/' }), /token_endpoint is missing/],
    ['a connection that breaks', (_request, response) => response.destroy(), /could not be read/],
  ])('A2-12 is an error with host and reason, and without its text: %s', async (_, answer, reason) => {
    server.answer = answer;

    const error = await discover();

    expect(error).toMatchObject({ error: 'discovery_failed', status: 502 });
    const { message } = error as Error;
    expect(message).toMatch(reason);
    expect(message).toContain(`127.0.0.1:${server.port}`);
    expect(JSON.stringify([error, message, (error as Error).cause])).not.toContain('c4n4ry');
  });

  it('A2-12 reads a document that is announced as something else', async () => {
    server.answer = text(JSON.stringify(DOCUMENT), 200, 'text/plain');

    expect((await configuration()).token_endpoint).toBe(DOCUMENT.token_endpoint);
  });

  it('A2-12 that does not come in time is a time-out of its own', async () => {
    server.answer = () => undefined;

    const error = await discover(
      '/fhir',
      {},
      new Discovery(impatient, { allowHttp: true, discoveryTtlMs: 1000 }),
    );

    expect(error).toMatchObject({ error: 'discovery_timeout', status: 504 });
  });

  it('C-16 is a redirect that never ends: three are followed', async () => {
    server.answer = (_request, response) => response.writeHead(302, { location: '/elsewhere' }).end();

    expect(await discover()).toMatchObject({ error: 'discovery_failed' });
    expect(asked()).toHaveLength(4);
  });

  it.each(['http://localhost:1/fhir', 'ftp://127.0.0.1/x', 'http://['])(
    'C-16 is a redirect to %s, which is not followed',
    async (location) => {
      server.answer = (_request, response) => response.writeHead(307, { location }).end();

      expect(await discover()).toMatchObject({ error: 'discovery_failed' });
      expect(asked()).toHaveLength(1);
    },
  );

  it('C-16 is a redirect to http on the same host, which is not followed outside development', async () => {
    server.answer = (request, response) =>
      request.url === '/moved'
        ? json(DOCUMENT)(request, response)
        : void response.writeHead(302, { location: '/moved' }).end();
    const production = new Discovery(http, { allowHttp: false, discoveryTtlMs: 60_000 });

    expect(await discover('/fhir', {}, production)).toMatchObject({ error: 'discovery_failed' });
    expect(asked()).toHaveLength(1);
    expect(await configuration()).toMatchObject(DOCUMENT);
  });

  it.each(['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'revocation_endpoint'])(
    'A2-11 is one whose %s uses http',
    async (name) => {
      server.answer = json({ ...DOCUMENT, [name]: 'http://as.example.org/x' });
      const production = new Discovery(http, { allowHttp: false, discoveryTtlMs: 60_000 });

      const error = await discover('/fhir', {}, production);

      expect(error).toMatchObject({
        error: 'discovery_failed',
        message: expect.stringContaining(`${name} must use https`),
      });
    },
  );
});

describe('endpoints set by hand', () => {
  const endpoints = { authorization: 'https://own.example/auth', token: 'https://own.example/token' };

  it('E-ORA-4 beat those of the document, and leave the others', async () => {
    server.answer = json({ ...DOCUMENT, issuer: 'https://as.example.org' });

    expect(await configuration('/fhir', { endpoints: { authorization: endpoints.authorization } })).toEqual({
      ...DOCUMENT,
      issuer: 'https://as.example.org',
      authorization_endpoint: endpoints.authorization,
    });
  });

  it('E-AZ-1 need no request when they are complete', async () => {
    const all = {
      ...endpoints,
      issuer: 'https://own.example',
      jwks: 'https://own.example/jwks',
      introspection: '/introspect',
      revocation: '/revoke',
      endSession: '/end',
      pushedAuthorization: '/par',
    };

    expect(await configuration('/fhir', { endpoints: all })).toEqual({
      issuer: 'https://own.example',
      authorization_endpoint: endpoints.authorization,
      token_endpoint: endpoints.token,
      jwks_uri: 'https://own.example/jwks',
      introspection_endpoint: `${server.url}/introspect`,
      revocation_endpoint: `${server.url}/revoke`,
      end_session_endpoint: `${server.url}/end`,
      pushed_authorization_request_endpoint: `${server.url}/par`,
      capabilities: [],
    });
    expect(server.connections).toBe(0);
  });

  it('A1-4 are those of one registration, though the document is shared', async () => {
    const [own, plain] = [
      await configuration('/fhir', { endpoints: { token: endpoints.token } }),
      await configuration(),
    ];

    expect([own.token_endpoint, plain.token_endpoint]).toEqual([endpoints.token, DOCUMENT.token_endpoint]);
    expect(asked()).toHaveLength(1);
  });

  it.each(['http://own.example/token', 'https://u:p@own.example/token', 'https://own.example/#'])(
    'A2-11 pass the same checks: %s',
    async (token) => {
      const production = new Discovery(http, { allowHttp: false, discoveryTtlMs: 60_000 });

      const error = await discover('/fhir', { endpoints: { ...endpoints, token } }, production);

      expect(error).toMatchObject({
        error: 'discovery_failed',
        message: expect.stringContaining('endpoints.token'),
      });
    },
  );
});
