import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { fakeClock } from '../../test/support/clock.js';
import { EhrServer } from '../../test/support/ehr-server.js';
import type { EhrAnswer } from '../../test/support/ehr-server.js';
import { httpClient } from '../../test/support/launch-parts.js';
import { HttpClient } from '../http/http-client.js';
import { JwksCache } from './jwks.js';

const TTL_MS = 10 * 60_000;
const http = httpClient();
const set = (...kids: string[]) => ({ keys: kids.map((kid) => ({ kty: 'EC', kid })) });

let ehr: EhrServer;
let uri: string;
let cache: JwksCache;
let clock: ReturnType<typeof fakeClock>;

beforeAll(async () => {
  ehr = await EhrServer.start();
  uri = `${ehr.url}/jwks`;
});
afterAll(async () => {
  await http.close();
  await ehr.close();
});
beforeEach(() => {
  clock = fakeClock();
  cache = new JwksCache(http, TTL_MS);
  ehr.reset();
  ehr.respondWith(() => ({ json: set('a') }));
});
afterEach(() => clock.restore());

describe('the keys of a server', () => {
  it('B-19 are fetched once, by any number of logins at once', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => cache.get(uri)));
    expect(all.every((keys) => keys.keys[0]?.kid === 'a')).toBe(true);
    expect(await cache.get(uri)).toEqual(set('a'));
    expect(ehr.requests).toHaveLength(1);
  });

  it('are fetched again when they have grown old', async () => {
    await cache.get(uri);
    ehr.respondWith(() => ({ json: set('b') }));
    clock.advance(TTL_MS - 1);
    expect(await cache.get(uri)).toEqual(set('a'));
    clock.advance(1);
    expect(await cache.get(uri)).toEqual(set('b'));
  });

  it('are asked for without cookies or authorization', async () => {
    await cache.get(uri);
    const { method, headers } = ehr.requests[0]!;
    expect(method).toBe('GET');
    expect(headers.accept).toContain('application/json');
    expect(headers).not.toHaveProperty('authorization');
    expect(headers).not.toHaveProperty('cookie');
  });

  it('leave out what is no key', async () => {
    ehr.respondWith(() => ({ json: { keys: [null, 'a', 7, { kty: 'EC', kid: 'b' }] } }));
    expect(await cache.get(uri)).toEqual(set('b'));
  });
});

describe('the keys that a stranger names', () => {
  it('C-17 are a hundred at most, and of each only what verifies a signature', async () => {
    const key = { kty: 'EC', kid: 'a', crv: 'P-256', x: 'x', y: 'y', use: 'sig', key_ops: ['verify'] };
    const padded = { ...key, x5c: ['x'.repeat(100)], mine: [[[]]], alg: 'x'.repeat(5_000), e: null, n: 7 };
    ehr.respondWith(() => ({ json: { keys: Array.from({ length: 150 }, () => padded) } }));
    expect(await cache.get(uri)).toEqual({ keys: Array.from({ length: 100 }, () => key) });
  });

  it('C-14 are not the ones that were read for a known EHR at an address of the inside', async () => {
    const guarded = new HttpClient(
      { timeoutMs: 10_000, maxBytes: 1024 * 1024 },
      { publicOnly: true, allowLoopback: false },
    );
    const shared = new JwksCache(guarded, TTL_MS);
    expect(await shared.get(uri, true)).toEqual(set('a'));
    await expect(shared.get(uri)).rejects.toThrow('not public');
    await guarded.close();
  });

  it('B-17 B-18 do not keep a known EHR from asking for its own rotated key', async () => {
    const [known, any] = [await cache.get(uri, true), await cache.get(uri, false)];
    await cache.getAgain(uri, any, false);
    ehr.respondWith(() => ({ json: set('a', 'b') }));
    expect(await cache.getAgain(uri, known, true)).toEqual(set('a', 'b'));
  });
});

describe('a key that is not known', () => {
  it('B-17 makes us ask again once in 30 s', async () => {
    const keys = await cache.get(uri);
    const again = await cache.getAgain(uri, keys);
    expect(again).toEqual(set('a'));
    for (let attempt = 0; attempt < 10; attempt++) expect(await cache.getAgain(uri, again!)).toBeUndefined();
    expect(ehr.requests).toHaveLength(2);
    clock.advance(29_999);
    expect(await cache.getAgain(uri, again!)).toBeUndefined();
    clock.advance(1);
    expect(await cache.getAgain(uri, again!)).toEqual(set('a'));
    expect(ehr.requests).toHaveLength(3);
  });

  it('B-17 does not make us ask again at once when asking failed', async () => {
    const keys = await cache.get(uri);
    ehr.respondWith(() => ({ status: 503 }));
    await expect(cache.getAgain(uri, keys)).rejects.toThrow('503');
    expect(await cache.getAgain(uri, keys)).toBeUndefined();
    expect(await cache.get(uri)).toEqual(set('a'));
    expect(ehr.requests).toHaveLength(2);
  });

  it('B-18 is found by every login that waits for the same rotated keys', async () => {
    const keys = await cache.get(uri);
    ehr.respondWith(() => ({ json: set('a', 'b') }));
    const all = await Promise.all(Array.from({ length: 5 }, () => cache.getAgain(uri, keys)));
    expect(all).toEqual(Array.from({ length: 5 }, () => set('a', 'b')));
    expect(ehr.requests).toHaveLength(2);
  });

  it('B-18 is found by a login that began before another one fetched the rotated keys', async () => {
    const keys = await cache.get(uri);
    ehr.respondWith(() => ({ json: set('a', 'b') }));
    await cache.getAgain(uri, keys);
    expect(await cache.getAgain(uri, keys)).toEqual(set('a', 'b'));
    expect(ehr.requests).toHaveLength(2);
  });
});

describe('a JWKS that cannot be used', () => {
  it.each<[string, EhrAnswer, string]>([
    ['a status', { status: 500 }, 'The JWKS answered with status 500'],
    ['HTML', { text: '<html>' }, 'The JWKS is not a JWK set'],
    ['a list', { json: [] }, 'The JWKS is not a JWK set'],
    ['keys that are no list', { json: { keys: {} } }, 'The JWKS is not a JWK set'],
    ['no keys', { json: {} }, 'The JWKS is not a JWK set'],
    ['C-17 too many bytes', { text: Buffer.alloc(1024 * 1024 + 1, 32) }, 'larger than'],
    ['a broken connection', 'reset', '127.0.0.1'],
  ])('%s: an error that is not remembered', async (_what, answer, message) => {
    ehr.respondWith(() => answer);
    await expect(cache.get(uri)).rejects.toThrow(message);
    ehr.respondWith(() => ({ json: set('a') }));
    expect(await cache.get(uri)).toEqual(set('a'));
  });

  it.each([301, 302, 307])('C-16 is not looked for where it redirects to: %d', async (status) => {
    const target = await EhrServer.start(() => ({ json: set('evil') }));
    try {
      ehr.respondWith(() => ({ status, headers: { location: `${target.url}/jwks` } }));
      await expect(cache.get(uri)).rejects.toThrow(String(status));
      expect(target.requests).toEqual([]);
    } finally {
      await target.close();
    }
  });
});
