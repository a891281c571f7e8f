import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Bundle, FhirResource, Observation, Patient } from 'fhir/r4.js';
import request from 'supertest';

import { ADAPTERS, SMART_CONFIGURATION, startFhirApp, weight } from './fhir-test-app.js';
import type { FhirTestApp } from './fhir-test-app.js';

describe.each(ADAPTERS)('the FHIR server on %s', (_name, adapter) => {
  let server: FhirTestApp;

  beforeAll(async () => {
    server = await startFhirApp(adapter);
  });

  afterAll(() => server.close());

  it('serves the open documents without a token', async () => {
    const metadata = await request(server.base).get('/metadata').expect(200);
    expect(metadata.headers['content-type']).toMatch(/^application\/fhir\+json/);
    expect(metadata.body).toMatchObject({ resourceType: 'CapabilityStatement', fhirVersion: '4.0.1' });
    const [rest] = metadata.body.rest;
    expect(rest.security.extension[0].extension).toContainEqual({
      url: 'token',
      valueUri: SMART_CONFIGURATION.token_endpoint,
    });
    const patient = rest.resource.find(({ type }: { type: string }) => type === 'Patient');
    expect(patient.searchParam).toContainEqual({ name: 'birthdate', type: 'date' });

    const smart = await request(server.base).get('/.well-known/smart-configuration').expect(200);
    expect(smart.headers['content-type']).toMatch(/^application\/json/);
    expect(smart.body).toEqual(SMART_CONFIGURATION);
  });

  it('creates, reads, updates and deletes with versions and ETags', async () => {
    const created = await server
      .as('clinician')
      .post('/Observation')
      .set('content-type', 'application/fhir+json')
      .send(JSON.stringify(weight('ada')))
      .expect(201);
    const { id } = created.body as Observation;
    expect(created.headers).toMatchObject({
      etag: 'W/"1"',
      location: `${server.base}/Observation/${id}/_history/1`,
    });

    await server.as('clinician').get(`/Observation/${id}`).set('if-none-match', 'W/"1"').expect(304);
    const changed = { ...created.body, status: 'amended' };
    await server.as('clinician').put(`/Observation/${id}`).set('if-match', 'W/"7"').send(changed).expect(412);
    const updated = await server
      .as('clinician')
      .put(`/Observation/${id}`)
      .set('if-match', 'W/"1"')
      .send(changed)
      .expect(200);
    expect(updated.headers['etag']).toBe('W/"2"');

    const first = await server.as('clinician').get(`/Observation/${id}/_history/1`).expect(200);
    expect(first.body.status).toBe('final');
    await server.as('clinician').delete(`/Observation/${id}`).expect(204);
    const gone = await server.as('clinician').get(`/Observation/${id}`).expect(410);
    expect(gone.body.issue[0].code).toBe('deleted');
    const history = await server.as('clinician').get(`/Observation/${id}/_history`).expect(200);
    expect(history.body.entry.map((e: { request: { method: string } }) => e.request.method)).toEqual([
      'DELETE',
      'PUT',
      'POST',
    ]);
  });

  it('creates on PUT and keeps non-ASCII letters', async () => {
    const resource = {
      resourceType: 'Patient',
      id: `né-${_name}`.replace('é', 'e'),
      name: [{ family: 'Åström 東' }],
    };
    const created = await server.as('clinician').put(`/Patient/${resource.id}`).send(resource).expect(201);
    expect(created.body.name[0].family).toBe('Åström 東');
    const read = await server.as('clinician').get(`/Patient/${resource.id}`).expect(200);
    expect(read.body.name[0].family).toBe('Åström 東');
  });

  it('returns what Prefer asks for', async () => {
    const create = (prefer: string) =>
      server.as('clinician').post('/Observation').set('prefer', prefer).send(weight('ada')).expect(201);
    const minimal = await create('return=minimal');
    expect([minimal.text, minimal.headers['etag']]).toEqual(['', 'W/"1"']);
    expect((await create('return=OperationOutcome')).body.resourceType).toBe('OperationOutcome');
    expect((await create('return=representation')).body.resourceType).toBe('Observation');
  });

  it('applies a JSON Patch', async () => {
    const response = await server
      .as('clinician')
      .patch('/Patient/bob')
      .set('content-type', 'application/json-patch+json')
      .send(JSON.stringify([{ op: 'add', path: '/gender', value: 'male' }]))
      .expect(200);
    expect(response.body.gender).toBe('male');
    await server
      .as('clinician')
      .patch('/Patient/bob')
      .set('content-type', 'application/json-patch+json')
      .send(JSON.stringify([{ op: 'test', path: '/gender', value: 'female' }]))
      .expect(422);
  });

  it('leaves a resource alone that If-None-Exist finds', async () => {
    const patient = { resourceType: 'Patient', identifier: [{ system: 'urn:mrn', value: _name }] };
    const create = () =>
      server
        .as('clinician')
        .post('/Patient')
        .set('if-none-exist', `identifier=urn:mrn|${_name}`)
        .send(patient);
    const first = await create().expect(201);
    const second = await create().expect(200);
    expect(second.body.id).toBe(first.body.id);
  });

  it('searches by GET and by POST, form and URL together', async () => {
    const byGet = await server.as('clinician').get('/Patient').query({ name: 'trevino' }).expect(200);
    expect((byGet.body as Bundle).entry?.map(({ fullUrl }) => fullUrl)).toEqual([
      `${server.base}/Patient/bob`,
    ]);
    const byPost = await server
      .as('clinician')
      .post('/Patient/_search?_id=ada,bob')
      .type('form')
      .send('family=luk&family=ł');
    expect(byPost.status).toBe(200);
    expect(byPost.body.total).toBe(0);
    const other = await server
      .as('clinician')
      .post('/Patient/_search?_id=ada,bob')
      .type('form')
      .send({ given: 'ada' });
    expect(other.body.entry[0].resource.id).toBe('ada');
  });

  it('refuses an unknown search parameter only when asked to be strict', async () => {
    const lenient = await server.as('clinician').get('/Patient?_id=ada&shoe-size=44').expect(200);
    expect(lenient.body.total).toBe(1);
    expect(lenient.body.link[0].url).toBe(`${server.base}/Patient?_id=ada`);
    const strict = await server
      .as('clinician')
      .get('/Patient?shoe-size=44')
      .set('prefer', 'handling=strict')
      .expect(400);
    expect(strict.body.issue[0].diagnostics).toContain('shoe-size');
  });

  it('pages by following next links', async () => {
    for (let n = 0; n < 5; n += 1) {
      server.store.update<Patient>({ resourceType: 'Patient', id: `page-${n}`, name: [{ family: 'Paged' }] });
    }
    const seen: (string | undefined)[] = [];
    let url: string | undefined = `${server.base}/Patient?family=Paged&_count=2`;
    while (url) {
      const page: Bundle = (await server.as('clinician').get(url.slice(server.base.length)).expect(200)).body;
      expect(page.total).toBe(5);
      seen.push(...(page.entry ?? []).map(({ resource }) => resource?.id));
      url = page.link?.find(({ relation }) => relation === 'next')?.url;
    }
    expect(seen).toEqual(['page-0', 'page-1', 'page-2', 'page-3', 'page-4']);
  });

  it('confines patient/ scopes to the patient', async () => {
    server.store.update({ ...weight('ada'), id: 'of-ada' });
    server.store.update({ ...weight('bob'), id: 'of-bob' });
    const found = await server.as('ada').get('/Observation').expect(200);
    expect(found.body.entry.map((e: { resource: Observation }) => e.resource.subject?.reference)).toEqual(
      found.body.entry.map(() => 'Patient/ada'),
    );
    await server.as('ada').get('/Observation/of-ada').expect(200);
    const refused = await server.as('ada').get('/Observation/of-bob').expect(403);
    expect(refused.body.issue[0].code).toBe('forbidden');
    expect(refused.headers['www-authenticate']).toBe('Bearer error="insufficient_scope"');
    await server.as('ada').get('/Patient/bob').expect(403);
    await server.as('ada').get('/Condition').expect(403);
    await server.as('ada').post('/Observation').send(weight('bob')).expect(403);
    await server.as('ada').post('/Observation').send(weight('ada')).expect(201);
  });

  it('answers Patient/$everything within the scopes', async () => {
    server.store.update({ ...weight('ada'), id: 'of-ada' });
    server.store.update({ resourceType: 'Condition', id: 'c', subject: { reference: 'Patient/ada' } });
    const response = await server.as('ada').get('/Patient/ada/$everything?_count=1000').expect(200);
    const types = response.body.entry.map(
      (e: { resource: { resourceType: string } }) => e.resource.resourceType,
    );
    expect(types[0]).toBe('Patient');
    expect(types).toContain('Observation');
    expect(types).not.toContain('Condition');
    await server.as('ada').get('/Patient/bob/$everything').expect(403);
  });

  it('runs a transaction posted to the base', async () => {
    const bundle: Bundle<FhirResource> = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        {
          resource: { ...weight('x'), subject: { reference: 'urn:uuid:5d5c-1' } },
          request: { method: 'POST', url: 'Observation' },
        },
        {
          fullUrl: 'urn:uuid:5d5c-1',
          resource: { resourceType: 'Patient', name: [{ family: 'Nové' }] },
          request: { method: 'POST', url: 'Patient' },
        },
      ],
    };
    const { body } = await server.as('clinician').post('').send(bundle).expect(200);
    expect(body.type).toBe('transaction-response');
    expect(body.entry.map((e: { response: { status: string } }) => e.response.status)).toEqual([
      '201 Created',
      '201 Created',
    ]);
    expect(body.entry[0].resource.subject.reference).toBe(`Patient/${body.entry[1].resource.id}`);
  });
});
