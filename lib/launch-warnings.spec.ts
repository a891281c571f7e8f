import { describe, expect, it } from '@jest/globals';
import { grantWarnings, launchWarnings } from './launch-warnings.js';

const warningsOf = (capabilities: string[], scope = 'launch', isEhrLaunch = true) =>
  launchWarnings({ token_endpoint: 'https://ehr.example.org/token', capabilities }, scope, isEhrLaunch);

describe('what is odd about a launch', () => {
  it('A3-8 an EHR that does not list launch-ehr', () => {
    expect(warningsOf(['launch-standalone'])).toEqual(['its SMART configuration does not list launch-ehr']);
    expect(warningsOf(['launch-ehr'])).toEqual([]);
  });

  it('A3-8 a standalone launch at an EHR that does not list it', () => {
    expect(warningsOf(['launch-ehr'], 'openid', false)).toEqual([
      'its SMART configuration does not list launch-standalone',
    ]);
    expect(warningsOf(['launch-standalone'], 'openid', false)).toEqual([]);
  });

  it('A2-4 an EHR that lists nothing', () => {
    expect(warningsOf([])).toEqual(['its SMART configuration lists no capabilities']);
  });

  it.each([
    ['patient/Patient.rs patient/Observation.read', 1],
    ['patient/Patient.rs user/Observation.*', 1],
    ['patient/Patient.rs patient/Observation.cud', 0],
    ['patient/Patient.read user/*.write', 0],
    ['openid launch/patient', 0],
  ])('A17-7 scopes of SMART v1 and v2 in one request: %s', (scope, count) => {
    expect(warningsOf(['launch-ehr'], scope)).toHaveLength(count);
  });
});

describe('what is odd about a grant', () => {
  const ASKED = 'launch openid patient/Patient.rs patient/Observation.rs?category=laboratory';

  it('E-ORA-6 nothing of what was asked for, by name', () => {
    expect(grantWarnings(ASKED, 'launch openid')).toEqual([
      'it granted none of the scopes for FHIR data: patient/Patient.rs patient/Observation.rs?category=laboratory; is the app registered for them?',
    ]);
  });

  it.each([
    [ASKED, 'launch patient/Patient.r'],
    [ASKED, 'user/*.read'],
    ['launch openid fhirUser', ''],
  ])('A7-7 less than was asked for is usual: %s', (asked, granted) => {
    expect(grantWarnings(asked, granted)).toEqual([]);
  });

  it('E-ORA-6 names a few of very many', () => {
    const asked = Array.from({ length: 500 }, (_, n) => `patient/Observation.rs?code=${n}`).join(' ');

    expect(grantWarnings(asked, 'openid').join().length).toBeLessThan(1_000);
  });
});
