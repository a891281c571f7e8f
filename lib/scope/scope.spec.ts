import { describe, expect, it } from '@jest/globals';
import { SmartScopes, parseResourceScope, splitScopes } from './scope.js';

describe('parseResourceScope', () => {
  const combinations = Array.from({ length: 31 }, (_, index) =>
    [...'cruds'].filter((_letter, bit) => (index + 1) & (1 << bit)).join(''),
  );

  it.each(combinations)('A17-1 reads the permissions .%s', (permissions) => {
    expect(parseResourceScope(`patient/Observation.${permissions}`)).toEqual({
      level: 'patient',
      resourceType: 'Observation',
      permissions,
      parameters: [],
    });
  });

  it.each([
    ['user/*.cruds', 'user', '*'],
    ['system/Patient.r', 'system', 'Patient'],
    ['patient/MedicationRequest.rs', 'patient', 'MedicationRequest'],
  ])('A17-1 reads level and type of %s', (scope, level, resourceType) => {
    expect(parseResourceScope(scope)).toMatchObject({ level, resourceType });
  });

  it.each([
    'patient/Observation.',
    'patient/Observation.sr',
    'patient/Observation.dus',
    'patient/Observation.rr',
    'patient/Observation.x',
    'patient/Observation.CRUDS',
    'patient/Observation.readwrite',
    'patient/Observation.Read',
    'patient/Observation',
    'patient/.rs',
    'patient/observation.rs',
    'patient/Obs-ervation.rs',
    'patient/**.rs',
    'Patient/Observation.rs',
    'patients/Observation.rs',
    'practitioner/Observation.rs',
    '/Observation.rs',
    'xpatient/Observation.rs',
    'patient/Observation.rs/x',
    'patient/Observation.rs?',
    'patient/Observation.rs?category',
    'patient/Observation.rs?=a',
    'patient/Observation.rs?category=',
    'patient/Observation.rs?a=1&',
    'patient/Observation.rs#a',
    'patient/Observation.read?category=a',
    'openid',
    'launch/patient',
    '',
  ])('A17-1 takes %j for no clinical scope', (scope) => {
    expect(parseResourceScope(scope)).toBeUndefined();
  });

  it.each([
    ['read', 'rs'],
    ['write', 'cud'],
    ['*', 'cruds'],
  ])('A17-2 reads .%s of SMART v1 as .%s', (v1, permissions) => {
    expect(parseResourceScope(`user/*.${v1}`)).toEqual({
      level: 'user',
      resourceType: '*',
      permissions,
      parameters: [],
    });
  });

  it('A17-4 keeps the bytes of a constraint, in an order of its own', () => {
    const scope = 'patient/Observation.rs?code=http://loinc.org|85354-9&category=a%20b&_x=1=2';

    expect(parseResourceScope(scope)?.parameters).toEqual([
      '_x=1=2',
      'category=a%20b',
      'code=http://loinc.org|85354-9',
    ]);
  });
});

describe('splitScopes', () => {
  it('A17-5 splits at any run of spaces, and names each scope once', () => {
    expect(splitScopes('  openid   launch openid\tlaunch\npatient/*.rs ')).toEqual([
      'openid',
      'launch',
      'patient/*.rs',
    ]);
    expect(splitScopes('   ')).toEqual([]);
  });
});

