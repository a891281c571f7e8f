import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EhrServer } from '../test/support/ehr-server.js';
import { APP, knownServer } from '../test/support/registration.js';
import type { KnownFhirServer } from './ehr/known-fhir-server.js';
import { SmartClient } from './smart-client.js';
import type { SmartClientOptions } from './smart-client-options.js';
import { SmartError, unwrap } from './smart-error.js';

const SCOPE = 'launch openid patient/Patient.rs';
const session = { secret: 'a secret of more than thirty-two characters' };

let ehr: EhrServer;
let iss: string;

beforeAll(async () => {
  ehr = await EhrServer.start();
  iss = `${ehr.url}/fhir`;
});
afterAll(() => ehr.close());
beforeEach(() => {
  ehr.reset();
  ehr.respondWith(({ path }) =>
    path.startsWith('/fhir/Patient/')
      ? { json: { resourceType: 'Patient', id: path.split('/').at(-1) } }
      : { status: 404 },
  );
});

function client(server: Partial<KnownFhirServer> = {}, options: SmartClientOptions = {}): SmartClient {
  const knownFhirServers = [{ ...knownServer({ issuer: iss }), ...server } as KnownFhirServer];
  const configuration = { ...APP, scope: SCOPE, knownFhirServers };
  return new SmartClient('session-1', undefined, configuration, {
    allowNonHttpsLaunch: true,
    session,
    ...options,
  });
}

describe('An open server', () => {
  it('E-HAPI-1 is launched by its configuration, and asked without a token', async () => {
    const smart = client({ type: 'open' });

    const { redirect_url } = unwrap(
      await smart.authorize({ fhirServiceUrl: iss, patientId: '123', returnTo: '/growth' }),
    );
    const fhir = unwrap(await smart.ready());
    const patient = unwrap(await fhir.patient.request());

    expect(redirect_url).toBe('https://app.example.com/growth');
    expect(patient.id).toBe('123');
    expect(ehr.requests.map(({ path }) => path)).toEqual(['/fhir/Patient/123']);
    expect(ehr.requests[0]!.headers).not.toHaveProperty('authorization');
    expect(fhir.user.id).toBeNull();
  });

  it('E-HAPI-1 has no token, no login and no user to speak of', async () => {
    const smart = client({ type: 'open' });
    unwrap(await smart.authorize({ fhirServiceUrl: iss, patientId: '123' }));
    const fhir = unwrap(await smart.ready());

    expect(fhir.scopes.toString()).toBe('patient/Patient.rs');
    expect(fhir.getAuthorizationHeader()).toMatchObject({ error: 'invalid_request' });
    expect(fhir.getState()).toMatchObject({ tokenType: null, accessToken: null, user: null });
    expect(await fhir.validationReport()).toEqual([
      { level: 'info', row: 'E-HAPI-1', message: 'an open server: nobody logged in, and no token is sent' },
    ]);
  });

  it('E-HAPI-1 a server that is not configured as open never becomes one', async () => {
    const smart = client();

    expect(await smart.authorize({ fhirServiceUrl: iss, patientId: '123' })).toMatchObject({
      error: 'invalid_launch_request',
      message: expect.stringContaining("type: 'open'") as unknown,
    });
    // no SMART configuration, no token
    expect(await smart.authorize({ iss })).toMatchObject({ error: 'discovery_failed' });
    expect(await smart.launch({ iss, launch: 'launch-1' })).toMatchObject({ error: 'discovery_failed' });
    expect(await smart.ready()).toMatchObject({ error: 'no_session' });
  });

  it('E-HAPI-1 a server nobody configured is refused, whatever the rest allows', async () => {
    const configuration = { ...APP, scope: SCOPE, allowAnyIssuer: true as const };
    const smart = new SmartClient('session-1', undefined, configuration, {
      allowNonHttpsLaunch: true,
      session,
    });
    expect(await smart.authorize({ fhirServiceUrl: iss, patientId: '123' })).toMatchObject({
      error: 'unknown_issuer',
    });
  });

  it('E-HAPI-1 no request of a browser opens a session there', async () => {
    const smart = client({ type: 'open' });
    for (const query of [`iss=${iss}`, `iss=${iss}&launch=1`, `fhirServiceUrl=${iss}&patientId=123`]) {
      expect(await smart.init(new URLSearchParams(query))).toMatchObject({ error: 'invalid_launch_request' });
    }
    expect(await smart.ready()).toMatchObject({ error: 'no_session' });
  });

  it('A7-9 patient-level scopes need a patient there, too', async () => {
    const smart = client({ type: 'open' });
    expect(await smart.authorize({ fhirServiceUrl: iss })).toMatchObject({
      error: 'invalid_launch_request',
      message: expect.stringContaining('patientId') as unknown,
    });
    expect(await smart.authorize({ fhirServiceUrl: iss, patientId: '../1' })).toMatchObject({
      error: 'invalid_launch_request',
    });
    expect(await smart.authorize({ fhirServiceUrl: iss, scope: 'user/*.rs' })).toHaveProperty('redirect_url');
    expect(unwrap(await smart.ready()).patient.id).toBeNull();
  });

  it('what refuses a request ends the session: there is no token to refresh', async () => {
    const smart = client({ type: 'open' });
    unwrap(await smart.authorize({ fhirServiceUrl: iss, patientId: '123' }));
    ehr.respondWith(() => ({ status: 401 }));

    expect(await unwrap(await smart.ready()).patient.request()).toMatchObject({ error: 'session_expired' });
    expect(await smart.introspect()).toBeInstanceOf(SmartError);
  });

  it('logs out without asking anybody', async () => {
    const smart = client({ type: 'open' });
    unwrap(await smart.authorize({ fhirServiceUrl: iss, patientId: '123' }));
    await smart.logout();
    expect(await smart.ready()).toMatchObject({ error: 'no_session' });
    expect(ehr.requests).toEqual([]);
  });

  it('is refused with a secret', () => {
    const server = { type: 'open', clientSecret: 'hidden' } as unknown as KnownFhirServer;
    const made = () => client(server);
    expect(made).toThrow('is an open server and has a clientSecret: remove it');
    expect(made).not.toThrow('hidden');
  });
});

