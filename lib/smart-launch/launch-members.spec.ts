import { describe, expect, it } from '@jest/globals';
import { launchMembersFor, readLaunchMembers } from './launch-members.js';
import type { LaunchMembers } from './launch-members.js';

const CONTEXT: LaunchMembers = {
  patient: 'ada',
  encounter: 'visit',
  intent: 'order',
  need_patient_banner: false,
  smart_style_url: 'https://ehr.example.org/style.json',
  tenant: 'north',
  fhirContext: [
    { reference: 'ImagingStudy/1' },
    { reference: 'https://ehr.example.org/fhir/List/2', role: 'https://example.org/role' },
    { identifier: { value: '7' }, type: 'ServiceRequest' },
  ],
  __ward: 'b',
};
const SHARED = { smart_style_url: CONTEXT.smart_style_url, tenant: 'north' };
const [imaging, list, order] = CONTEXT.fhirContext!;

describe('launchMembersFor', () => {
  it.each<[string, LaunchMembers]>([
    ['launch', CONTEXT],
    ['openid launch patient/*.rs', CONTEXT],
    ['', {}],
    ['openid fhirUser patient/Patient.rs launchpad', {}],
    ['launch/patient', { ...SHARED, patient: 'ada', need_patient_banner: false }],
    ['launch/encounter', { ...SHARED, encounter: 'visit' }],
    [
      'launch/patient launch/encounter',
      { ...SHARED, patient: 'ada', encounter: 'visit', need_patient_banner: false },
    ],
    ['launch/imagingstudy', { ...SHARED, fhirContext: [imaging!] }],
    ['launch/list?role=https://example.org/role', { ...SHARED, fhirContext: [list!] }],
    ['launch/list?role=https://example.org/other', SHARED],
    ['launch/imagingstudy launch/servicerequest', { ...SHARED, fhirContext: [imaging!, order!] }],
    ['launch/practitioner', SHARED],
  ])('F-8 gives for the scope "%s" what it allows', (scope, members) => {
    expect(launchMembersFor(CONTEXT, scope)).toEqual(members);
    expect(launchMembersFor(CONTEXT, new Set(scope.split(' ')))).toEqual(members);
  });

  it('F-8 answers a copy', () => {
    expect(launchMembersFor(CONTEXT, 'launch')).not.toBe(CONTEXT);
  });
});

describe('readLaunchMembers', () => {
  it('F-9 leaves the parameters of FHIR and the token of a form alone', () => {
    expect(
      readLaunchMembers([
        ['_format', 'json'],
        ['_pretty', 'true'],
        ['_csrf', 'x'],
        ['__proto__', 'z'],
      ]),
    ).toEqual({});
  });

  it('F-9 keeps an entry of fhirContext as it was given', () => {
    const given = [{ reference: 'List/1' }, { reference: 'List/2', role: 'launch' }];
    expect(readLaunchMembers([['fhirContext', given]])).toEqual({ fhirContext: given });
  });

  it.each([
    ['patient_id', 'Write patient'],
    ['Encounter', 'Write encounter'],
    ['needPatientBanner', 'Write need_patient_banner'],
    ['fhircontext[0]', 'Write fhirContext'],
  ])('F-6 tells that %s is no parameter', (name, message) => {
    expect(readLaunchMembers([[name, 'ada']])).toMatchObject({ message: expect.stringContaining(message) });
  });

  it.each([
    [['pateint'], ': pateint. There are patient, encounter'],
    [['pateint', 'Pat', 'pateint'], ': pateint, Pat. There are'],
    [['constructor'], ': constructor. '],
    [['p\u0430tient', '<script>', '1', 'x'.repeat(41)], 'no such launch parameter. There are'],
  ])('F-6 refuses the unknown names %j, and repeats none that is not safe', (names, message) => {
    const given = [['patient', 'ada'], ...names.map((name) => [name, '1'])] as [string, string][];

    expect(readLaunchMembers(given)).toMatchObject({
      error: 'invalid_launch_request',
      status: 400,
      message: expect.stringContaining(message),
    });
  });

  it.each<[string, unknown]>([
    ['patient', '../Patient'],
    ['patient', 7],
    ['encounter', ['visit']],
    ['encounter', null],
    ['intent', 'a\nb'],
    ['tenant', { id: 'north' }],
    ['need_patient_banner', 1],
    ['smart_style_url', '/style.json'],
    ['fhirContext', []],
    ['fhirContext', { reference: 'List/1' }],
    ['fhirContext', [{ reference: 'Encounter/1' }]],
    ['fhirContext', [{ reference: 'List/1', role: 'no URI' }]],
  ])('F-6 refuses %s: %j', (name, value) => {
    expect(readLaunchMembers([[name, value]])).toMatchObject({
      error: 'invalid_launch_request',
      status: 400,
    });
  });
});
