import { describe, expect, it } from '@jest/globals';
import { serverScopes, smartScopes } from './scope-names.js';

const scopeNames = { 'patient/Patient.rs': 'patient.Patient.rs', 'user/*.rs': 'user.all' };

describe('the names a server has for scopes', () => {
  it('E-AZ-1 stand for those of SMART, and others stay as they are', () => {
    expect(serverScopes('launch user/*.rs patient/Patient.rs', { scopeNames })).toBe(
      'launch user.all patient.Patient.rs',
    );
  });

  it('E-AZ-1 are read back as those of SMART', () => {
    expect(smartScopes('openid patient.Patient.rs  user.all other', { scopeNames })).toBe(
      'openid patient/Patient.rs user/*.rs other',
    );
  });

  it.each(['__proto__', 'constructor', 'toString'])('C-27 %s is a scope as any other', (scope) => {
    expect([serverScopes(scope, { scopeNames }), smartScopes(scope, { scopeNames })]).toEqual([scope, scope]);
  });

  it('without any, the text stays as it is', () => {
    expect([serverScopes(' a  b', {}), smartScopes(' a  b', {})]).toEqual([' a  b', ' a  b']);
  });
});
