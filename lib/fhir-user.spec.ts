import { describe, expect, it } from '@jest/globals';
import { registrationOf } from '../test/support/registration.js';
import { readFhirUser, splitFhirUser } from './fhir-user.js';

describe('readFhirUser', () => {
  const registration = registrationOf({ iss: 'https://ehr.example.org/fhir' });

  it.each(['Practitioner/1', 'https://ehr.example.org/fhir/Practitioner/1'])(
    'B-28 reads %s as the same user',
    (fhirUser) => {
      expect(readFhirUser({ fhirUser }, registration)).toBe('Practitioner/1');
    },
  );

  it('B-28 resolves against the FHIR base whether or not it ends with a slash', () => {
    const slashed = registrationOf({ iss: 'https://ehr.example.org/fhir/' });

    expect(readFhirUser({ fhirUser: 'https://ehr.example.org/fhir/Patient/a.b-1' }, slashed)).toBe(
      'Patient/a.b-1',
    );
  });

  it.each(['Practitioner', 'PractitionerRole', 'Patient', 'RelatedPerson', 'Person'])(
    'B-28 takes a %s',
    (type) => {
      expect(readFhirUser({ fhirUser: `${type}/1` }, registration)).toBe(`${type}/1`);
    },
  );

  it.each([
    'https://other.example.org/fhir/Practitioner/1',
    'https://ehr.example.org/fhir-evil/Practitioner/1',
    'https://ehr.example.org/Practitioner/1',
  ])('B-28 keeps the user of another server absolute: %s', (fhirUser) => {
    expect(readFhirUser({ fhirUser }, registration)).toBe(fhirUser);
  });

  it.each<[string, unknown]>([
    ['absent', undefined],
    ['null', null],
    ['a number', 1],
    ['a list', ['Practitioner/1']],
    ['empty', ''],
    ['a bare id', '123'],
    ['another resource type', 'Observation/1'],
    ['lower case', 'practitioner/1'],
    ['without an id', 'Practitioner/'],
    ['climbing out of the path', 'Practitioner/..'],
    ['climbing out of the base', 'https://ehr.example.org/fhir/../admin/Practitioner/1'],
    ['relative and climbing', '../Practitioner/1'],
    ['with a query', 'Practitioner/1?_format=xml'],
    ['with a fragment', 'Practitioner/1#a'],
    ['with an escaped slash', 'Practitioner/1%2F..%2FPatient'],
    ['longer than an id may be', `Practitioner/${'1'.repeat(65)}`],
    ['a history entry', 'Practitioner/1/_history/2'],
    ['a script', 'javascript:alert(1)//Practitioner/1'],
  ])('B-28 gives no user for a claim that is %s', (_, fhirUser) => {
    expect(readFhirUser({ fhirUser }, registration)).toBeNull();
  });

  it('B-29 reads the profile claim only where the switch says so', () => {
    const claims = { profile: 'Practitioner/7' };

    expect(readFhirUser(claims, registration)).toBeNull();
    expect(readFhirUser(claims, registrationOf({ profileClaim: true }))).toBe('Practitioner/7');
  });

  it('B-29 prefers fhirUser where both came', () => {
    const claims = { fhirUser: 'Practitioner/1', profile: 'Practitioner/7' };

    expect(readFhirUser(claims, registrationOf({ profileClaim: true }))).toBe('Practitioner/1');
  });

  it('B-28 E-NO-1 reads a bare id as the configured type, and complete references as ever', () => {
    const webmed = registrationOf({ bareFhirUserType: 'Practitioner' });

    expect(readFhirUser({ fhirUser: '123' }, webmed)).toBe('Practitioner/123');
    expect(readFhirUser({ fhirUser: 'Patient/123' }, webmed)).toBe('Patient/123');
    expect(readFhirUser({ fhirUser: '..' }, webmed)).toBeNull();
  });
});

describe('splitFhirUser', () => {
  it.each([
    ['PractitionerRole/a-1', { type: 'PractitionerRole', id: 'a-1' }],
    ['https://other.example.org/fhir/Patient/2', { type: 'Patient', id: '2' }],
  ])('splits %s', (reference, expected) => {
    expect(splitFhirUser(reference)).toEqual(expected);
  });
});
