import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { clientWith as clientOf } from '../test/support/client-with.js';
import { EhrServer } from '../test/support/ehr-server.js';
import { CONTEXT, httpClient } from '../test/support/launch-parts.js';
import type { LaunchRecord } from './session/launch-record.js';

const http = httpClient();
let ehr: EhrServer;
let evil: EhrServer;
let iss: string;

beforeAll(async () => {
  [ehr, evil] = [await EhrServer.start(), await EhrServer.start()];
  iss = `${ehr.url}/fhir`;
});
afterAll(async () => {
  await http.close();
  await ehr.close();
  await evil.close();
});
beforeEach(() => {
  for (const server of [ehr, evil]) {
    server.reset();
    server.respondWith(() => ({ json: { resourceType: 'Patient' } }));
  }
});

const clientWith = (changed: Partial<LaunchRecord>) => clientOf(iss, http, changed);

describe('what the launch is about', () => {
  const identity = (fhirUser: string | null) => ({
    iss,
    sub: 'user-1',
    fhirUser,
    claims: { sub: 'user-1', n: 7 },
  });

  it('is read as its own requests', async () => {
    const { fhir } = clientWith({
      context: { ...CONTEXT, encounter: 'e1' },
      identity: identity('Practitioner/7'),
    });
    expect([fhir.patient, fhir.encounter, fhir.user, fhir.practitioner]).toMatchObject([
      { id: 'patient-1', reference: 'Patient/patient-1', type: 'Patient' },
      { id: 'e1', reference: 'Encounter/e1', type: 'Encounter' },
      { id: '7', reference: 'Practitioner/7', type: 'Practitioner' },
      { id: '7', reference: 'Practitioner/7', type: 'Practitioner' },
    ]);
    for (const resource of [fhir.patient, fhir.encounter, fhir.user, fhir.practitioner])
      await resource.request();
    expect(ehr.requests.map(({ path }) => path)).toEqual([
      '/fhir/Patient/patient-1',
      '/fhir/Encounter/e1',
      '/fhir/Practitioner/7',
      '/fhir/Practitioner/7',
    ]);
  });

  it.each<[string, unknown]>([
    ['another patient', { resourceType: 'Patient', id: 'patient-2' }],
    ['something else', { resourceType: 'Practitioner', id: 'patient-1' }],
    ['a Bundle', { resourceType: 'Bundle' }],
    ['nothing', undefined],
    ['null', null],
  ])('A9-6 is never answered with %s', async (_what, json) => {
    ehr.respondWith(() => (json === undefined ? { status: 200 } : { text: JSON.stringify(json) }));
    expect(await clientWith({}).fhir.patient.request()).toMatchObject({ error: 'invalid_fhir_response' });
  });

  it('A7-9 is an error and no guess where there is none', async () => {
    const { fhir } = clientWith({ context: { ...CONTEXT, patient: null }, identity: identity('Patient/7') });
    expect(fhir.patient).toMatchObject({ id: null, reference: null, type: null });
    expect(await fhir.patient.request()).toMatchObject({ error: 'missing_context', missing: ['patient'] });
    expect(await fhir.encounter.request()).toMatchObject({
      error: 'missing_context',
      missing: ['encounter'],
    });
    expect(await fhir.practitioner.request()).toMatchObject({ error: 'missing_context' });
    expect(fhir.user).toMatchObject({ id: '7', type: 'Patient' });
    expect(ehr.requests).toEqual([]);
  });

  it('B-28 may be a user of another server, who is known but not asked for with this token', async () => {
    const reference = `${evil.url}/Practitioner/7`;
    const { fhir } = clientWith({ identity: identity(reference) });
    // its id belongs to somebody else on this server
    expect(fhir.user).toMatchObject({ id: null, reference, type: 'Practitioner' });
    expect(fhir.practitioner).toMatchObject({ id: null, reference: null });
    expect(await fhir.user.request()).toMatchObject({ error: 'invalid_request' });
    expect(evil.requests).toEqual([]);
  });

  it('gives claims of the id_token, its own ones only', () => {
    const { fhir } = clientWith({ identity: identity(null) });
    expect(fhir.getClaim('sub')).toBe('user-1');
    expect(fhir.getClaim('sub', z.string())).toBe('user-1');
    expect(fhir.getClaim('n', z.string())).toMatchObject({ error: 'schema_mismatch' });
    for (const name of ['none', 'constructor', '__proto__', 'toString'])
      expect(fhir.getClaim(name)).toBeUndefined();
    expect(clientWith({ identity: null }).fhir.getClaim('sub')).toBeUndefined();
  });

  it('C-19 shows neither token nor patient to who prints it', () => {
    const { fhir } = clientWith({ identity: identity('Practitioner/7') });
    const printed = [inspect(fhir, { depth: 9, showHidden: true }), JSON.stringify(fhir), inspect({ fhir })];
    expect(printed.join()).not.toMatch(/access-1|refresh-1|patient-1|Practitioner/);
    expect(JSON.parse(printed[1]!)).toEqual({ fhirServer: 'Test EHR', scopes: fhir.scopes.toString() });
  });

  it('C-19 shows of scopes what they are for, and not what they are constrained to', () => {
    const constrained = ['c4n4ry', 'other'].map((id) => `patient/Observation.rs?patient=Patient/${id}`);
    const { fhir } = clientWith({ scope: `openid ${constrained.join(' ')}` });
    expect(JSON.parse(JSON.stringify(fhir))).toMatchObject({ scopes: 'openid patient/Observation.rs' });
    expect(fhir.getState().scopes).toEqual(['openid', 'patient/Observation.rs']);
    expect(inspect([fhir, fhir.getState()], { depth: 9 })).not.toContain('c4n4ry');
    // the app itself is told all
    expect(fhir.scopes.toArray()).toEqual(['openid', ...constrained]);
  });
});
