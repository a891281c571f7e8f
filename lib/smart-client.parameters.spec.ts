import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EhrServer } from '../test/support/ehr-server.js';
import { MapStorage } from '../test/support/map-storage.js';
import { APP, knownServer } from '../test/support/registration.js';
import { SmartClient } from './smart-client.js';
import type { LaunchOverrides } from './launch-parameters.js';
import { type SmartError, unwrap } from './smart-error.js';

let ehr: EhrServer;
let iss: string;
let storage: MapStorage;
let smart: SmartClient;
/** what the next token response says besides the token */
let granted: Record<string, unknown>;

beforeAll(async () => {
  ehr = await EhrServer.start();
  iss = `${ehr.url}/fhir`;
});
afterAll(() => ehr.close());
beforeEach(() => {
  ehr.reset();
  granted = { patient: '123' };
  ehr.respondWith(({ path }) => {
    if (path === '/token')
      return { json: { access_token: 'access', token_type: 'Bearer', expires_in: 300, ...granted } };
    return { json: { authorization_endpoint: `${ehr.url}/authorize`, token_endpoint: `${ehr.url}/token` } };
  });
  storage = new MapStorage();
  const configuration = {
    ...APP,
    scope: 'patient/Patient.rs',
    knownFhirServers: [knownServer({ issuer: iss })],
  };
  smart = new SmartClient('session-1', storage, configuration, {
    allowNonHttpsLaunch: true,
    session: { secret: 'a secret of more than thirty-two characters' },
  });
});

async function completed(parameters: LaunchOverrides) {
  const { redirect_url } = unwrap(await smart.authorize({ iss, ...parameters }));
  const state = new URL(redirect_url).searchParams.get('state');
  return smart.callback({ code: 'code-1', state });
}

describe('App data', () => {
  const appData = { order: 'order-42', tabs: ['weight', 'height'], zoom: 1.5, note: null };

  it('comes back at the callback, and stays with the session', async () => {
    expect(unwrap(await completed({ appData }))).toEqual({
      redirect_url: APP.redirectUrl,
      intent: null,
      appData,
    });
    expect(unwrap(await smart.ready()).appData).toEqual(appData);
  });

  it('comes with an EHR launch too', async () => {
    const { redirect_url } = unwrap(await smart.launch({ iss, launch: 'launch-1', appData: 'deep link' }));
    const { searchParams } = new URL(redirect_url);
    expect(searchParams.get('launch')).toBe('launch-1');
    unwrap(await smart.callback({ code: 'code-1', state: searchParams.get('state') }));
    expect(unwrap(await smart.ready()).appData).toBe('deep link');
  });

  it('goes neither to the browser nor to the EHR, and is stored encrypted', async () => {
    const { redirect_url } = unwrap(await smart.authorize({ iss, appData }));
    const sent = JSON.stringify([redirect_url, ehr.requests, storage.dump()]);
    expect(sent).not.toContain('order-42');
  });

  it('is null where there is none, and no member of the answer', async () => {
    expect(unwrap(await completed({}))).toEqual({ redirect_url: APP.redirectUrl, intent: null });
    expect(unwrap(await smart.ready()).appData).toBeNull();
  });

  const circle: Record<string, unknown> = {};
  circle.circle = circle;
  it.each([
    ['too much', 'x'.repeat(4_096)],
    ['a circle', circle],
    ['a function', () => 1],
    ['a BigInt', 1n],
  ])('%s is refused before anything is sent', async (_name, given) => {
    const answer = await smart.authorize({ iss, appData: given as never });
    expect(answer).toMatchObject({ error: 'invalid_launch_request' });
    expect((answer as SmartError).message).toContain('appData');
    expect(ehr.requests).toEqual([]);
  });
});

