import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { JWK } from 'jose';
import { Controller, Get, Inject } from '@nestjs/common';
import { SMART_ON_FHIR_OPTIONS, SmartClient, unwrap } from 'nestjs-smart-on-fhir';
import type { ClientPrivateKey } from 'nestjs-smart-on-fhir';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';
import { adapters } from '../support/adapters.js';
import { fakeClock } from '../support/clock.js';
import { Kms } from '../support/kms.js';
import { Browser, ChartController, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import { MapStorage } from '../support/map-storage.js';

@Controller('keys')
class KeysController {
  constructor(@Inject(SmartClient) private readonly smart: SmartClient) {}

  @Get('refresh')
  async refresh() {
    unwrap(await this.smart.refresh());
    return {};
  }
}

describe.each(adapters)('The keys of an app on $name', ({ create }) => {
  let ehr: RunningEhr;
  let patient: string;
  let kms: Kms;
  let app: TestApp | undefined;

  beforeAll(async () => {
    ehr = await startEhr({ apps: [], quiet: true });
    patient = ehr.store.list('Patient')[0]!.id!;
  });
  beforeEach(() => {
    kms = new Kms();
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
    await kms.stop();
  });
  afterAll(() => ehr.close());

  /** Starts the app; one that runs already is replaced, as in a deployment. */
  async function deploy(privateKey: ClientPrivateKey[], storage?: MapStorage): Promise<TestApp> {
    const successorOf = app;
    await successorOf?.close();
    const controllers = [ChartController, KeysController];
    const module = { ...(storage && { storage }) };
    return (app = await startTestApp({
      adapter: create(),
      ehr,
      privateKey,
      successorOf,
      controllers,
      module,
    }));
  }
  async function published({ url }: TestApp): Promise<{ keys: JWK[]; maxAge: string | null }> {
    const answer = await fetch(`${url}/fhir/jwks.json`);
    const { keys } = (await answer.json()) as { keys: JWK[] };
    return { keys, maxAge: answer.headers.get('cache-control') };
  }
  const kids = async (of: TestApp) => (await published(of)).keys.map(({ kid }) => kid);

  it.each(['ES384', 'RS384'] as const)(
    'A10-9 A10-1 %s: a key that only a KMS has signs every request of a session',
    async (alg) => {
      const { url, app: nest, ...running } = await deploy([await kms.key(alg, `kms-${alg}`)]);
      const browser = new Browser();

      expect(await running.launch(browser, { patient })).toBe(`${url}/chart`);
      expect((await running.get(browser, '/api/patient')).body).toMatchObject({ id: patient });
      expect((await running.get(browser, '/keys/refresh')).status).toBe(200);
      const loggedOut = await browser.post(`${url}/fhir/logout`, {}, { Accept: 'application/json' });

      // the code, the refresh, two revocations
      expect([loggedOut.status, kms.signedWith]).toEqual([204, Array(4).fill(`kms-${alg}`)]);
      const requests = ehr.tokenRequests.filter(({ clientId }) => clientId === running.clientId);
      expect(requests.map(({ authMethod, status }) => [authMethod, status])).toEqual(
        Array(4).fill(['private_key_jwt', 200]),
      );
      const jwks = await published({ url } as TestApp);
      const all = [nest.get<object>(SMART_ON_FHIR_OPTIONS), jwks, process.env, process.argv];
      const everything = all.map((part) => inspect(part, { depth: 20, showHidden: true })).join('\n');
      expect(everything).toContain(`kms-${alg}`);
      expect(await kms.finds(everything)).toBe(false);
    },
  );

  it('A10-9 a key takes over from another: published first, then it signs, then the other goes', async () => {
    const clock = fakeClock();
    try {
      const [old, next] = [await kms.key('ES384', 'old'), await kms.key('ES384', 'next')];
      const storage = new MapStorage();
      const browser = new Browser();
      const launchedBy = async (kid: string) => {
        kms.signedWith.length = 0;
        await app!.launch(new Browser(), { patient });
        expect(kms.signedWith).toEqual([kid]);
      };

      await deploy([old], storage);
      await app!.launch(browser, { patient });
      await deploy([old, next], storage);
      const { keys, maxAge } = await published(app!);
      expect([keys.map(({ kid }) => kid), maxAge]).toEqual([['old', 'next'], 'public, max-age=300']);
      await launchedBy('old');

      // whoever read the keys before knows the next one by then
      clock.advance(301_000);
      await launchedBy('old');
      await deploy([next, old], storage);
      expect(await kids(app!)).toEqual(['next', 'old']);
      await launchedBy('next');
      kms.signedWith.length = 0;
      // a session that began with the old key goes on with the next
      expect((await app!.get(browser, '/keys/refresh')).status).toBe(200);
      expect(kms.signedWith).toEqual(['next']);

      await deploy([next], storage);
      expect(await kids(app!)).toEqual(['next']);
      await launchedBy('next');
    } finally {
      clock.restore();
    }
  });

  it('A10-9 a key that signs before it was published is refused by an EHR that remembers the others', async () => {
    const [old, next] = [await kms.key('ES384', 'old'), await kms.key('ES384', 'next')];
    await deploy([old]);
    await app!.launch(new Browser(), { patient });
    await deploy([next, old]);

    await expect(app!.launch(new Browser(), { patient })).rejects.toThrow(/answered with 502/);
  });

  it('A10-9 C-16 a KMS that does not answer ends the launch, not the app', async () => {
    const signer = await kms.key('ES384', 'kms');
    const broken = { ...signer, sign: () => Promise.reject(new Error('arn:kms:secret is gone')) };
    await deploy([broken]);
    const browser = new Browser();
    const callback = await app!.toCallback(browser, { patient });
    const answer = await browser.get(callback.href, { Accept: 'application/json' });

    expect(answer.status).toBeGreaterThanOrEqual(500);
    const body = await answer.text();
    expect(body).not.toContain('arn:kms');
    expect(JSON.parse(body)).toMatchObject({ error: 'token_request_failed' });
  });

  it.each<[string, () => Promise<Uint8Array>, RegExp]>([
    [
      'is throttled',
      () => {
        const { name, message } = { name: 'ThrottlingException', message: 'arn:kms:secret' };
        return Promise.reject(Object.assign(new Error(message), { name, code: 'E_THROTTLE' }));
      },
      /could not be signed.*: sign\(\) threw \(ThrottlingException E_THROTTLE\)$/,
    ],
    [
      'was given too little time',
      () => Promise.reject(new DOMException('arn:kms:secret', 'TimeoutError')),
      /could not be signed.*: sign\(\) threw \(TimeoutError\)$/,
    ],
    [
      'answers DER',
      () => Promise.resolve(new Uint8Array(102)),
      /could not be signed.*: sign\(\) answered 102 bytes; ES384 wants r and s, 96 bytes, not DER/,
    ],
  ])('A10-9 C-19 a KMS that %s is named in the log', async (_what, sign, line) => {
    await deploy([{ ...(await kms.key('ES384', 'kms')), sign }]);
    const lines: string[] = [];
    const write = (message: unknown) => void lines.push(String(message));
    app!.app.useLogger({ log: () => undefined, warn: write, error: write });
    const browser = new Browser();
    const callback = await app!.toCallback(browser, { patient });
    const answer = await browser.get(callback.href, { Accept: 'application/json' });

    expect(await answer.json()).toMatchObject({ error: 'token_request_failed' });
    expect(lines).toContainEqual(expect.stringMatching(line));
    expect(lines.join()).not.toContain('arn:kms');
  });

  it('A10-7 the keys of hospitals in a database are published, too', async () => {
    const own = await kms.key('ES384', 'own');
    app = await startTestApp({
      adapter: create(),
      ehr,
      privateKey: own,
      client: {
        knownFhirServers: [],
        privateKey: own,
        registrations: (issuer) => ({
          name: 'Hospital',
          issuer,
          type: 'confidential-asymmetric',
          method: 'private_key_jwt',
          privateKey: own,
        }),
      },
    });

    expect(await kids(app)).toEqual(['own']);
    expect(await app.launch(new Browser(), { patient })).toBe(`${app.url}/chart`);
    expect(kms.signedWith).toEqual(['own']);
  });
});
