import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Keyv } from 'keyv';
import { EhrServer } from '../test/support/ehr-server.js';
import { MapStorage } from '../test/support/map-storage.js';
import { APP, knownServer, registrationOf } from '../test/support/registration.js';
import type { SmartClientConfiguration } from './ehr/known-fhir-server.js';
import type { SmartClientOptions } from './smart-client-options.js';
import { SmartError } from './smart-error.js';
import { SmartRuntime, runtimeFor } from './smart-runtime.js';

let ehr: EhrServer;
const open: SmartRuntime[] = [];

beforeAll(async () => {
  ehr = await EhrServer.start(() => ({ status: 200, text: 'ok' }));
});
afterEach(async () => {
  for (const runtime of new Set(open.splice(0))) await runtime.close();
});
afterAll(() => ehr.close());

const configuration = (): SmartClientConfiguration => ({ ...APP, knownFhirServers: [knownServer()] });

function opened(runtime: SmartRuntime): SmartRuntime {
  open.push(runtime);
  return runtime;
}

describe('the runtime of a configuration', () => {
  it('A17-1 warns of scopes that no server grants, and of no others', () => {
    const warnings: string[] = [];
    const logger = { warn: (message: string) => void warnings.push(message), error: () => undefined };
    const scope =
      'launch openid patient/Patient.sr patient/A.rs,patient/B.rs user/*.cruds patient/X.read __vendor';
    const servers = [knownServer({ scope: 'system/Patient' })];

    opened(new SmartRuntime({ ...APP, scope, knownFhirServers: servers }, undefined, { logger }));

    expect(warnings.map((line) => /"(.+)"/.exec(line)?.[1])).toEqual([
      'patient/Patient.sr',
      'patient/A.rs,patient/B.rs',
      'system/Patient',
    ]);
  });

  it('C-20 warns of a store without a secret', () => {
    const warnings: string[] = [];
    const logger = { warn: (message: string) => void warnings.push(message), error: () => undefined };
    opened(new SmartRuntime(configuration(), undefined, { logger }));
    opened(
      new SmartRuntime(configuration(), new MapStorage(), { logger, session: { secret: 'x'.repeat(32) } }),
    );
    expect(warnings).toEqual([]);

    opened(new SmartRuntime(configuration(), new MapStorage(), { logger }));

    expect(warnings).toEqual([expect.stringContaining('session.secret is missing')]);
  });

  it('A5-5 warns at once of a server whose codes have no PKCE', () => {
    const warnings: string[] = [];
    const logger = { warn: (message: string) => void warnings.push(message), error: () => undefined };
    const server = knownServer({ pkceMode: 'disabled' });
    const confidential = {
      ...server,
      type: 'confidential-symmetric' as const,
      method: 'client_secret_basic' as const,
      clientSecret: 'secret',
    };

    opened(new SmartRuntime({ ...APP, knownFhirServers: [confidential] }, undefined, { logger }));

    expect(warnings).toEqual([
      `${server.name}: PKCE is switched off (pkceMode: 'disabled'): a stolen authorization code can be used`,
    ]);
  });

  it('G-7 is not made where the configuration is wrong; one error lists every mistake', () => {
    const wrong = { ...configuration(), clientId: '', callbackUrl: 'http://app.example.com/cb' };
    let error: unknown;
    try {
      new SmartRuntime(wrong, undefined, {});
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(SmartError);
    expect(error).toMatchObject({ error: 'invalid_configuration' });
    expect((error as SmartError).message.split('\n')).toEqual([
      expect.stringContaining('2 mistakes'),
      expect.stringContaining('client.clientId'),
      expect.stringContaining('client.callbackUrl'),
    ]);
  });

  it.each([[undefined], ['short'], [['a secret of more than thirty-two characters', 'short']]])(
    'C-20 says so where the secret is %j',
    (secret) => {
      const lines: string[] = [];
      const logger = { warn: (line: string) => void lines.push(line), error: () => undefined };
      opened(new SmartRuntime(configuration(), new MapStorage(), { logger, session: { secret } }));
      expect(lines.join()).toContain('session.secret is missing or shorter than 32 characters');
    },
  );

  it.each([[undefined], [null], ['x']])('G-7 is not made of %j', (wrong) => {
    const make = () => runtimeFor(wrong as unknown as SmartClientConfiguration, undefined, {});
    expect(make).toThrow('client is missing');
  });

  it('A2-10 is made once, so that caches, connections and refreshes are shared', () => {
    const [shared, storage] = [configuration(), new MapStorage()];
    const options: SmartClientOptions = { autoRefresh: false };
    const first = opened(runtimeFor(shared, storage, options));
    expect(runtimeFor(shared, storage, options)).toBe(first);
    expect(runtimeFor(shared, storage, { autoRefresh: false })).toBe(first);
    const store = new Keyv();
    const second = opened(runtimeFor(shared, storage, { cache: { store } }));
    expect(runtimeFor(shared, storage, { cache: { store } })).toBe(second);
  });

  it('A1-4 is another one for another configuration, storage or other options', () => {
    const [shared, storage] = [configuration(), new MapStorage()];
    const cacheStore = new Keyv();
    const runtimes = [
      runtimeFor(shared, storage, {}),
      runtimeFor(configuration(), storage, {}),
      runtimeFor(shared, new MapStorage(), {}),
      runtimeFor(shared, undefined, {}),
      runtimeFor(shared, storage, { autoRefresh: false }),
      runtimeFor(shared, storage, { session: { secret: 'other' } }),
      runtimeFor(shared, storage, { cache: { ttlMs: 1 } }),
      runtimeFor(shared, storage, { cache: { ttlMs: 1, store: cacheStore } }),
      runtimeFor(shared, storage, { cache: { ttlMs: 1, store: new Keyv() } }),
    ].map(opened);
    expect(new Set(runtimes).size).toBe(runtimes.length);
  });
});

describe('the network of a runtime', () => {
  const get = (runtime: SmartRuntime) => runtime.http.send({ method: 'GET', url: new URL(ehr.url) });

  it('C-14 is the public one where anybody may name the issuer', async () => {
    const anyIssuer: SmartClientConfiguration = { ...APP, allowAnyIssuer: true };
    const runtime = opened(new SmartRuntime(anyIssuer, undefined, {}));
    await expect(get(runtime)).rejects.toMatchObject({ kind: 'refused' });
    const developing = opened(new SmartRuntime(anyIssuer, undefined, { allowNonHttpsLaunch: true }));
    expect(await get(developing)).toMatchObject({ status: 200 });
  });

  it('may be an internal one where the servers are known', async () => {
    const runtime = opened(new SmartRuntime(configuration(), undefined, {}));
    expect(await get(runtime)).toMatchObject({ status: 200 });
  });

  it('C-17 has the limits that were given', async () => {
    ehr.respondWith(({ path }) => (path === '/silent' ? 'silence' : { text: 'x'.repeat(11) }));
    const limits = { httpTimeoutMs: 50, maxResponseBytes: 10 };
    const runtime = opened(new SmartRuntime(configuration(), undefined, limits));
    await expect(get(runtime)).rejects.toMatchObject({ kind: 'too_large' });
    const silent = runtime.http.send({ method: 'GET', url: new URL('/silent', ehr.url) });
    await expect(silent).rejects.toMatchObject({ kind: 'timeout' });
  });

  it('A2-11 takes http endpoints in development only', async () => {
    ehr.respondWith(() => ({ json: { token_endpoint: `${ehr.url}/token` } }));
    const registration = registrationOf({ iss: `${ehr.url}/fhir` });
    const runtime = opened(new SmartRuntime(configuration(), undefined, {}));
    expect(await runtime.discovery.discover(registration)).toMatchObject({ error: 'discovery_failed' });
    const developing = opened(new SmartRuntime(configuration(), undefined, { allowNonHttpsLaunch: true }));
    expect(await developing.discovery.discover(registration)).not.toBeInstanceOf(SmartError);
  });
});

describe('the end of a runtime', () => {
  it('closes its connections: no request goes out after it', async () => {
    const runtime = new SmartRuntime(configuration(), undefined, {});
    await runtime.close();
    const late = runtime.http.send({ method: 'GET', url: new URL(ehr.url) });
    await expect(late).rejects.toMatchObject({ kind: 'network' });
  });
});