describe('A launch for one patient', () => {
  it('ends with that patient', async () => {
    granted = { patient: '123', encounter: '9' };
    unwrap(await completed({ patientId: '123', encounterId: '9' }));
    expect(unwrap(await smart.ready()).patient.id).toBe('123');
  });

  it.each([
    ['another patient', { patientId: '124' }, { patient: '123' }, 'another patient'],
    ['no patient', { patientId: '123', scope: 'user/*.rs' }, {}, 'no patient'],
    ['another encounter', { encounterId: '8' }, { patient: '123', encounter: '9' }, 'another encounter'],
  ])('an EHR that names %s ends it', async (_name, parameters, response, words) => {
    granted = response;
    const answer = await completed(parameters);
    expect(answer).toMatchObject({ error: 'patient_changed', status: 502 });
    expect((answer as SmartError).message).toContain(words);
    expect((answer as SmartError).message).not.toMatch(/12\d/);
    expect(await smart.ready()).toMatchObject({ error: 'no_session' });
  });

  it('C-21 that is refused has its tokens revoked', async () => {
    const revoked: string[] = [];
    let done = () => {};
    const both = new Promise<void>((resolve) => (done = resolve));
    granted = { patient: '123', refresh_token: 'refresh' };
    ehr.respondWith(({ path, form }) => {
      if (path === '/revoke') {
        revoked.push(form.get('token')!);
        if (revoked.length === 2) done();
        return { json: {} };
      }
      if (path === '/token')
        return { json: { access_token: 'access', token_type: 'Bearer', expires_in: 300, ...granted } };
      const endpoints = {
        authorization_endpoint: `${ehr.url}/authorize`,
        token_endpoint: `${ehr.url}/token`,
      };
      return { json: { ...endpoints, revocation_endpoint: `${ehr.url}/revoke` } };
    });

    expect(await completed({ patientId: '124' })).toMatchObject({ error: 'patient_changed' });
    await both;
    expect(revoked).toEqual(['refresh', 'access']);
  });

  it('must name it by a FHIR id', async () => {
    expect(await smart.authorize({ iss, patientId: 'Patient/1' })).toMatchObject({
      error: 'invalid_launch_request',
    });
  });
});

describe('One call for all', () => {
  const init = (query: string) => smart.init(new URLSearchParams(query));

  it('A3-1 A4-1 A6-1 launches from the EHR, stands alone, and completes', async () => {
    const ofEhr = new URL(unwrap(await init(`iss=${iss}&launch=launch-1`)).redirect_url);
    expect(ofEhr.searchParams.get('launch')).toBe('launch-1');
    const { redirect_url } = unwrap(await init(`iss=${iss}&returnTo=/growth`));
    const { searchParams } = new URL(redirect_url);
    expect(searchParams.has('launch')).toBe(false);

    expect(unwrap(await init(`code=code-1&state=${searchParams.get('state')}`))).toMatchObject({
      redirect_url: 'https://app.example.com/growth',
    });
    expect(unwrap(await smart.ready()).patient.id).toBe('123');
  });

  it.each([
    ['', 'invalid_launch_request'],
    ['iss=', 'invalid_launch_request'],
    ['iss=ISS&iss=ISS', 'invalid_launch_request'],
    ['iss=ISS&launch=', 'invalid_launch_request'],
    ['iss=ISS&launch=1&launch=2', 'invalid_launch_request'],
    ['launch=1', 'invalid_launch_request'],
    ['code=code-1', 'invalid_state'],
    ['error=access_denied', 'invalid_state'],
    ['iss=ISS&launch=1&state=unknown', 'invalid_state'],
    ['iss=https://other.example.org/fhir&launch=1', 'unknown_issuer'],
  ])('A3-1 refuses %p with %s', async (query, error) => {
    expect(await init(query.replaceAll('ISS', iss))).toMatchObject({ error });
  });

  it('takes the query as an object', async () => {
    expect(await smart.init({ iss, launch: 'launch-1' })).toHaveProperty('redirect_url');
    expect(await smart.init({ iss: [iss, iss] })).toMatchObject({ error: 'invalid_launch_request' });
  });
});
