import { createHash, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint, decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { JWK } from 'jose';
import { adapters } from '../support/adapters.js';
import { fakeClock } from '../support/clock.js';
import { Browser, follow, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import { MapStorage } from '../support/map-storage.js';
import { overheardTokens } from '../support/overheard-tokens.js';
import type { OverheardToken } from '../support/overheard-tokens.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';

const MINUTE = 60_000;

let ehr: RunningEhr;
let patient: string;
let overheard: ReturnType<typeof overheardTokens>;
let clock: ReturnType<typeof fakeClock>;
const apps: TestApp[] = [];

beforeAll(async () => {
  ehr = await startEhr({ apps: [], quiet: true, dpop: true, pushedRequests: 'offered' });
  patient = ehr.store.list('Patient')[0]!.id!;
});
afterAll(async () => {
  for (const app of apps) await app.close();
  await ehr.close();
});
beforeEach(() => {
  overheard = overheardTokens(ehr.url);
  clock = fakeClock();
});
afterEach(() => {
  overheard.stop();
  clock.restore();
});

async function start(options: Partial<Parameters<typeof startTestApp>[0]> = {}): Promise<TestApp> {
  const app = await startTestApp({ adapter: adapters[0]!.create(), ehr, server: { dpop: true }, ...options });
  apps.push(app);
  return app;
}

async function launched(app: TestApp): Promise<Browser> {
  const browser = new Browser();
  await app.launch(browser, { patient });
  return browser;
}

/** What the app's last FHIR request showed. */
async function stolen(app: TestApp, browser: Browser): Promise<OverheardToken> {
  expect((await app.get(browser, '/api/patient')).status).toBe(200);
  return overheard.tokens.at(-1)!;
}

const use = async (headers: Record<string, string>) =>
  (await fetch(`${ehr.fhirBaseUrl}/Patient/${patient}`, { headers })).status;
const keyOf = ({ proof }: OverheardToken) => calculateJwkThumbprint(decodeProtectedHeader(proof!).jwk as JWK);
const requestsOf = ({ clientId }: TestApp) =>
  ehr.tokenRequests
    .filter((request) => request.clientId === clientId)
    .map(({ grantType, status, error }) => [grantType, status, error]);

describe('An app whose tokens are bound to a key', () => {
  it.each(['none', 'client_secret_basic', 'private_key_jwt'] as const)(
    'C-22 launches and reads, with %s, though the EHR wants its nonce in every proof',
    async (authentication) => {
      const app = await start({ authentication });
      const shown = await stolen(app, await launched(app));
      expect(shown).toMatchObject({ scheme: 'DPoP', path: `/fhir/Patient/${patient}` });
      expect(requestsOf(app)).toEqual([
        ['authorization_code', 400, 'use_dpop_nonce'],
        ['authorization_code', 200, null],
      ]);
    },
  );

  it('C-22 has a token that is of no use to a thief', async () => {
    const app = await start();
    const browser = await launched(app);
    const { token, proof } = await stolen(app, browser);
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const own = await new SignJWT({
      htm: 'GET',
      htu: `${ehr.fhirBaseUrl}/Patient/${patient}`,
      ath: createHash('sha256').update(token).digest('base64url'),
      jti: randomUUID(),
    })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: await exportJWK(publicKey) })
      .setIssuedAt()
      .sign(privateKey);

    expect(await use({ authorization: `Bearer ${token}` })).toBe(401);
    expect(await use({ authorization: `DPoP ${token}` })).toBe(401);
    expect(await use({ authorization: `DPoP ${token}`, dpop: proof! })).toBe(401);
    expect(await use({ authorization: `DPoP ${token}`, dpop: own })).toBe(401);
    expect((await app.get(browser, '/api/patient')).status).toBe(200);
  });

  it('C-22 has another key in every launch, and the same one after a refresh', async () => {
    const app = await start();
    const [browser, other] = [await launched(app), await launched(app)];
    const [first, others] = [await stolen(app, browser), await stolen(app, other)];
    clock.advance(4 * MINUTE + 10_000);
    const renewed = await stolen(app, browser);

    expect(renewed.token).not.toBe(first.token);
    expect(await keyOf(renewed)).toBe(await keyOf(first));
    expect(await keyOf(others)).not.toBe(await keyOf(first));
    expect(requestsOf(app).at(-1)).toEqual(['refresh_token', 200, null]);
  });

  it('C-22 C-20 keeps nothing in the store that could be read there', async () => {
    const storage = new MapStorage();
    const app = await start({ module: { storage } });
    const browser = new Browser();
    const callback = await app.toCallback(browser, { patient });
    const pending = storage.dump();
    await follow(browser, callback.href, `${app.url}/chart`);
    const { token, proof } = await stolen(app, browser);
    const { x } = decodeProtectedHeader(proof!).jwk as JWK;

    for (const secret of [token, x!, 'kty', 'dpopKey']) {
      expect(pending).not.toContain(secret);
      expect(storage.dump()).not.toContain(secret);
    }
    expect(storage.entries.size).toBeGreaterThan(0);
  });

  it('C-22 C-23 names its key in a pushed request, and keeps it from the browser', async () => {
    const app = await start({ server: { dpop: true, pushedAuthorizationRequests: true } });
    const browser = new Browser();
    const url = await follow(browser, ehr.launchUrl(app.clientId, { patient }), `${ehr.issuer}/auth`);
    await follow(browser, url.href, `${app.url}/chart`);

    expect([...url.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
    expect((await stolen(app, browser)).scheme).toBe('DPoP');
  });

  it('C-22 stops at an EHR that does not offer it', async () => {
    const plain = await startEhr({ apps: [], quiet: true });
    const app = await startTestApp({ adapter: adapters[0]!.create(), ehr: plain, server: { dpop: true } });
    const launch = plain.launchUrl(app.clientId, { patient }).slice(app.url.length);

    const { status, body } = await app.get(new Browser(), launch);

    expect([status, body]).toEqual([502, expect.objectContaining({ error: 'discovery_failed' })]);
    await app.close();
    await plain.close();
  });
});

describe('An app whose tokens are not, at the same EHR', () => {
  it('C-22 sends Bearer tokens, which anybody can', async () => {
    const app = await start({ server: {} });
    const shown = await stolen(app, await launched(app));

    expect(shown).toMatchObject({ scheme: 'Bearer', proof: undefined });
    expect(await use({ authorization: `Bearer ${shown.token}` })).toBe(200);
    expect(requestsOf(app)).toEqual([['authorization_code', 200, null]]);
  });
});

it('C-22 binds tokens where the endpoints are set by hand, too', async () => {
  const { authorization_endpoint, token_endpoint, jwks_uri, issuer } = (await (
    await fetch(`${ehr.fhirBaseUrl}/.well-known/smart-configuration`)
  ).json()) as Record<string, string>;
  const endpoints = { authorization: authorization_endpoint, token: token_endpoint, jwks: jwks_uri, issuer };
  const app = await start({ server: { dpop: true, endpoints } });
  const browser = await launched(app);

  const { scheme } = await stolen(app, browser);

  expect(scheme).toBe('DPoP');
});
