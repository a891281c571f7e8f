import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { clientWith } from '../../test/support/client-with.js';
import { fakeClock } from '../../test/support/clock.js';
import { EhrServer } from '../../test/support/ehr-server.js';
import type { EhrAnswer } from '../../test/support/ehr-server.js';
import { httpClient } from '../../test/support/launch-parts.js';
import type { ReadyClient } from '../ready-client.js';
import type { FhirRequestOptions } from './request-options.js';
import { isSmartError } from '../smart-error.js';

const PATIENT = { resourceType: 'Patient', id: '1' } as const;
const http = httpClient();
let ehr: EhrServer;
let fhir: ReadyClient;

beforeAll(async () => void (ehr = await EhrServer.start()));
afterAll(async () => {
  await http.close();
  await ehr.close();
});
beforeEach(() => {
  ehr.reset();
  ({ fhir } = clientWith(`${ehr.url}/fhir`, http));
});

/** These answers, one after another, and then good ones. */
function answer(...answers: EhrAnswer[]): void {
  ehr.respondWith(() => answers.shift() ?? { json: PATIENT });
}

const busy = (status: number, retryAfter?: string): EhrAnswer => ({
  status,
  headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
});

const CALLS = [
  ['GET', () => fhir.request('Patient/1')],
  ['PUT', () => fhir.update(PATIENT)],
  ['DELETE', () => fhir.delete('Patient/1')],
  ['POST', () => fhir.create(PATIENT)],
  ['PATCH', () => fhir.patch('Patient/1', [])],
] as const;
const IDEMPOTENT = ['GET', 'PUT', 'DELETE'];

describe.each(CALLS)('a %s', (method, call) => {
  it('E-ECW-1 that comes too often (429) is sent again when the server says so', async () => {
    answer(busy(429, '0'));
    expect(isSmartError(await call())).toBe(false);
    expect(ehr.requests.map((request) => request.method)).toEqual([method, method]);
  });

  it('to a server that is busy (503) is sent again only where twice does what once does', async () => {
    answer(busy(503, '0'));
    expect(isSmartError(await call())).toBe(!IDEMPOTENT.includes(method));
    expect(ehr.requests).toHaveLength(IDEMPOTENT.includes(method) ? 2 : 1);
  });

  it('whose connection breaks is sent once more only where twice does what once does', async () => {
    answer('reset', 'reset', 'reset');
    expect(await call()).toMatchObject({ error: 'ehr_unavailable' });
    expect(ehr.requests).toHaveLength(IDEMPOTENT.includes(method) ? 2 : 1);
    answer('reset');
    expect(isSmartError(await call())).toBe(!IDEMPOTENT.includes(method));
  });
});

describe('a further try', () => {
  it.each([429, 503])('is for the one who asks to wait, not for every %d', async (status) => {
    answer(busy(status));
    expect(await fhir.request('Patient/1')).toMatchObject({ error: 'fhir_request_failed' });
    expect(ehr.requests).toHaveLength(1);
  });

  it.each([400, 403, 404, 409, 412, 422, 500, 502, 504])('is not made after a %d', async (status) => {
    answer(busy(status, '0'));
    expect(isSmartError(await fhir.request('Patient/1'))).toBe(true);
    expect(ehr.requests).toHaveLength(1);
  });

  it('is one, and more only where the caller wants', async () => {
    answer(busy(429, '0'), busy(429, '0'), busy(429, '0'));
    expect(await fhir.request('Patient/1')).toMatchObject({ status: 429 });
    expect(ehr.requests).toHaveLength(2);
    answer(busy(429, '0'), busy(429, '0'), busy(429, '0'));
    expect(await fhir.request('Patient/1', { retry: { attempts: 4 } })).toEqual(PATIENT);
    expect(ehr.requests).toHaveLength(6);
    answer(busy(429, '0'));
    expect(await fhir.request('Patient/1', { retry: false })).toMatchObject({ status: 429 });
    expect(ehr.requests).toHaveLength(7);
  });

  it('is not waited for longer than was allowed, and the error says how long it would be', async () => {
    answer(busy(429, '30'));
    expect(await fhir.request('Patient/1')).toMatchObject({ status: 429, retryAfterMs: 30_000 });
    answer(busy(429, '1'));
    const options = { retry: { maxDelayMs: 999 } };
    expect(await fhir.request('Patient/1', options)).toMatchObject({ retryAfterMs: 1_000 });
    answer(busy(429, '1'));
    // no time for it before the call's own end
    expect(await fhir.request('Patient/1', { timeout: 900 })).toMatchObject({ retryAfterMs: 1_000 });
    expect(ehr.requests).toHaveLength(3);
  });

  it('is waited for, and the caller can go away meanwhile', async () => {
    const caller = new AbortController();
    ehr.respondWith(() => {
      setImmediate(() => setTimeout(() => caller.abort(), 20));
      return busy(429, '50');
    });
    const options = { signal: caller.signal, retry: { maxDelayMs: 60_000 } };
    expect(await fhir.request('Patient/1', options)).toMatchObject({ error: 'aborted', status: 499 });
    expect(ehr.requests).toHaveLength(1);
  });

  it('of a change that names its version is not made after a broken connection: it would conflict with itself', async () => {
    answer('reset');
    expect(await fhir.update(PATIENT, { ifMatch: '1' })).toMatchObject({ error: 'ehr_unavailable' });
    expect(ehr.requests).toHaveLength(1);
  });

  it('A8-5 is one call: with a token that is refused meanwhile, one refresh', async () => {
    const { fhir: client, asked } = clientWith(`${ehr.url}/fhir`, http);
    answer(busy(503, '0'), { status: 401 });
    expect(await client.request('Patient/1')).toEqual(PATIENT);
    expect(asked).toEqual(['renew access-1']);
    expect(ehr.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer access-1',
      'Bearer access-1',
      'Bearer access-2',
    ]);
  });
});

