import { describe, expect, it } from '@jest/globals';
import { parseJsonObject } from '../http/json.js';
import { isFhirId, readLaunchContext } from './launch-context.js';

describe('patient and encounter', () => {
  it.each(['123', 'a-B.9', 'x'.repeat(64)])('A7-8 are FHIR ids: %s', (id) => {
    expect(readLaunchContext({ patient: id, encounter: id })).toMatchObject({ patient: id, encounter: id });
  });

  it.each([
    '../Binary/1',
    'a/b',
    'Patient/123',
    '.',
    '..',
    'a?b',
    'a#b',
    'a%2fb',
    'a b',
    'a\n',
    'å',
    'x'.repeat(65),
    {},
    [],
    ['1'],
    123,
    true,
  ])('A7-8 refuses %j for an id', (value) => {
    expect(() => readLaunchContext({ patient: value })).toThrow('patient is not a FHIR id');
    expect(() => readLaunchContext({ encounter: value })).toThrow('encounter is not a FHIR id');
  });

  it('A7-8 does not quote what it refuses', () => {
    expect(() => readLaunchContext({ patient: 'a/c4n4ry' })).toThrow(/^(?!.*c4n4ry)/);
  });

  it.each([undefined, null, ''])('are null when the EHR gave none: %j', (value) => {
    expect(readLaunchContext({ patient: value, encounter: value })).toMatchObject({
      patient: null,
      encounter: null,
    });
  });

  it.each([
    ['1', true],
    ['..', false],
    [1, false],
    [undefined, false],
  ])('isFhirId(%j) is %s', (value, expected) => {
    expect(isFhirId(value)).toBe(expected);
  });
});

describe('fhirContext', () => {
  const read = (fhirContext: unknown) => readLaunchContext({ fhirContext }).fhirContext;

  it('A7-10 keeps entries with a reference, a canonical or an identifier', () => {
    const role = 'https://ehr.example.org/role';
    const identifier = { system: 'urn:oid:1.2.3', value: 'A' };

    expect(
      read([
        { reference: 'ImagingStudy/1' },
        { canonical: 'http://example.org/Questionnaire/a|1', role: 'launch' },
        { identifier, type: 'ServiceRequest', role },
        { reference: 'Observation/1', role: 'urn:example:reason', display: 'dropped' },
      ]),
    ).toEqual([
      { reference: 'ImagingStudy/1', role: 'launch' },
      { canonical: 'http://example.org/Questionnaire/a|1', role: 'launch' },
      { identifier, type: 'ServiceRequest', role },
      { reference: 'Observation/1', role: 'urn:example:reason' },
    ]);
  });

  it.each<[string, unknown]>([
    ['nothing to find it by', { type: 'Observation' }],
    ['an empty reference', { reference: '' }],
    ['a reference that is no string', { reference: 5 }],
    ['an identifier that is no object', { identifier: 'A' }],
    ['an empty role', { reference: 'Observation/1', role: '' }],
    ['a role that is no URI', { reference: 'Observation/1', role: 'reason' }],
    ['a role that is no string', { reference: 'Observation/1', role: null }],
    ['no object', 5],
    ['null', null],
    ['an empty string', ''],
    ['a list', [{ reference: 'Observation/1' }]],
  ])('A7-10 drops an entry with %s, and keeps the others', (_, entry) => {
    expect(read([entry, { reference: 'Device/1' }])).toEqual([{ reference: 'Device/1', role: 'launch' }]);
  });

  it.each([undefined, null, 'ImagingStudy/1', { reference: 'ImagingStudy/1' }])(
    'A7-10 is empty when it is no list: %j',
    (value) => {
      expect(read(value)).toEqual([]);
    },
  );

  it('A7-10 reads the strings of SMART 2.0', () => {
    expect(read(['ImagingStudy/1'])).toEqual([{ reference: 'ImagingStudy/1', role: 'launch' }]);
  });

  it.each<[string, unknown]>([
    ['a Patient', { reference: 'Patient/other' }],
    ['a Patient, role launch', { reference: 'Patient/other', role: 'launch' }],
    ['an Encounter', { reference: 'Encounter/other' }],
    ['a string of SMART 2.0', 'Patient/other'],
    ['an absolute reference', { reference: 'https://ehr.example.org/fhir/Patient/other' }],
    ['an identifier', { identifier: { value: 'other' }, type: 'Patient' }],
    ['a path from the root', { reference: '/Patient/9' }],
    ['a scheme in capitals', { reference: 'HTTPS://ehr.example.org/fhir/Patient/9' }],
    ['a version', { reference: 'Encounter/9/_history/1', role: 'launch' }],
  ])('A7-11 the patient at the top wins over another in the list: %s', (_, entry) => {
    const context = readLaunchContext({ patient: '1', encounter: '2', fhirContext: [entry] });

    expect(context).toMatchObject({ patient: '1', encounter: '2', fhirContext: [] });
  });

  it('A7-10 takes an empty reference for none', () => {
    expect(read([{ reference: '', canonical: 'https://ehr.example.org/q' }])).toEqual([
      { canonical: 'https://ehr.example.org/q', role: 'launch' },
    ]);
    expect(read([{ reference: '', canonical: '' }])).toEqual([]);
  });

  it('A7-11 keeps a Patient that has a role of its own, and types that only begin alike', () => {
    const others = [
      { reference: 'Patient/mother', role: 'https://ehr.example.org/mother' },
      { reference: 'PatientX/1', role: 'launch' },
      { reference: 'EncounterHistory/1', role: 'launch' },
    ];

    expect(read(others)).toEqual(others);
  });
});

