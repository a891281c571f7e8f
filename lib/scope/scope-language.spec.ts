import { describe, expect, it } from '@jest/globals';
import {
  mergeScopes,
  printScope,
  scopesFromUris,
  scopesToUris,
  toV1Scopes,
  toV2Scopes,
} from './scope-language.js';
import { SmartScopes, parseResourceScope } from './scope.js';

const SMART = 'http://smarthealthit.org/fhir/scopes/';
const OPENID = 'http://openid.net/specs/openid-connect-core-1_0#';

describe('a scope as text', () => {
  it('A17-1 has its permissions in order, once each, and its search constraint', () => {
    const scope = { level: 'patient', resourceType: 'Observation', parameters: ['category=a'] } as const;

    expect(printScope({ ...scope, parameters: [...scope.parameters], permissions: 'srsc' })).toBe(
      'patient/Observation.crs?category=a',
    );
  });

  it.each([
    ['patient/Observation.read', 'patient/Observation.rs'],
    ['user/*.write', 'user/*.cud'],
    ['system/Patient.*', 'system/Patient.cruds'],
    ['patient/*.*', 'patient/*.cruds'],
  ])('A17-2 is %s in SMART 1 and %s in SMART 2', (v1, v2) => {
    expect(toV2Scopes(v1)).toBe(v2);
    expect(toV1Scopes(v2)).toBe(v1);
    expect(printScope(parseResourceScope(v1)!)).toBe(v2);
    expect(printScope(parseResourceScope(v2)!, 'v1')).toBe(v1);
  });

  it.each([
    'patient/Observation.r',
    'patient/Observation.s',
    'patient/Observation.cu',
    'patient/Observation.rsc',
    'patient/Observation.crud',
    'patient/Observation.rs?category=a',
    'patient/Observation.r patient/Observation.s',
    'openid patient/Observation.rs patient/Observation.d',
  ])('A17-2 cannot be said in SMART 1 where it is %j', (scope) => {
    // the malformed ones are no clinical scopes, and stay as they are
    expect(toV1Scopes(scope)).toBe(scope.includes('rsc') ? scope : undefined);
  });

  it('A17-2 A17-5 says other scopes of a list as they are, each scope once', () => {
    expect(toV2Scopes('launch patient/Patient.read  patient/Patient.rs openid __own')).toBe(
      'launch patient/Patient.rs openid __own',
    );
    expect(toV1Scopes('launch patient/Patient.rs openid')).toBe('launch patient/Patient.read openid');
    expect(toV1Scopes('')).toBe('');
  });
});

describe('the union of scopes', () => {
  it.each([
    [['patient/A.r', 'patient/A.s'], 'patient/A.rs'],
    [['openid patient/A.s launch', 'openid patient/A.r'], 'openid patient/A.rs launch'],
    [['patient/A.read', 'patient/A.write'], 'patient/A.cruds'],
    [['patient/A.rs', 'user/A.rs', 'patient/B.rs'], 'patient/A.rs user/A.rs patient/B.rs'],
    [['patient/*.rs', 'patient/A.rs'], 'patient/*.rs patient/A.rs'],
    [['patient/A.r?x=1', 'patient/A.s?x=2', 'patient/A.r'], 'patient/A.r?x=1 patient/A.s?x=2 patient/A.r'],
    [['patient/A.r?x=1&y=2', 'patient/A.s?y=2&x=1'], 'patient/A.rs?x=1&y=2'],
    [['patient/A.', 'patient/A.r', 'patient/A.sr'], 'patient/A. patient/A.r patient/A.sr'],
    [[`${SMART}patient/A.r ${OPENID}openid`, 'patient/A.s openid'], 'patient/A.rs openid'],
    [['', '  '], ''],
  ])('A17-3 of %j is %j', (scopes, union) => {
    expect(mergeScopes(...scopes)).toBe(union);
  });
});

describe('scopes as URIs', () => {
  it.each([
    ['patient/*.r', `${SMART}patient/*.r`],
    ['launch/patient', `${SMART}launch/patient`],
    ['fhirUser', `${SMART}fhirUser`],
    ['offline_access', `${SMART}offline_access`],
    ['openid', `${OPENID}openid`],
    ['profile', `${OPENID}profile`],
    [
      'patient/Observation.rs?code=http://loinc.org|8480-6',
      `${SMART}patient/Observation.rs?code=http://loinc.org|8480-6`,
    ],
    ['launch/imagingstudy?role=https://a/b', `${SMART}launch/imagingstudy?role=https://a/b`],
    ['https://ehr.example.org/scopes/own', 'https://ehr.example.org/scopes/own'],
  ])('A17-6 writes %s as %s, and reads it back', (scope, uri) => {
    expect(scopesToUris(scope)).toBe(uri);
    expect(scopesFromUris(uri)).toBe(scope);
  });

  it('A17-6 that were granted are read as the scopes they stand for', () => {
    const scopes = new SmartScopes(
      `${SMART}patient/Observation.rs ${SMART}launch ${OPENID}openid ${OPENID}offline_access`,
    );

    expect(scopes.toArray()).toEqual(['patient/Observation.rs', 'launch', 'openid', 'offline_access']);
    expect(scopes.missing('patient/Observation.rs openid launch offline_access')).toEqual([]);
    expect(scopes.covers(`${SMART}patient/Observation.r`)).toBe(true);
    expect(scopes.covers(`${OPENID}openid`)).toBe(true);
    expect(scopes.hasLevel('patient')).toBe(true);
  });

  it.each([
    SMART,
    `${SMART.toUpperCase()}patient/*.rs`,
    'https://smarthealthit.org/fhir/scopes/patient/*.rs',
    'http://smarthealthit.org.evil.example/fhir/scopes/patient/*.rs',
    `x${SMART}patient/*.rs`,
  ])('A17-6 of another prefix grant nothing: %s', (uri) => {
    expect(scopesFromUris(uri)).toBe(uri);
    expect(new SmartScopes(uri).hasLevel('patient')).toBe(false);
  });
});