describe('SmartScopes', () => {
  it.each([
    // granted, needed, missing
    ['patient/Observation.rs', 'patient/Observation.rs', ''],
    ['patient/Observation.r patient/Observation.s', 'patient/Observation.rs', ''],
    ['patient/*.r patient/Observation.s', 'patient/Observation.rs', ''],
    ['patient/Observation.rs patient/Observation.cud', 'patient/Observation.cruds', ''],
    ['patient/*.cruds', 'patient/Observation.rs', ''],
    ['patient/*.*', 'patient/Observation.cruds', ''],
    ['patient/Observation.read', 'patient/Observation.rs', ''],
    ['patient/Observation.rs', 'patient/Observation.read', ''],
    ['patient/Observation.cud', 'patient/Observation.write', ''],
    ['patient/Observation.rs', 'patient/Observation.cruds', 'patient/Observation.cud'],
    ['patient/Observation.read', 'patient/Observation.d', 'patient/Observation.d'],
    ['patient/Observation.read', 'patient/Observation.*', 'patient/Observation.cud'],
    ['patient/Observation.rs', 'patient/*.rs', 'patient/*.rs'],
    ['patient/Observation.rs', 'patient/Condition.rs', 'patient/Condition.rs'],
    ['user/*.cruds', 'patient/Observation.rs', 'patient/Observation.rs'],
    ['patient/*.cruds', 'user/Observation.rs', 'user/Observation.rs'],
    ['system/*.cruds', 'patient/Observation.rs', 'patient/Observation.rs'],
    ['', 'patient/Observation.rs', 'patient/Observation.rs'],
    ['patient/Observation.sr', 'patient/Observation.rs', 'patient/Observation.rs'],
  ])('A17-3 of %j granted, for %j is missing %j', (granted, needed, missing) => {
    const scopes = new SmartScopes(granted);

    expect(scopes.missing(needed).join(' ')).toBe(missing);
    expect(scopes.covers(needed)).toBe(missing === '');
  });

  it('A7-7 finds nothing missing when the server splits what was asked for', () => {
    expect(new SmartScopes('patient/*.rs patient/*.cud').missing('patient/*.cruds')).toEqual([]);
    expect(new SmartScopes('patient/*.rs').missing('patient/*.cruds')).toEqual(['patient/*.cud']);
  });

  const constrained = (query: string) => `patient/Observation.rs?${query}`;

  it.each([
    ['the unconstrained need', 'patient/Observation.rs'],
    ['another value', constrained('category=b')],
    ['another name', constrained('code=a')],
    ['a value that only begins alike', constrained('category=ab')],
    ['more than the grant', constrained('category=a&code=b')],
    ['a parameter twice', constrained('category=a&category=a')],
    ['another writing of the same value', constrained('category=%61')],
    ['another type', 'patient/Condition.rs?category=a'],
  ])('A17-4 a constrained grant does not cover %s', (_, needed) => {
    expect(new SmartScopes(constrained('category=a')).missing(needed)).toEqual([needed]);
  });

  it('A17-4 a constrained grant covers the same constraint, in whatever order', () => {
    const scopes = new SmartScopes(constrained('a=1&b=2&b=2'));

    expect(scopes.covers(constrained('b=2&a=1&b=2'))).toBe(true);
    expect(scopes.covers(constrained('a=1&a=1&b=2'))).toBe(false);
  });

  it('A17-4 an unconstrained grant covers every constraint; two constrained ones do not add up', () => {
    expect(new SmartScopes('patient/*.rs').covers(constrained('category=a'))).toBe(true);
    expect(
      new SmartScopes(`${constrained('category=a')} ${constrained('category=b')}`).covers(
        'patient/Observation.rs',
      ),
    ).toBe(false);
  });

  it('A17-5 passes every other scope through, as it is', () => {
    const others = [
      'openid',
      'fhirUser',
      'profile',
      'launch',
      'launch/patient',
      'launch/imagingstudy?role=https://ehr.example.org/role',
      'offline_access',
      'online_access',
      '__vendor',
      'https://ehr.example.org/scope',
    ];
    const scopes = new SmartScopes(others.join(' '));

    expect(scopes.toArray()).toEqual(others);
    expect(scopes.missing(...others)).toEqual([]);
    expect(scopes.covers('launch/encounter')).toBe(false);
    expect(scopes.covers('OPENID')).toBe(false);
    expect(scopes.covers('launch/imagingstudy')).toBe(false);
  });

  it('asks for lists, and for scopes one by one, alike', () => {
    const scopes = new SmartScopes('openid patient/Patient.rs');
    const missing = ['launch', 'patient/Patient.c'];

    expect(scopes.missing('openid launch patient/Patient.crs')).toEqual(missing);
    expect(scopes.missing('openid', 'launch', 'patient/Patient.crs')).toEqual(missing);
    expect(scopes.covers('openid launch')).toBe(false);
  });

  it.each([
    ['patient/Patient.rs openid', true],
    ['user/*.cruds launch/patient', false],
    ['patient/Patient.', false],
    ['', false],
  ])('A7-9 knows whether %j grants anything about a patient: %s', (granted, expected) => {
    expect(new SmartScopes(granted).hasLevel('patient')).toBe(expected);
  });

  it('is a list of the granted scopes, each once, that nobody can change', () => {
    const scopes = new SmartScopes(['openid', 'launch', 'openid']);
    scopes.toArray().push('patient/*.cruds');

    expect([...scopes]).toEqual(['openid', 'launch']);
    expect(scopes.toString()).toBe('openid launch');
    expect(scopes.covers('patient/*.cruds')).toBe(false);
  });
});
