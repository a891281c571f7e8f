import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Binary, Patient } from 'fhir/r4.js';
import { z } from 'zod';
import { clientWith } from '../../test/support/client-with.js';
import { EhrServer } from '../../test/support/ehr-server.js';
import type { EhrAnswer } from '../../test/support/ehr-server.js';
import { httpClient } from '../../test/support/launch-parts.js';
import type { ReadyClient } from '../ready-client.js';
import { unwrap } from '../smart-error.js';

const PATIENT: Patient = { resourceType: 'Patient', id: 'patient-1' };
const PDF = Buffer.from([0x25, 0x50, 0x44, 0x46, 0x00, 0xff, 0xfe]);
const http = httpClient();
let ehr: EhrServer;
let fhir: ReadyClient;

beforeAll(async () => void (ehr = await EhrServer.start()));
afterAll(async () => {
  await http.close();
  await ehr.close();
});
beforeEach(() => {
  ehr.reset();
  ({ fhir } = clientWith(`${ehr.url}/fhir`, http));
});
const answer = (given: EhrAnswer) => ehr.respondWith(() => given);

describe('an answer with its response', () => {
  it('has status, headers, ETag, Location and the date', async () => {
    const headers = {
      etag: 'W/"3"',
      'last-modified': 'Sat, 31 Jan 2026 12:00:00 GMT',
      location: 'Patient/patient-1/_history/3',
      'x-own': 'a',
    };
    answer({ status: 201, json: PATIENT, headers });
    for (const response of [
      unwrap(await fhir.create({ ...PATIENT, id: undefined }, { includeResponse: true })),
      unwrap(await fhir.update({ ...PATIENT, id: 'patient-1' }, { includeResponse: true })),
      unwrap(await fhir.patient.request({ includeResponse: true })),
      unwrap(await fhir.read('Patient', 'patient-1', { includeResponse: true })),
    ]) {
      expect(response).toMatchObject({
        body: PATIENT,
        status: 201,
        etag: 'W/"3"',
        location: 'Patient/patient-1/_history/3',
        lastModified: new Date('2026-01-31T12:00:00Z'),
      });
      expect(response.headers.get('X-Own')).toBe('a');
    }
  });

  it('says null of what was not sent', async () => {
    answer({ status: 204, headers: { 'last-modified': 'yesterday' } });
    const response = unwrap(await fhir.delete('Patient/patient-1', { includeResponse: true }));
    expect(response).toMatchObject({
      body: { deleted: true },
      status: 204,
      etag: null,
      location: null,
      lastModified: null,
    });
  });

  it('has the body as the schema wants it', async () => {
    answer({ json: PATIENT });
    const schema = z.object({ id: z.string().transform((id) => id.length) });
    expect(await fhir.request('Patient/patient-1', { schema, includeResponse: true })).toMatchObject({
      body: { id: 9 },
      status: 200,
    });
  });
});

describe('bytes', () => {
  it('come with their content type', async () => {
    answer({ text: PDF, headers: { 'content-type': 'application/pdf' } });
    const binary = unwrap(await fhir.request('Binary/1', { as: 'binary' }));
    expect(binary).toEqual({ data: PDF, contentType: 'application/pdf' });
    expect(ehr.requests[0]!.headers.accept).toBe('*/*');
  });

  it('are taken out of the Binary that a server sends all the same', async () => {
    const json: Binary = {
      resourceType: 'Binary',
      id: '1',
      contentType: 'application/pdf',
      data: PDF.toString('base64'),
    };
    answer({ json });
    expect(await fhir.request('Binary/1', { as: 'binary' })).toEqual({
      data: PDF,
      contentType: 'application/pdf',
    });
    expect(await fhir.request('Binary/2', { as: 'binary' })).toMatchObject({
      error: 'invalid_fhir_response',
    });
    expect(await fhir.read('Binary', '1')).toEqual(json);
  });

  it('may be a resource themselves', async () => {
    answer({ json: PATIENT });
    const { data } = unwrap(await fhir.request('Binary/1', { as: 'binary' }));
    expect(Buffer.from(data).toString()).toBe(JSON.stringify(PATIENT));
  });

  it('may be none', async () => {
    answer({ status: 200, headers: { 'content-type': 'application/pdf' } });
    expect(unwrap(await fhir.request('Binary/1', { as: 'binary' })).data).toHaveLength(0);
  });

  it('that are refused are an error with the OperationOutcome', async () => {
    const json = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'forbidden' }] };
    answer({ status: 403, json });
    expect(await fhir.request('Binary/1', { as: 'binary' })).toMatchObject({
      status: 403,
      operationOutcome: json,
    });
  });

  it('are sent as they are, with the content type that the caller gives', async () => {
    answer({ status: 201, json: { resourceType: 'Binary', id: '7' } });
    const headers = { 'content-type': 'application/pdf', 'x-security-context': 'Patient/patient-1' };
    const created = await fhir.request({ url: 'Binary', method: 'POST', body: PDF, headers });
    expect(created).toEqual({ resourceType: 'Binary', id: '7' });
    expect(ehr.requests[0]).toMatchObject({ method: 'POST', headers, body: PDF.toString() });
    expect(ehr.requests[0]!.headers['content-length']).toBe(String(PDF.length));
  });
});

describe('text', () => {
  it.each<[string, Buffer, string]>([
    ['text/plain', Buffer.from('Grüße'), 'Grüße'],
    ['text/plain; charset=iso-8859-1', Buffer.from('Grüße', 'latin1'), 'Grüße'],
    ['text/plain; charset=none-such', Buffer.from('Grüße'), 'Grüße'],
    ['application/fhir+xml', Buffer.from('<Patient/>'), '<Patient/>'],
  ])('is read as its content type says: %s', async (type, text, expected) => {
    answer({ text, headers: { 'content-type': type } });
    expect(await fhir.request('DocumentReference/1', { as: 'text' })).toBe(expected);
  });

  it('is sent as it is', async () => {
    answer({ json: PATIENT });
    const headers = { 'content-type': 'application/fhir+xml', accept: 'application/fhir+xml' };
    await fhir.request({ url: 'Patient', method: 'POST', body: '<Patient/>', headers });
    expect(ehr.requests[0]).toMatchObject({ headers, body: '<Patient/>' });
  });
});
