import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

/** What a connection can do wrong, as raw as it comes. */
export type Wire = (response: ServerResponse) => void;

const DRIP_MS = 40;

/** Repeats until the other side hangs up, which it must. */
function drip(response: ServerResponse, write: () => void): void {
  const timer = setInterval(write, DRIP_MS);
  response.once('close', () => clearInterval(timer));
}

function rawly(response: ServerResponse, bytes: string): void {
  response.socket?.end(bytes);
}

const json = { 'content-type': 'application/json' };
const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
const bomb = gzipSync(Buffer.alloc(20 * 1024 * 1024, 0x20));

/** No answer in time. */
export const HANGING: Record<string, Wire> = {
  'never answers': () => undefined,
  'sends its headers byte by byte': (response) => {
    response.socket?.write('HTTP/1.1 200 OK\r\n');
    drip(response, () => response.socket?.write('x'));
  },
  'sends its body byte by byte': (response) => {
    response.writeHead(200, json).write('{');
    drip(response, () => response.write(' '));
  },
  'says for ever that it is working': (response) => drip(response, () => response.writeProcessing()),
};

/** No answer that HTTP would call one. */
export const BROKEN: Record<string, Wire> = {
  'resets the connection': (response) => response.socket?.resetAndDestroy(),
  'hangs up': (response) => response.socket?.end(),
  'breaks off in the middle': (response) => {
    response.writeHead(200, { ...json, 'content-length': '1000' }).write('{"access_token":"half');
    response.once('drain', () => undefined);
    setImmediate(() => response.socket?.destroy());
  },
  'does not speak HTTP': (response) => rawly(response, 'SSH-2.0-OpenSSH_9.6\r\n\r\n'),
  'sends a broken chunk': (response) =>
    rawly(response, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n{}\r\n'),
  'sends two lengths': (response) =>
    rawly(response, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x'),
  'sends 64 KiB of headers': (response) =>
    rawly(response, `HTTP/1.1 200 OK\r\n${'X-Pad: xxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n'.repeat(1_800)}\r\n{}`),
  'compresses with something unknown': (response) =>
    void response.writeHead(200, { ...json, 'content-encoding': '__proto__' }).end('{}'),
  'says gzip and sends none': (response) =>
    void response.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end('{}'),
};

/** More than anybody should read. */
export const HUGE: Record<string, Wire> = {
  'sends 5 MiB': (response) =>
    void response.writeHead(200, json).end(JSON.stringify({ pad: 'x'.repeat(5 * 1024 * 1024) })),
  'sends a bomb of gzip': (response) => {
    response.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end(bomb);
  },
  'never stops sending': (response) => {
    response.writeHead(200, json);
    const chunk = Buffer.alloc(64 * 1024, 0x20);
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on('drain', more);
    more();
  },
};

/** An answer, and no document in it. */
export const UNREADABLE: Record<string, Wire> = {
  'nests JSON eight thousand deep': (response) => void response.writeHead(200, json).end(deep(8_000)),
  'nests JSON two hundred deep': (response) => void response.writeHead(200, json).end(deep(200)),
  'opens 60,000 lists': (response) => void response.writeHead(200, json).end('['.repeat(60_000)),
  'sends HTML': (response) => void response.writeHead(200, json).end('<html></html>'),
  'sends UTF-16': (response) => void response.writeHead(200, json).end(Buffer.from('{"a":1}', 'utf16le')),
};