describe('A token response made up', () => {
  const fakeTokenResponse = {
    access_token: 'made-up',
    patient: '123',
    encounter: '9',
    scope: 'patient/Patient.rs',
    need_patient_banner: false,
    refresh_token: 'made-up-too',
    id_token: { sub: 'dev', fhirUser: 'Practitioner/7' },
  };

  it('starts a session in development', async () => {
    const smart = client({}, { allowFakeTokenResponse: true });

    unwrap(await smart.authorize({ iss, fakeTokenResponse }));
    const fhir = unwrap(await smart.ready());

    expect(fhir.context).toMatchObject({ patient: '123', encounter: '9', needPatientBanner: false });
    expect([fhir.user.reference, fhir.getClaim('sub')]).toEqual(['Practitioner/7', 'dev']);
    expect(fhir.scopes.toString()).toBe('patient/Patient.rs');
    unwrap(await fhir.patient.request());
    expect(ehr.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer made-up']);
  });

  it('is refused where it is not asked for', async () => {
    const smart = client();
    expect(await smart.authorize({ iss, fakeTokenResponse })).toMatchObject({
      error: 'invalid_launch_request',
      message: expect.stringContaining('allowFakeTokenResponse') as unknown,
    });
    expect(
      await client({ type: 'open' }).authorize({ fhirServiceUrl: iss, fakeTokenResponse }),
    ).toMatchObject({
      error: 'invalid_launch_request',
    });
    expect(await smart.ready()).toMatchObject({ error: 'no_session' });
  });

  it('must be about the patient that was asked for', async () => {
    const smart = client({}, { allowFakeTokenResponse: true });
    expect(await smart.authorize({ iss, fakeTokenResponse, patientId: '124' })).toMatchObject({
      error: 'patient_changed',
    });
  });

  describe('in production', () => {
    const before = process.env.NODE_ENV;
    afterEach(() => {
      process.env.NODE_ENV = before;
    });

    it('is refused at start', () => {
      process.env.NODE_ENV = 'production';
      expect(() => client({}, { allowFakeTokenResponse: true })).toThrow('allowFakeTokenResponse');
    });
  });
});
