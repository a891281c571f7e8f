import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Bundle, FhirResource, Observation } from 'fhir/r4.js';

import { FhirError } from './fhir-error.js';
import { FhirServer } from './fhir-server.js';
import { FhirStore } from './fhir-store.js';
import { parseResourceScope } from './scopes.js';

const VITALS = 'http://terminology.hl7.org/CodeSystem/observation-category|vital-signs';

describe('parseResourceScope', () => {
  it.each([
    ['patient/Observation.rs', 'patient', 'Observation', 'rs'],
    ['user/*.cruds', 'user', '*', 'cruds'],
    ['patient/*.read', 'patient', '*', 'rs'],
    ['user/Condition.write', 'user', 'Condition', 'cud'],
    ['system/Patient.*', 'system', 'Patient', 'cruds'],
  ])('reads %s', (scope, context, type, letters) => {
    const parsed = parseResourceScope(scope);
    expect(parsed).toMatchObject({ context, type, constraint: null });
    expect([...(parsed?.permissions ?? [])].join('')).toBe(letters);
  });

  it.each([
    'openid',
    'launch/patient',
    'patient/Observation',
    'patient/Observation.sr',
    'patient/Observation.x',
    'patient/Observation.constructor',
    'practice/Observation.rs',
    'patient/observation.rs',
  ])('takes %s for no resource scope', (scope) => {
    expect(parseResourceScope(scope)).toBeNull();
  });
});

