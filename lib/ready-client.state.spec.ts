import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from '@jest/globals';
import { clientWith } from '../test/support/client-with.js';
import { dpopKey } from '../test/support/dpop.js';
import { EhrServer } from '../test/support/ehr-server.js';
import { CONTEXT, httpClient, launchRecord } from '../test/support/launch-parts.js';
import type { LaunchRecord } from './session/launch-record.js';

const ISS = 'https://ehr.example.org/fhir';
const http = httpClient();
afterAll(() => http.close());

const client = (changed: Partial<LaunchRecord> = {}) => clientWith(ISS, http, changed).fhir;

describe('the Authorization header', () => {
  it('is that of the launch', () => {
    expect(client().getAuthorizationHeader()).toBe('Bearer access-1');
  });

  it('is that of the token after a refresh', async () => {
    const ehr = await EhrServer.start(({ headers }) =>
      headers.authorization === 'Bearer access-1'
        ? { status: 401 }
        : { json: { resourceType: 'Patient', id: '1' } },
    );
    const { fhir } = clientWith(`${ehr.url}/fhir`, http);
    await fhir.request('Patient/1');
    expect(fhir.getAuthorizationHeader()).toBe('Bearer access-2');
    await ehr.close();
  });

  it('C-22 is not there for a token that is bound to a key', async () => {
    const refused = client({ dpopKey: await dpopKey() }).getAuthorizationHeader();
    expect(refused).toMatchObject({ error: 'invalid_request', message: expect.stringContaining('DPoP') });
    expect(inspect(refused)).not.toContain('access-1');
  });

  it('A7-19 C-19 is the one way to the token: none is found by looking, logging or copying', () => {
    const fhir = client();
    expect(inspect(fhir, { depth: 9, showHidden: true, getters: true })).not.toMatch(/access-1|refresh-1/);
    expect(JSON.stringify([fhir, { ...fhir }, fhir.getState()])).not.toMatch(/access-1|refresh-1/);
    expect(Object.keys(fhir)).not.toContain('getAuthorizationHeader');
  });
});

describe('the state', () => {
  const identity = {
    iss: 'https://ehr.example.org',
    sub: 'user-c4n4ry',
    fhirUser: 'Practitioner/c4n4ry',
    claims: { name: 'c4n4ry' },
  };
  const context = {
    ...CONTEXT,
    patient: 'patient-c4n4ry',
    encounter: 'encounter-c4n4ry',
    tenant: 'c4n4ry',
    fhirContext: [{ reference: 'ImagingStudy/c4n4ry', role: 'launch' }],
    smartStyleUrl: 'https://ehr.example.org/style?c4n4ry',
    extra: { vendor: 'c4n4ry' },
  };

  it('C-19 says what a launch is like, without tokens, ids or claims', async () => {
    const record = launchRecord(ISS, {
      identity,
      context,
      accessToken: 'access-c4n4ry',
      refreshToken: 'refresh-c4n4ry',
      dpopKey: await dpopKey(),
    });
    const state = client(record).getState();
    expect(state).toEqual({
      fhirBaseUrl: ISS,
      issuerName: 'Test EHR',
      clientId: 'growth-chart',
      scopes: ['launch', 'offline_access', 'patient/Patient.rs'],
      scopeAssumed: false,
      tokenType: 'DPoP',
      accessToken: '[redacted]',
      refreshToken: '[redacted]',
      startedAt: record.startedAt,
      issuedAt: record.issuedAt,
      expiresAt: record.expiresAt,
      context: {
        patient: '[redacted]',
        encounter: '[redacted]',
        tenant: '[redacted]',
        fhirContext: 1,
        intent: null,
        needPatientBanner: true,
        hasStyle: true,
        extra: ['vendor'],
      },
      user: { iss: 'https://ehr.example.org', sub: '[redacted]', fhirUser: '[redacted]' },
    });
    expect(JSON.stringify(state)).not.toContain('c4n4ry');
    expect(JSON.stringify(state)).not.toContain(record.dpopKey!.d);
  });

  it('says what is not there', () => {
    const state = client({ refreshToken: undefined, context: { ...CONTEXT, patient: null } }).getState();
    expect(state).toMatchObject({ tokenType: 'Bearer', refreshToken: null, user: null });
    expect(state.context).toMatchObject({ patient: null, encounter: null, tenant: null, hasStyle: false });
  });

  it('is a copy to the bottom: what is done to it changes nothing', () => {
    const fhir = client();
    const state = fhir.getState();
    const before = structuredClone(state);
    state.scopes.push('system/*.cruds');
    state.context.extra.push('x');
    Object.assign(state.context, { patient: 'other' });
    expect(fhir.getState()).toEqual(before);
    expect(fhir.patient.id).toBe('patient-1');
    expect(fhir.scopes.toArray()).not.toContain('system/*.cruds');
  });
});