describe('a date in Retry-After', () => {
  let clock: ReturnType<typeof fakeClock>;
  beforeEach(() => void (clock = fakeClock()));
  afterEach(() => clock.restore());

  it('that is over means now', async () => {
    answer(busy(503, new Date(Date.now() - 5_000).toUTCString()));
    expect(await fhir.request('Patient/1')).toEqual(PATIENT);
    expect(ehr.requests).toHaveLength(2);
  });

  it('that is far means an error that says when', async () => {
    const at = Math.ceil(Date.now() / 1_000) * 1_000 + 60_000;
    answer(busy(503, new Date(at).toUTCString()));
    const refused = await fhir.request('Patient/1');
    expect(refused).toMatchObject({ error: 'fhir_request_failed', retryAfterMs: at - Date.now() });
  });

  it.each(['', 'soon', '-1', '1.5', '9'.repeat(20), 'Fri, 31 Dec 9999 23:59:59 GMT', '2026-01-01'])(
    'or seconds that are none mean nothing: %j',
    async (value) => {
      answer(busy(503, value));
      const refused = await fhir.request('Patient/1');
      expect(refused).toMatchObject({ error: 'fhir_request_failed' });
      expect(refused).not.toHaveProperty('retryAfterMs');
      expect(ehr.requests).toHaveLength(1);
    },
  );
});

describe('the time of a call', () => {
  it('is what the caller says, whatever the HTTP client would wait', async () => {
    ehr.respondWith(() => 'silence');
    expect(await fhir.request('Patient/1', { timeout: 50 })).toMatchObject({
      error: 'ehr_timeout',
      status: 504,
    });
    expect(ehr.requests).toHaveLength(1);
  });

  it('may be longer than the HTTP client’s own', async () => {
    const hasty = httpClient(1);
    const { fhir: client } = clientWith(`${ehr.url}/fhir`, hasty);
    ehr.respondWith(async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return { json: PATIENT };
    });
    expect(await client.request('Patient/1', { timeout: 10_000 })).toEqual(PATIENT);
    expect(await client.request('Patient/1')).toMatchObject({ error: 'ehr_timeout' });
    await hasty.close();
  });

  it.each<FhirRequestOptions>([
    { timeout: 0 },
    { timeout: -1 },
    { timeout: Number.NaN },
    { timeout: 600_001 },
    { retry: { attempts: 0 } },
    { retry: { attempts: 11 } },
    { retry: { attempts: 1.5 } },
    { retry: { maxDelayMs: -1 } },
    { retry: { maxDelayMs: 60_001 } },
    { cache: { ttlMs: -1 } },
    { cache: { ttlMs: Number.NaN } },
  ])('and its tries are checked before anything is sent: %j', async (options) => {
    expect(await fhir.request('Patient/1', options)).toMatchObject({ error: 'invalid_request' });
    expect(ehr.requests).toEqual([]);
  });
});
