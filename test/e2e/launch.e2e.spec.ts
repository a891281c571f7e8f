import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Patient } from 'fhir/r4.js';
import { adapters } from '../support/adapters.js';
import { Browser, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import type { AppAuthentication, RunningEhr } from '../../sample/ehr/start-ehr.js';

const METHODS: AppAuthentication[] = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'];

describe.each(adapters)('EHR launch on $name', ({ create }) => {
  let ehr: RunningEhr;
  let patient: Patient;
  let encounter: string;
  const apps = new Map<AppAuthentication, TestApp>();

  beforeAll(async () => {
    ehr = await startEhr({ apps: [], quiet: true });
    patient = ehr.store.list('Patient')[0]!;
    encounter = ehr.store
      .list('Encounter')
      .find(({ subject }) => subject?.reference === `Patient/${patient.id}`)!.id!;
    for (const authentication of METHODS) {
      apps.set(authentication, await startTestApp({ adapter: create(), ehr, authentication }));
    }
  });

  afterAll(async () => {
    for (const app of apps.values()) await app.close();
    await ehr.close();
  });

  it.each(METHODS)('A7-1 B-1 gives a client with %s its patient, end to end', async (authentication) => {
    const app = apps.get(authentication)!;
    const browser = new Browser();

    const page = await app.launch(browser, { patient: patient.id! });

    expect(page).toBe(`${app.url}/chart`);
    const { status, body } = await app.get(browser, '/api/patient');
    expect({ status, id: (body as Patient).id }).toEqual({ status: 200, id: patient.id });
    const exchanges = ehr.tokenRequests.filter(({ clientId }) => clientId === app.clientId);
    expect(exchanges.map(({ grantType, authMethod }) => [grantType, authMethod])).toEqual([
      ['authorization_code', authentication],
    ]);
  });

  it('A7-15 G-2 gives the route the launch: context, user, scopes and claims', async () => {
    const app = apps.get('none')!;
    const browser = new Browser();
    await app.launch(browser, {
      patient: patient.id!,
      encounter,
      intent: 'reconcile-medications',
      needPatientBanner: false,
      extra: { __department: 'ICU' },
    });

    const { body } = await app.get(browser, '/api/launch');

    const practitioner = ehr.store.list('Practitioner')[0]!.id!;
    expect(body).toMatchObject({
      patient: patient.id,
      encounter: `Encounter/${encounter}`,
      user: `Practitioner/${practitioner}`,
      practitioner,
      context: { intent: 'reconcile-medications', needPatientBanner: false, extra: { __department: 'ICU' } },
      issuerName: 'Demo EHR',
      valid: true,
    });
    expect((body as { scopes: string[] }).scopes).toContain('patient/Observation.rs');
    expect((body as { sub: unknown }).sub).toEqual(expect.any(String));
  });

  it('A3-5 E-NO-3 lets two tabs of one browser launch at once, each ending with its own patient', async () => {
    const app = apps.get('client_secret_basic')!;
    const other = ehr.store.list('Patient')[1]!;
    const browser = new Browser();
    const first = await app.toCallback(browser, { patient: patient.id! });
    const second = await app.toCallback(browser, { patient: other.id! });

    await browser.get(first.href);
    const afterFirst = await app.get(browser, '/api/patient');
    await browser.get(second.href);
    const afterSecond = await app.get(browser, '/api/patient');

    expect([(afterFirst.body as Patient).id, (afterSecond.body as Patient).id]).toEqual([
      patient.id,
      other.id,
    ]);
  });

  it('reads pages of a search as one list', async () => {
    const app = apps.get('client_secret_post')!;
    const browser = new Browser();
    await app.launch(browser, { patient: patient.id! });

    const { status, body } = await app.get(browser, '/api/vitals');

    expect(status).toBe(200);
    expect(body as unknown[]).toHaveLength(50);
  });

  it('A10-7 publishes public keys only, and only where a key is configured', async () => {
    const withKey = await fetch(`${apps.get('private_key_jwt')!.url}/fhir/jwks.json`);
    const without = await fetch(`${apps.get('none')!.url}/fhir/jwks.json`);

    expect([withKey.status, without.status]).toEqual([200, 404]);
    const { keys } = (await withKey.json()) as { keys: Record<string, unknown>[] };
    expect(Object.keys(keys[0]!).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    expect(withKey.headers.get('cache-control')).toContain('max-age');
  });
});
