import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { clientWith } from '../../test/support/client-with.js';
import { EhrServer } from '../../test/support/ehr-server.js';
import type { EhrAnswer } from '../../test/support/ehr-server.js';
import { httpClient } from '../../test/support/launch-parts.js';
import { fhirReleaseOf } from './server-facts.js';

const http = httpClient();
let ehr: EhrServer;
let statement: EhrAnswer;

beforeAll(async () => void (ehr = await EhrServer.start()));
afterAll(async () => {
  await http.close();
  await ehr.close();
});
beforeEach(() => {
  ehr.reset();
  ehr.respondWith(() => statement);
  statement = { json: { resourceType: 'CapabilityStatement', fhirVersion: '4.0.1' } };
});

const client = () => clientWith(`${ehr.url}/fhir`, http).fhir;

describe('the FHIR version of a server', () => {
  it('is read once, with the token, since some servers keep their metadata to themselves', async () => {
    const fhir = client();
    expect([await fhir.getFhirVersion(), await fhir.getFhirRelease()]).toEqual(['4.0.1', 4]);
    expect(ehr.requests).toMatchObject([
      { method: 'GET', path: '/fhir/metadata', headers: { authorization: 'Bearer access-1' } },
    ]);
  });

  it('is read again after a failure', async () => {
    const fhir = client();
    const good = statement;
    statement = { status: 503 };
    expect(await fhir.getFhirVersion()).toMatchObject({ error: 'fhir_request_failed' });
    expect(await fhir.getFhirRelease()).toMatchObject({ error: 'fhir_request_failed' });
    statement = good;
    expect(await fhir.getFhirRelease()).toBe(4);
  });

  it.each<[string, unknown]>([
    ['no statement', { resourceType: 'Patient', fhirVersion: '4.0.1' }],
    ['no version', { resourceType: 'CapabilityStatement' }],
    ['a version that is none', { resourceType: 'CapabilityStatement', fhirVersion: 4 }],
    ['a list', []],
  ])('is an error where the answer has %s', async (_what, json) => {
    statement = { json };
    expect(await client().getFhirVersion()).toMatchObject({ error: 'invalid_fhir_response' });
  });

  it('is that of DSTU2 too, where the statement has another name', async () => {
    statement = { json: { resourceType: 'Conformance', fhirVersion: '1.0.2' } };
    expect(await client().getFhirRelease()).toBe(2);
  });
});

describe('the release of a version', () => {
  it.each<[number, string[]]>([
    [2, ['0.4.0', '0.5.0', '1.0.0', '1.0.1', '1.0.2']],
    [3, ['1.1.0', '1.4.0', '1.6.0', '1.8.0', '3.0.0', '3.0.1', '3.0.2']],
    [4, ['3.3.0', '3.5.0', '4.0.0', '4.0.1', '4.1.0', '4.3.0', '4.3.0-cibuild']],
    [5, ['4.2.0', '4.4.0', '4.6.0', '5.0.0', '5.0.0-ballot']],
    [0, ['6.0.0', '', '4', '40.0.1', '4.01', 'R4', 'x4.0.1', '2.0.0']],
  ])('is %d', (release, versions) => {
    expect(versions.map(fhirReleaseOf)).toEqual(versions.map(() => release));
  });
});
