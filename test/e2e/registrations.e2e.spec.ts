import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { KnownFhirServer } from 'nestjs-smart-on-fhir';
import { adapters } from '../support/adapters.js';
import { Browser, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';

describe.each(adapters)('Hospitals in a database on $name', ({ create }) => {
  const hospitals = new Map<string, KnownFhirServer>();
  let isDown = false;
  let ehr: RunningEhr;
  let app: TestApp;
  let patient: string;

  beforeAll(async () => {
    ehr = await startEhr({ apps: [], quiet: true });
    patient = ehr.store.list('Patient')[0]!.id!;
    app = await startTestApp({
      adapter: create(),
      ehr,
      authentication: 'none',
      client: {
        knownFhirServers: [],
        registrations: async (issuer) => {
          if (isDown) throw new Error('connection refused');
          return hospitals.get(issuer) ?? null;
        },
      },
    });
  });
  afterAll(async () => {
    await app.close();
    await ehr.close();
  });

  it('A1-4 a hospital launches the app from the moment it is in there', async () => {
    const browser = new Browser();
    isDown = true;
    expect((await browser.get(ehr.launchUrl(app.clientId, { patient }))).status).toBe(503);
    isDown = false;
    expect((await browser.get(ehr.launchUrl(app.clientId, { patient }))).status).toBe(403);
    hospitals.set(ehr.fhirBaseUrl, { name: 'Hospital A', issuer: ehr.fhirBaseUrl, type: 'public' });

    await app.launch(browser, { patient });

    expect(await app.get(browser, '/api/launch')).toMatchObject({
      status: 200,
      body: { patient, issuerName: 'Hospital A' },
    });
  });
});
