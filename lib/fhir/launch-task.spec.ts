import { describe, expect, it } from '@jest/globals';
import { readLaunchTask } from './launch-task.js';

const SYSTEM = 'http://hl7.org/fhir/smart-app-launch/CodeSystem/smart-codes';
const concept = (code: string, system = SYSTEM) => ({ coding: [{ system, code, display: 'x' }] });
const APPLICATION = {
  type: concept('smartonfhir-application'),
  valueUrl: 'https://www.example.org/myapplication',
};
const CONTEXT = { type: concept('smartonfhir-appcontext'), valueString: '{"field1":"value"}' };

/** As the examples of SMART 2.2 "Task profiles for requesting SMART launch". */
const TASK = {
  resourceType: 'Task',
  status: 'requested',
  intent: 'proposal',
  code: concept('launch-app-ehr'),
  for: { reference: 'https://example.org/fhir/Patient/123' },
  encounter: { reference: 'https://example.org/fhir/Encounter/456' },
  input: [APPLICATION, CONTEXT],
};

describe('a Task that asks for a launch', () => {
  it('A16-1 of an EHR says app, appContext, patient and encounter', () => {
    expect(readLaunchTask(TASK)).toEqual({
      type: 'ehr',
      url: 'https://www.example.org/myapplication',
      appContext: '{"field1":"value"}',
      patient: 'https://example.org/fhir/Patient/123',
      encounter: 'https://example.org/fhir/Encounter/456',
    });
  });

  it('A16-1 may be without appContext, patient and encounter', () => {
    const { resourceType, code } = TASK;
    expect(readLaunchTask({ resourceType, code, input: [APPLICATION] })).toEqual({
      type: 'ehr',
      url: 'https://www.example.org/myapplication',
      appContext: null,
      patient: null,
      encounter: null,
    });
  });

  it('A16-1 standalone has no appContext', () => {
    const task = { ...TASK, code: concept('launch-app-standalone'), for: { reference: 'Patient/123' } };
    expect(readLaunchTask(task)).toMatchObject({
      type: 'standalone',
      appContext: null,
      patient: 'Patient/123',
    });
  });

  it.each<[string, unknown]>([
    ['javascript', 'javascript:alert(1)'],
    ['http', 'http://www.example.org/myapplication'],
    ['a path', '/myapplication'],
    ['credentials', 'https://user:pass@www.example.org/'],
    ['a number', 1],
    ['nothing', undefined],
  ])('A16-1 has no URL that is %s', (_what, valueUrl) => {
    const task = { ...TASK, input: [{ ...APPLICATION, valueUrl }] };
    expect(readLaunchTask(task)).toMatchObject({ error: 'invalid_request' });
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['another resource', { ...TASK, resourceType: 'Patient' }],
    ['another code', { ...TASK, code: concept('fulfill') }],
    ['the code of another system', { ...TASK, code: concept('launch-app-ehr', 'https://other.example.org') }],
    [
      'both kinds of launch',
      {
        ...TASK,
        code: {
          coding: [concept('launch-app-ehr').coding[0], concept('launch-app-standalone').coding[0]],
        },
      },
    ],
    ['no app', { ...TASK, input: [CONTEXT] }],
    ['no input', { ...TASK, input: undefined }],
    ['two apps', { ...TASK, input: [APPLICATION, APPLICATION] }],
    ['two contexts', { ...TASK, input: [APPLICATION, CONTEXT, CONTEXT] }],
    ['a context that is no string', { ...TASK, input: [APPLICATION, { ...CONTEXT, valueString: {} }] }],
    ['a group for a patient', { ...TASK, for: { reference: 'Group/1' } }],
    ['a patient by another name', { ...TASK, for: { identifier: { value: '1' } } }],
    ['a patient that climbs', { ...TASK, for: { reference: 'Patient/../1' } }],
    ['an encounter that is none', { ...TASK, encounter: { reference: 'Patient/1' } }],
  ])('A16-1 is not %s', (_what, task) => {
    expect(readLaunchTask(task)).toMatchObject({ error: 'invalid_request' });
  });
});
