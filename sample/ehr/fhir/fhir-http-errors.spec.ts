import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { OperationOutcome } from 'fhir/r4.js';
import request from 'supertest';

import { ADAPTERS, startFhirApp } from './fhir-test-app.js';
import type { FhirTestApp } from './fhir-test-app.js';

describe.each(ADAPTERS)('errors of the FHIR server on %s', (_name, adapter) => {
  let server: FhirTestApp;

  beforeAll(async () => {
    server = await startFhirApp(adapter);
  });

  afterAll(() => server.close());

  it.each([undefined, 'Bearer stale', 'Basic Y2xpbmljaWFuOg=='])(
    'answers 401 to %s',
    async (authorization) => {
      const response = await request(server.base)
        .get('/Patient/ada')
        .set(authorization ? { authorization } : {})
        .expect(401);
      expect(response.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
      expect((response.body as OperationOutcome).issue[0]?.code).toBe('login');
    },
  );

  it.each([
    ['malformed JSON', 'post', '/Patient', 'application/fhir+json', '{"resourceType":', 400, 'structure'],
    ['malformed application/json', 'post', '/Patient', 'application/json', '{', 400, 'structure'],
    [
      'another type',
      'post',
      '/Patient',
      'application/fhir+json',
      '{"resourceType":"Encounter"}',
      400,
      'invalid',
    ],
    ['no resource', 'post', '/Patient', 'application/fhir+json', '[]', 400, 'structure'],
    [
      'missing elements',
      'post',
      '/Observation',
      'application/json',
      '{"resourceType":"Observation"}',
      422,
      'required',
    ],
    [
      'an id mismatch',
      'put',
      '/Patient/a',
      'application/json',
      '{"resourceType":"Patient","id":"b"}',
      400,
      'invalid',
    ],
    [
      'an unknown type',
      'post',
      '/Spaceship',
      'application/json',
      '{"resourceType":"Spaceship"}',
      404,
      'not-supported',
    ],
    [
      'a conditional update',
      'put',
      '/Patient',
      'application/json',
      '{"resourceType":"Patient"}',
      405,
      'not-supported',
    ],
    ['a patch as JSON', 'patch', '/Patient/ada', 'application/fhir+json', '[]', 415, 'not-supported'],
  ] as const)(
    'answers %s with an OperationOutcome',
    async (_what, method, path, type, body, status, code) => {
      const response = await server.as('clinician')[method](path).set('content-type', type).send(body);
      expect([response.status, response.body.resourceType, response.body.issue?.[0].code]).toEqual([
        status,
        'OperationOutcome',
        code,
      ]);
    },
  );

  it('takes a body of more than a megabyte', async () => {
    const name = [{ family: 'x'.repeat(2_000_000) }];
    await server
      .as('clinician')
      .put('/Patient/long')
      .send({ resourceType: 'Patient', id: 'long', name })
      .expect(201);
  });

  it('does not answer in XML', async () => {
    await server.as('clinician').get('/Patient/ada').set('accept', 'application/fhir+xml').expect(406);
  });

  it('leaves the JSON bodies of other routes to the application', async () => {
    const echo = () => request(server.base.replace(/fhir$/, 'echo')).post('');
    const answer = await echo().send({ weight: 70 }).expect(201);
    expect(answer.body).toEqual({ body: { weight: 70 } });
    await echo().set('content-type', 'application/json').send('{').expect(400);
  });

  it('hides from the client why the server itself failed', async () => {
    const response = await request(server.base)
      .get('/Patient/ada')
      .auth('broken', { type: 'bearer' })
      .expect(500);
    expect(response.body.issue[0].code).toBe('exception');
    expect(response.text).not.toContain('token store');
  });
});
