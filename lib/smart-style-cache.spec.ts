import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RecordingServer, json } from '../test/support/recording-server.js';
import { HttpClient } from './http/http-client.js';
import { SmartStyleCache } from './smart-style-cache.js';

const LIMITS = { timeoutMs: 10_000, maxBytes: 1024 * 1024 };
const server = new RecordingServer();
const http = new HttpClient(LIMITS, { publicOnly: false, allowLoopback: false });
const guarded = new HttpClient(LIMITS, { publicOnly: true, allowLoopback: false });

beforeAll(() => server.start());
beforeEach(() => server.reset(json({ color_text: 'red' })));
afterAll(async () => {
  await server.close();
  await Promise.all([http.close(), guarded.close()]);
});

function styles(client = http, allowHttp = true): SmartStyleCache {
  return new SmartStyleCache(client, { allowHttp, discoveryTtlMs: 60_000 });
}

describe('smart_style_url', () => {
  it('A7-16 is fetched over https only, but for development', async () => {
    const url = `${server.url}/style`;

    expect(await styles(http, false).get(url, true)).toMatchObject({ error: 'invalid_fhir_response' });
    expect(server.connections).toBe(0);
    expect(await styles().get(url, true)).toEqual({ color_text: 'red' });
  });

  it('A7-16 is fetched from a public address only, where nobody vouches for the EHR', async () => {
    const url = `${server.url}/style`;

    expect(await styles(guarded).get(url, false)).toMatchObject({ error: 'ehr_unavailable' });
    expect(server.connections).toBe(0);
  });

  it('A7-16 is remembered by its URL, a failure is not', async () => {
    const cache = styles();
    server.answer = json({}, 500);
    expect(await cache.get(`${server.url}/a`, true)).toMatchObject({ error: 'invalid_fhir_response' });

    server.answer = ({ url }, response) =>
      json({ color_text: url === '/a' ? 'red' : 'blue' })({} as never, response);
    for (const path of ['/a', '/a', '/b', '/b']) {
      expect(await cache.get(server.url + path, true)).toEqual({
        color_text: path === '/a' ? 'red' : 'blue',
      });
    }

    expect(server.requests.map(({ url }) => url)).toEqual(['/a', '/a', '/b']);
  });

  it('A7-16 is asked for with no token and no cookie', async () => {
    await styles().get(`${server.url}/style`, true);

    expect(Object.keys(server.requests[0]!.headers).sort()).toEqual(['accept', 'connection', 'host']);
  });

  it.each([
    [64 * 1024, true],
    [64 * 1024 + 1, false],
  ])('A7-16 may have 64 kB: %i bytes', async (bytes, isTaken) => {
    const text = JSON.stringify({ color_text: 'red', pad: '' });
    const body = text.replace('""', `"${'x'.repeat(bytes - text.length)}"`);
    server.answer = (_request, response) => response.end(body);

    const style = await styles().get(`${server.url}/style`, true);

    expect(style).toMatchObject(isTaken ? { color_text: 'red' } : { error: 'ehr_unavailable' });
  });
});
