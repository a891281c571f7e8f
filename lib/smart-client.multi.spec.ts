import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { fakeClock } from '../test/support/clock.js';
import { EhrServer } from '../test/support/ehr-server.js';
import { MapStorage } from '../test/support/map-storage.js';
import { APP, knownServer } from '../test/support/registration.js';
import type { SmartSession } from './active-launch.js';
import type { SmartClientConfiguration } from './ehr/known-fhir-server.js';
import { SmartClient } from './smart-client.js';
import type { SmartClientOptions } from './smart-client-options.js';
import { unwrap } from './smart-error.js';

const OPTIONS: SmartClientOptions = {
  allowNonHttpsLaunch: true,
  session: { secret: 'a secret of more than thirty-two characters' },
};
const NOBODY = { activePatient: null, activeIssuer: null };

let ehr: EhrServer;
let iss: string;
let clock: ReturnType<typeof fakeClock>;
let storage: MapStorage;
let cookies: Pick<SmartSession, 'sessionId' | 'browserId'>;
/** what a refresh is answered with */
let refreshed: { status: number; json: object } | undefined;

beforeAll(async () => {
  ehr = await EhrServer.start();
  iss = `${ehr.url}/fhir`;
});
afterAll(() => ehr.close());
beforeEach(() => {
  clock = fakeClock();
  storage = new MapStorage();
  cookies = { sessionId: null, browserId: null };
  refreshed = undefined;
  ehr.reset();
  ehr.respondWith(({ path, form }) => {
    if (!path.endsWith('/token')) {
      return { json: { authorization_endpoint: `${ehr.url}/authorize`, token_endpoint: `${ehr.url}/token` } };
    }
    const patient = form.get('code') ?? form.get('refresh_token');
    const tokens = {
      access_token: 'a',
      refresh_token: patient,
      token_type: 'Bearer',
      expires_in: 300,
      patient,
    };
    return form.has('code') ? { json: tokens } : (refreshed ?? { json: tokens });
  });
});
afterEach(() => clock.restore());

function configurationOf(...issuers: string[]): SmartClientConfiguration {
  return {
    ...APP,
    scope: 'launch patient/Patient.rs',
    knownFhirServers: issuers.map((issuer) => knownServer({ issuer })),
  };
}

function smart(
  configuration: SmartClientConfiguration,
  enableMultiLaunch: boolean,
  named: Pick<SmartSession, 'activePatient' | 'activeIssuer'> = NOBODY,
): SmartClient {
  const session: SmartSession = {
    ...cookies,
    ...named,
    browserStarted: (browserId) => (cookies.browserId = browserId),
    sessionStarted: (sessionId) => (cookies.sessionId = sessionId),
    sessionEnded: () => (cookies.sessionId = null),
  };
  return new SmartClient(session, storage, configuration, { ...OPTIONS, enableMultiLaunch });
}

/** Where a launch of this patient sends the browser in the end. */
async function launch(client: () => SmartClient, issuer: string, patient: string): Promise<string> {
  const { redirect_url } = unwrap(await client().launch({ iss: issuer, launch: 'x' }));
  const state = new URL(redirect_url).searchParams.get('state');
  return unwrap(await client().callback({ code: patient, state })).redirect_url;
}

describe('the page that a launch of several leads to', () => {
  it('G-5 is told its patient', async () => {
    const configuration = configurationOf(iss);
    expect(await launch(() => smart(configuration, true), iss, 'p1')).toBe(`${APP.redirectUrl}?patient=p1`);
  });

  it('G-5 is told its EHR too where there are several', async () => {
    const configuration = configurationOf(iss, `${iss}/b`);
    const page = new URL(await launch(() => smart(configuration, true), `${iss}/b`, 'p1'));
    expect([...page.searchParams]).toEqual([
      ['patient', 'p1'],
      ['iss', `${iss}/b`],
    ]);
  });

  it('is told nothing where a session holds one launch', async () => {
    const configuration = configurationOf(iss, `${iss}/b`);
    expect(await launch(() => smart(configuration, false), iss, 'p1')).toBe(APP.redirectUrl);
  });
});

describe('one launch at a time, of several EHRs', () => {
  it('G-5 a tab that names its patient alone does not get the patient of that id at another EHR', async () => {
    const configuration = configurationOf(iss, `${iss}/b`);
    const client = () => smart(configuration, false);
    const named = async (activePatient: string, activeIssuer: string | null = null) => {
      const ready = await smart(configuration, false, { activePatient, activeIssuer }).ready();
      return 'error' in ready ? ready.error : `${ready.patient.id} of ${ready.issuerName}`;
    };
    await launch(client, iss, 'p1');
    expect(await named('p1')).toBe('p1 of Hospital');

    await launch(client, `${iss}/b`, 'p2');
    await launch(client, `${iss}/b`, 'p1');

    expect(await named('p1')).toBe('ambiguous_patient');
    expect(await named('p1', iss)).toBe('unknown_patient');
    expect(await named('p1', `${iss}/b`)).toBe('p1 of Hospital');
    expect(await named('p2')).toBe('unknown_patient');
  });
});

describe('a logout', () => {
  it('C-21 ends also what a callback added that the browser had not yet heard of', async () => {
    const configuration = configurationOf(iss);
    const client = () => smart(configuration, true);
    await launch(client, iss, 'p1');
    const { sessionId } = cookies;
    await launch(client, iss, 'p2');
    const newest = cookies.sessionId;

    cookies.sessionId = sessionId;
    await client().logout();

    cookies.sessionId = newest;
    const ready = await smart(configuration, true, { activePatient: 'p2' }).ready();
    expect(ready).toMatchObject({ error: 'no_session' });
  });
});

it('A9-4 requests that wait for one refresh all get the error it ends with', async () => {
  const configuration = configurationOf(iss);
  const client = () => smart(configuration, false);
  await launch(client, iss, 'p1');
  clock.advance(300_000);
  refreshed = { status: 400, json: { error: 'invalid_grant' } };

  const ends = await Promise.all([client().ready(), client().ready(), client().ready()]);

  for (const end of ends) {
    expect(end).toMatchObject({ error: 'session_expired' });
    expect(await end.validate()).toBe(false);
  }
  expect(ehr.to('/token').filter(({ form }) => form.has('refresh_token'))).toHaveLength(1);
});
