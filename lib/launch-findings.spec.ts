import { describe, expect, it } from '@jest/globals';
import { readTokenResponse } from './token/token-response.js';
import { CONTEXT } from '../test/support/launch-parts.js';
import {
  describeFindings,
  grantWarnings,
  outcomeFindings,
  requestFindings,
  tokenFindings,
  warningsOf as textsOf,
} from './launch-findings.js';

const SERVER = { token_endpoint: 'https://ehr.example.org/token', capabilities: ['launch-ehr'] };

const warningsOf = (capabilities: string[], scope = 'launch', isEhrLaunch = true) =>
  textsOf(requestFindings({ ...SERVER, capabilities }, { scope, codeVerifier: 'verifier' }, isEhrLaunch));

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

describe('what a launch notes of its request', () => {
  const findingsOf = (
    request: { codeVerifier?: string; nonce?: string; scope?: string },
    listed?: string[],
  ) =>
    requestFindings(
      { ...SERVER, code_challenge_methods_supported: listed },
      { scope: 'openid', ...request },
      true,
    );

  it('A2-5 A5-5 nothing where PKCE and nonce are as they should be', () => {
    expect(findingsOf({ codeVerifier: 'verifier', nonce: 'nonce' }, ['S256'])).toEqual([]);
    expect(findingsOf({ codeVerifier: 'verifier', scope: 'launch' }, ['S256'])).toEqual([]);
  });

  it('A2-5 an EHR that does not say whether it takes PKCE', () => {
    expect(findingsOf({ codeVerifier: 'verifier', nonce: 'nonce' })).toEqual(['no_pkce_methods']);
  });

  it('A5-5 B-10 what was switched off', () => {
    expect(findingsOf({}, ['S256'])).toEqual(['pkce_off', 'nonce_off']);
  });
});

describe('what is odd about a token response', () => {
  const GRANTED = { access_token: 'access-1', token_type: 'Bearer', scope: 'openid', expires_in: 300 };
  const findings = (members: Record<string, unknown>) => {
    const response = { ...GRANTED, ...members };
    return tokenFindings(response, readTokenResponse(response, 'openid', 0, { references: true }));
  };

  it('A7-4 nothing where it is as it should be', () => {
    expect(findings({ patient: 'p1', need_patient_banner: true, token_type: 'bEARER' })).toEqual([]);
  });

  it.each([[-1], [0], ['-1'], ['abc'], ['c4n4ry'], [{}]])(
    'A7-5 expires_in that is no lifetime, and not its value: %j',
    (expires_in) => {
      const texts = textsOf(findings({ expires_in }));
      expect(texts).toEqual([expect.stringMatching(/^expires_in .*300 s(?!.*c4n4ry)/)]);
    },
  );

  it.each([[300], ['300'], [0.5]])('A7-5 nothing of an expires_in of %j', (expires_in) => {
    expect(findings({ expires_in })).toEqual([]);
  });

  it.each([[undefined], [null]])(
    'A7-5 that there is no expires_in, without a word in the log: %j',
    (none) => {
      expect(findings({ expires_in: none })).toEqual(['expires_in_missing']);
      expect(textsOf(findings({ expires_in: none }))).toEqual([]);
    },
  );

  it.each([
    ['nonsense', [{ reference: 'X/1' }, { role: 'c4n4ry' }]],
    ['an empty role', [{ reference: 'X/1', role: '' }]],
    ['no list', { reference: 'X/1' }],
  ])('A7-10 entries of fhirContext that were dropped: %s', (_what, fhirContext) => {
    expect(textsOf(findings({ fhirContext }))).toEqual([expect.stringMatching(/^fhirContext (?!.*c4n4ry)/)]);
  });

  it.each([[undefined], [null], [[]], [[{ reference: 'X/1' }, 'ImagingStudy/1']]])(
    'A7-10 nothing of a good fhirContext: %j',
    (fhirContext) => {
      expect(findings({ fhirContext })).toEqual([]);
    },
  );

  it.each([
    ['A7-4 a token_type that is assumed', { token_type: undefined }, 'token_type_assumed'],
    ['A7-8 a reference for an id', { patient: 'Patient/p1' }, 'context_reference'],
    ['A7-8 a reference to an encounter', { encounter: 'Encounter/e1' }, 'context_reference'],
    ['A7-12 E-EPIC-4 a banner that is text', { need_patient_banner: 'false' }, 'banner_is_text'],
  ])('%s', (_what, members, finding) => {
    expect(findings(members)).toEqual([finding]);
  });

  const outcome = (identity: null | { iss: string }, granted = 'openid', asked = 'openid') => {
    const tokens = readTokenResponse({ ...GRANTED, scope: granted, patient: 'patient-1' }, asked, 0);
    const whole = identity && { sub: 'sub', fhirUser: null, claims: {}, ...identity };
    return outcomeFindings(tokens, { scope: asked }, { context: CONTEXT, identity: whole });
  };

  it('A7-18 an id_token that is missing, where openid was asked for and granted', () => {
    expect(outcome(null)).toEqual(['no_id_token']);
    expect(outcome({ iss: 'https://ehr.example.org' })).toEqual([]);
    expect(outcome(null, 'launch')).toEqual([]);
    expect(outcome(null, 'openid', 'launch')).toEqual([]);
  });

  it('A7-9 a patient that the token response did not name', () => {
    const tokens = readTokenResponse(GRANTED, 'launch', 0);
    expect(outcomeFindings(tokens, { scope: 'launch' }, { context: CONTEXT, identity: null })).toEqual([
      'patient_found',
    ]);
  });
});

describe('a stored finding', () => {
  it('is skipped where another version wrote it, and this one does not know it', () => {
    expect(describeFindings(['toString', 'of_the_future', 'no_capabilities'])).toEqual([
      { level: 'warning', row: 'A2-4', message: 'its SMART configuration lists no capabilities' },
    ]);
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
