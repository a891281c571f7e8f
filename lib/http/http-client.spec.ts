import { getEventListeners, once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RecordingServer } from '../../test/support/recording-server.js';
import { rejection } from '../../test/support/rejection.js';
import { HttpClient } from './http-client.js';
import type { HttpRequest } from './http-client.js';
import { HttpFailure } from './http-failure.js';

const LIMITS = { timeoutMs: 10_000, maxBytes: 1024 };
const server = new RecordingServer();
const clients: HttpClient[] = [];

function client(egress: Partial<ConstructorParameters<typeof HttpClient>[1]> = {}): HttpClient {
  const made = new HttpClient(LIMITS, { publicOnly: false, allowLoopback: false, ...egress });
  clients.push(made);
  return made;
}

beforeAll(() => server.start());
afterAll(async () => {
  await server.close();
  for (const made of clients) await made.close();
});

const http = client();

function get(path = '/', request: Partial<HttpRequest> = {}) {
  return http.send({ method: 'GET', url: new URL(path, server.url), ...request });
}

const failure = (call: Promise<unknown>) => rejection(call, HttpFailure);

describe('an answered call', () => {
  it('has status, headers by name and the body as bytes, whatever the status', async () => {
    server.reset((_request, response) =>
      response.writeHead(418, { 'X-Tea': ['green', 'black'], ETag: 'W/"1"' }).end('short and stout'),
    );

    const answer = await get();

    expect(answer.status).toBe(418);
    expect(answer.body.toString()).toBe('short and stout');
    expect([answer.header('x-tea'), answer.header('etag'), answer.header('age')]).toEqual([
      'green, black',
      'W/"1"',
      undefined,
    ]);
  });

  it('sends method, path, headers and body as given, and nothing of its own that tells', async () => {
    server.reset((_request, response) => response.end());

    await get('/token?x=%2F', { method: 'POST', body: 'a=b', headers: { 'x-own': '1' } });

    const [{ method, url, body, headers }] = server.requests as [(typeof server.requests)[0]];
    expect([method, url, body]).toEqual(['POST', '/token?x=%2F', 'a=b']);
    expect(Object.keys(headers).sort()).toEqual(['connection', 'content-length', 'host', 'x-own']);
  });

  it('A2-2 keeps no cookies', async () => {
    server.reset((_request, response) => response.setHeader('set-cookie', 'spy=1; Path=/').end());

    await get();
    await get();

    expect(server.requests.map(({ headers }) => headers.cookie)).toEqual([undefined, undefined]);
  });
});

describe('redirects', () => {
  it.each([301, 302, 303, 307, 308])('C-16 does not follow a %i', async (status) => {
    server.reset((_request, response) => response.writeHead(status, { location: '/target' }).end());

    const answer = await get('/start', { method: 'POST', body: 'code=secret' });

    expect([answer.status, answer.header('location')]).toEqual([status, '/target']);
    expect(server.requests.map(({ url }) => url)).toEqual(['/start']);
  });
});

describe('abort signal', () => {
  it('ends a call that waits for headers', async () => {
    const controller = new AbortController();
    server.reset(() => controller.abort());

    expect((await failure(get('/', { signal: controller.signal }))).kind).toBe('aborted');
  });

  it('ends a call that reads the body, and hangs up', async () => {
    const controller = new AbortController();
    const hungUp = new Promise<void>((resolve) => {
      server.reset((_request, response) => {
        response.on('close', resolve).write('x', () => controller.abort());
      });
    });

    expect((await failure(get('/', { signal: controller.signal }))).kind).toBe('aborted');
    await hungUp;
  });

  it('sends nothing when it was aborted before', async () => {
    server.reset((_request, response) => response.end());

    expect((await failure(get('/', { signal: AbortSignal.abort() }))).kind).toBe('aborted');
    expect(server.requests).toEqual([]);
  });

  it('sends nothing when it is aborted while the connection is made', async () => {
    server.reset((_request, response) => response.end());
    const fresh = client();
    const controller = new AbortController();
    const aborted = failure(
      fresh.send({ method: 'GET', url: new URL('/aborted', server.url), signal: controller.signal }),
    );
    controller.abort();

    expect((await aborted).kind).toBe('aborted');
    await fresh.send({ method: 'GET', url: new URL('/next', server.url) });
    // lets what was queued before go out
    await fresh.close();
    expect(server.requests.map(({ url }) => url)).toEqual(['/next']);
  });

  it('leaves no listener on a signal that lives longer than the call', async () => {
    const { signal } = new AbortController();
    server.reset((_request, response) => response.end());

    await get('/', { signal });

    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('a connection that fails', () => {
  it('names the host and the code when nobody listens', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await once(closed, 'close');

    const error = await failure(
      http.send({ method: 'GET', url: new URL(`http://127.0.0.1:${port}/secret`) }),
    );

    expect(error).toMatchObject({ kind: 'network', host: `127.0.0.1:${port}`, code: 'ECONNREFUSED' });
    expect(error.message).not.toContain('secret');
  });

  it('A7-3 sends a POST whose connection breaks once', async () => {
    server.reset((_request, response) => response.destroy());

    expect((await failure(get('/token', { method: 'POST', body: 'code=c' }))).kind).toBe('network');
    expect(server.requests).toHaveLength(1);
  });

  it('refuses a body that ends too early', async () => {
    server.reset((_request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"a":1}', () => response.destroy());
    });

    expect((await failure(get())).kind).toBe('network');
  });
});

describe('a server that anybody named', () => {
  it.each(['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '[::ffff:7f00:1]'])(
    'C-14 opens no connection to %s',
    async (host) => {
      server.reset((_request, response) => response.end());
      const url = new URL(`http://${host}:${server.port}/fhir`);

      const { kind } = await failure(client({ publicOnly: true }).send({ method: 'GET', url }));

      expect(kind).toBe('refused');
      expect(server.connections).toBe(0);
    },
  );

  it('C-14 does not follow a public server to a private address', async () => {
    server.reset((_request, response) =>
      response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end(),
    );

    const open = client({ publicOnly: true, allowLoopback: true });

    expect((await open.send({ method: 'GET', url: new URL(server.url) })).status).toBe(302);
  });

  it('reaches loopback in development', async () => {
    server.reset((_request, response) => response.end('ok'));
    const development = client({ publicOnly: true, allowLoopback: true });
    const url = new URL(`http://localhost:${server.port}/`);

    expect((await development.send({ method: 'GET', url })).body.toString()).toBe('ok');
  });
});