describe('the rest of the context', () => {
  it.each([
    [undefined, true],
    [true, true],
    ['true', true],
    [false, false],
    ['false', false],
    [null, true],
    ['', true],
    [0, true],
    ['no', true],
  ])('A7-12 need_patient_banner %j: show one is %s', (value, expected) => {
    expect(readLaunchContext({ need_patient_banner: value }).needPatientBanner).toBe(expected);
  });

  it.each([
    ['Hospital 7 ', 'Hospital 7 '],
    ['../../admin', '../../admin'],
    ['', null],
    [undefined, null],
    [7, null],
    [{}, null],
  ])('A7-14 tenant %j is given as %j', (tenant, expected) => {
    expect(readLaunchContext({ tenant }).tenant).toBe(expected);
  });

  it('reads intent and smart_style_url', () => {
    const response = { intent: 'reconcile', smart_style_url: 'https://ehr.example.org/style.json' };

    expect(readLaunchContext(response)).toMatchObject({
      intent: 'reconcile',
      smartStyleUrl: 'https://ehr.example.org/style.json',
    });
    expect(readLaunchContext({ intent: {}, smart_style_url: 5 })).toMatchObject({
      intent: null,
      smartStyleUrl: null,
    });
  });

  it('A7-15 keeps members of extensions as they came, and none of the tokens', () => {
    const extra = {
      __department: 'ICU',
      'https://ehr.example.org/x': { list: [1, null] },
      loginDepartment: '101',
    };
    const response = {
      access_token: 't',
      refresh_token: 't',
      id_token: 't',
      scope: 's',
      patient: '1',
      ...extra,
    };

    expect(readLaunchContext(response).extra).toEqual(extra);
    expect(readLaunchContext({ patient: '1' }).extra).toEqual({});
  });

  it('C-27 a token response with __proto__ changes no prototype', () => {
    const response = parseJsonObject('{"__proto__":{"patient":"evil","isAdmin":true},"tenant":"a"}')!;

    expect(readLaunchContext(response)).toMatchObject({ patient: null, tenant: 'a', extra: {} });
    expect('isAdmin' in readLaunchContext(response).extra).toBe(false);
  });
});