describe('access to the server', () => {
  let store: FhirStore;

  const observation = (id: string, patient: string, category: string): Observation => ({
    resourceType: 'Observation',
    id,
    status: 'final',
    code: { text: 'x' },
    category: [{ coding: [{ system: VITALS.split('|')[0], code: category }] }],
    subject: { reference: `Patient/${patient}` },
  });

  beforeEach(() => {
    store = new FhirStore();
    const resources: FhirResource[] = [
      { resourceType: 'Patient', id: 'ana', generalPractitioner: [{ reference: 'Practitioner/dr' }] },
      { resourceType: 'Patient', id: 'ben' },
      { resourceType: 'Practitioner', id: 'dr' },
      { resourceType: 'Organization', id: 'org' },
      { resourceType: 'Binary', id: 'scan', contentType: 'image/png' },
      { resourceType: 'AllergyIntolerance', id: 'allergy', patient: { reference: 'Patient/ben' } },
      {
        resourceType: 'Task',
        id: 'task',
        status: 'ready',
        intent: 'order',
        for: { reference: 'Patient/ana' },
      },
      observation('vital', 'ana', 'vital-signs'),
      observation('lab', 'ana', 'laboratory'),
      observation('other', 'ben', 'vital-signs'),
      { ...observation('group', 'ana', 'x'), subject: { reference: 'Group/ana' } },
    ];
    resources.forEach((resource) => store.update(resource));
  });

  async function call(
    scopes: string,
    request: string,
    body?: unknown,
    patient: string | null = 'ana',
  ): Promise<number | string[]> {
    const server = new FhirServer({
      store,
      baseUrl: () => 'https://ehr.example/fhir',
      authenticate: () => Promise.resolve({ scopes: scopes.split(' '), patient }),
      smartConfiguration: () => ({}),
    });
    const [method = '', url = ''] = request.split(' ');
    const [path = '', query] = url.split('?');
    const fhirRequest = {
      method,
      path: path.split('/').filter(Boolean),
      query: new URLSearchParams(query),
      headers: {},
      body,
    };
    try {
      const response = await server.handle(fhirRequest, 'token');
      const bundle = response.body as Bundle | undefined;
      return bundle?.entry?.map(({ resource }) => resource?.id ?? '') ?? response.status;
    } catch (error) {
      if (error instanceof FhirError) return error.status;
      throw error;
    }
  }

  it.each([
    ['patient/Patient.r', 'GET Patient/ana', 200],
    ['patient/Patient.r', 'GET Patient/ben', 403],
    ['patient/Patient.r', 'GET Patient/nobody', 404],
    ['patient/Patient.s', 'GET Patient/ana', 403],
    ['patient/Patient.r', 'GET Patient', 403],
    ['patient/Patient.rs', 'GET Patient', ['ana']],
    ['user/Patient.rs', 'GET Patient', ['ana', 'ben']],
    ['patient/*.read', 'GET Observation', ['vital', 'lab']],
    ['patient/*.read', 'GET Observation?patient=ben', []],
    ['patient/*.rs', 'GET AllergyIntolerance/allergy', 403],
    ['patient/*.rs', 'GET Observation/group', 403],
    ['patient/*.rs', 'GET Task', ['task']],
    ['patient/Patient.r', 'GET Patient/ana/$everything', ['ana']],
    ['patient/Patient.r patient/Practitioner.r', 'GET Patient/ana/$everything', ['ana', 'dr']],
    ['patient/*.rs', 'GET Binary/scan', 403],
    ['user/*.rs', 'GET Binary/scan', 200],
    ['patient/*.rs', 'GET Organization/org', 200],
    ['patient/Practitioner.rs', 'GET Practitioner', ['dr']],
    ['patient/Patient.rs', 'GET Practitioner/dr', 403],
    ['openid fhirUser', 'GET Practitioner/dr', 200],
    ['openid', 'GET Practitioner/dr', 403],
    ['fhirUser', 'GET Practitioner/dr', 403],
    ['openid fhirUser', 'GET Patient/ana', 403],
    ['patient/Patient.rs', 'GET Patient?_include=Patient:general-practitioner', ['ana']],
    ['patient/*.rs', 'GET Patient?_include=Patient:general-practitioner', ['ana', 'dr']],
    ['patient/Patient.rs', 'GET Patient?_revinclude=Observation:patient', ['ana']],
    ['user/*.rs', 'GET Patient?_id=ana&_revinclude=Task:patient', ['ana', 'task']],
    [`patient/Observation.rs?category=${VITALS}`, 'GET Observation', ['vital']],
    [`patient/Observation.rs?category=${VITALS}`, 'GET Observation/lab', 403],
    [`patient/Observation.rs?category=${VITALS}`, 'GET Observation/vital', 200],
    ['patient/Observation.rs?shoe-size=4', 'GET Observation', []],
    ['patient/*.cruds', 'GET Patient/ana/_history', ['ana']],
    ['patient/*.cruds', 'GET Patient/ben/_history', 403],
    ['patient/*.cruds', 'GET Patient/ben/_history/1', 403],
    ['patient/*.cruds', 'DELETE Observation/lab', 204],
    ['patient/*.cruds', 'DELETE Observation/other', 403],
    ['patient/*.rs', 'DELETE Observation/lab', 403],
    ['patient/*.cruds', 'DELETE Practitioner/dr', 403],
    ['user/*.cruds', 'DELETE Practitioner/dr', 204],
  ])('with %s answers %s with %j', async (scopes, request, expected) => {
    expect(await call(scopes, request)).toEqual(expected);
  });

  it('grants nothing of a patient where no patient is in context', async () => {
    expect(await call('patient/*.rs', 'GET Patient/ana', undefined, null)).toBe(403);
    expect(await call('patient/*.rs', 'GET Observation', undefined, null)).toBe(403);
    expect(await call('patient/*.rs', 'GET Practitioner/dr', undefined, null)).toBe(200);
  });

  it('guards writes by what a resource was and by what it becomes', async () => {
    const mine = observation('lab', 'ana', 'laboratory');
    expect(await call('patient/Observation.u', 'PUT Observation/lab', mine)).toBe(200);
    expect(
      await call('patient/Observation.u', 'PUT Observation/lab', {
        ...mine,
        subject: { reference: 'Patient/ben' },
      }),
    ).toBe(403);
    expect(await call('patient/Observation.u', 'PUT Observation/other', { ...mine, id: 'other' })).toBe(403);
    expect(await call('patient/Observation.c', 'POST Observation', mine)).toBe(201);
    expect(await call('patient/Observation.c', 'POST Observation', observation('x', 'ben', 'x'))).toBe(403);
    expect(await call('patient/Observation.c', 'PUT Observation/lab', mine)).toBe(403);
    const move = [{ op: 'replace', path: '/subject/reference', value: 'Patient/ben' }];
    expect(await call('patient/Observation.u', 'PATCH Observation/lab', move)).toBe(403);
    const amend = [{ op: 'replace', path: '/status', value: 'amended' }];
    expect(await call('patient/Observation.u', 'PATCH Observation/other', amend)).toBe(403);
    expect(await call('patient/Observation.u', 'PATCH Observation/lab', amend)).toBe(200);
    expect(store.read('Observation', 'other').subject?.reference).toBe('Patient/ben');
  });

  it('guards a deleted resource by what it was', async () => {
    store.delete('Observation', 'other');
    store.delete('Observation', 'lab');
    expect(await call('patient/*.cruds', 'GET Observation/other')).toBe(403);
    expect(await call('patient/*.cruds', 'PUT Observation/other', observation('other', 'ana', 'x'))).toBe(
      403,
    );
    expect(await call('patient/*.cruds', 'GET Observation/lab')).toBe(410);
  });

  it('keeps back the versions of a resource that were about another patient', async () => {
    store.update(observation('other', 'ana', 'vital-signs'));
    expect(await call('patient/*.rs', 'GET Observation/other')).toBe(200);
    expect(await call('patient/*.rs', 'GET Observation/other/_history')).toHaveLength(1);
    expect(await call('user/*.rs', 'GET Observation/other/_history')).toHaveLength(2);
    expect(await call('patient/*.rs', 'GET Observation/other/_history/1')).toBe(403);
    expect(await call('patient/*.rs', 'GET Observation/other/_history/2')).toBe(200);
  });

  it('holds inside Bundles', async () => {
    const bundle = (type: string) => ({
      resourceType: 'Bundle',
      type,
      entry: [
        { request: { method: 'GET', url: 'Patient/ana' } },
        { request: { method: 'DELETE', url: 'Observation/other' } },
      ],
    });
    expect(await call('patient/*.cruds', 'POST ', bundle('batch'))).toEqual(['ana', '']);
    expect(await call('patient/*.cruds', 'POST ', bundle('transaction'))).toBe(403);
    expect(store.read('Observation', 'other').id).toBe('other');
  });
});
