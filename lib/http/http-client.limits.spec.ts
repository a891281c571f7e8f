import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RecordingServer } from '../../test/support/recording-server.js';
import { rejection } from '../../test/support/rejection.js';
import { HttpClient } from './http-client.js';
import type { HttpLimits } from './http-client.js';
import { HttpFailure } from './http-failure.js';

const server = new RecordingServer();
const http = new HttpClient(
  { timeoutMs: 10_000, maxBytes: 1024 },
  { publicOnly: false, allowLoopback: false },
);

beforeAll(() => server.start());
afterAll(async () => {
  await server.close();
  await http.close();
});

function get(limits: Partial<HttpLimits> = {}) {
  return http.send({ method: 'GET', url: new URL(server.url), limits });
}

const failure = (call: Promise<unknown>) => rejection(call, HttpFailure);

/** Quickly: at its best, brotli takes seconds for a bomb. */
function brotli(data: Buffer): Buffer {
  return brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
}

describe('size limit', () => {
  it('takes a body of exactly the limit', async () => {
    server.reset((_request, response) => response.end(Buffer.alloc(1024)));

    expect((await get()).body).toHaveLength(1024);
  });

  it.each([
    ['announced', { 'content-length': '5242880' }],
    ['unannounced', { 'transfer-encoding': 'chunked' }],
  ])('C-17 stops a huge body whose length is %s', async (_, headers) => {
    server.reset((_request, response) => response.writeHead(200, headers).end(Buffer.alloc(5_242_880, 'x')));

    const { kind, message } = await failure(get());

    expect([kind, message]).toEqual([
      'too_large',
      `127.0.0.1:${server.port}: the body is larger than 1024 bytes`,
    ]);
  });

  it('C-17 stops an endless body and hangs up', async () => {
    const hungUp = new Promise<void>((resolve) => {
      server.reset((_request, response) => {
        const pour = () => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536, 'x')));
        };
        response.on('drain', pour).on('close', resolve);
        pour();
      });
    });

    expect((await failure(get())).kind).toBe('too_large');
    await hungUp;
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotli],
  ])('C-17 counts a %s bomb as what it becomes', async (encoding, compress) => {
    const bomb = compress(Buffer.alloc(20 * 1024 * 1024));
    server.reset((_request, response) => response.writeHead(200, { 'content-encoding': encoding }).end(bomb));

    expect((await failure(get({ maxBytes: 1024 * 1024 }))).kind).toBe('too_large');
  });

  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['GZIP', gzipSync],
    ['deflate', deflateSync],
    ['br', brotli],
    ['Identity', Buffer.from],
  ])('reads a body that came as %s, unasked', async (encoding, compress) => {
    const body = compress(Buffer.from('{"a":1}'));
    server.reset((_request, response) => response.writeHead(200, { 'content-encoding': encoding }).end(body));

    expect((await get()).body.toString()).toBe('{"a":1}');
  });

  it.each(['compress', 'gzip, gzip', 'constructor', '__proto__', 'hasownproperty'])(
    'C-27 refuses the content-encoding %s',
    async (encoding) => {
      server.reset((_request, response) =>
        response.writeHead(200, { 'content-encoding': encoding }).end('x'),
      );

      expect((await failure(get())).kind).toBe('network');
    },
  );

  it('C-17 refuses a damaged compressed body without quoting it', async () => {
    server.reset((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('c4n4ry'),
    );

    const { kind, message } = await failure(get());

    expect([kind, message]).toEqual(['network', `127.0.0.1:${server.port}: the compressed body is damaged`]);
  });

  it('C-17 refuses headers of 64 KiB', async () => {
    server.reset((_request, response) => response.setHeader('x-big', 'x'.repeat(65_536)).end());

    expect(await failure(get())).toMatchObject({ kind: 'network', code: 'UND_ERR_HEADERS_OVERFLOW' });
  });
});

describe('time limit', () => {
  const limits = { timeoutMs: 100 };

  it('C-17 ends a call that gets no headers', async () => {
    server.reset(() => undefined);

    const { kind, message } = await failure(get(limits));

    expect([kind, message]).toEqual(['timeout', `127.0.0.1:${server.port}: no answer within 100 ms`]);
  });

  it('C-17 ends a call whose body trickles: the limit is for the whole call', async () => {
    server.reset((_request, response) => {
      const trickle = setInterval(() => response.write('x'), 5);
      response.on('close', () => clearInterval(trickle));
    });

    expect((await failure(get(limits))).kind).toBe('timeout');
  });
});
