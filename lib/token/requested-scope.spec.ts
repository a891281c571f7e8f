import { describe, expect, it } from '@jest/globals';
import { requestedScope } from './requested-scope.js';

describe('the scopes of an authorization request', () => {
  it.each([
    ['an EHR launch', { launch: 'xyz' }],
    ['a standalone launch', {}],
  ])('A9-10 A5-12 %s asks for no refresh token and no wildcard by itself', (_what, parameters) => {
    const scopes = requestedScope('openid user/Patient.rs', parameters).split(' ');

    expect(scopes.filter((scope) => scope !== 'launch')).toEqual(['openid', 'user/Patient.rs']);
  });

  it.each([
    ['online_access in an EHR launch', 'online_access', { launch: 'xyz' }, 'online_access launch'],
    ['offline_access in an EHR launch', 'offline_access', { launch: 'xyz' }, 'offline_access launch'],
    ['offline_access in a standalone launch', 'openid offline_access', {}, 'openid offline_access'],
    ['no online_access in a standalone launch', 'openid online_access', {}, 'openid'],
  ])('A9-10 sends %s', (_what, configured, parameters, sent) => {
    expect(requestedScope(configured, parameters)).toBe(sent);
  });

  it('A3-3 A4-1 sends launch with an EHR launch and with nothing else', () => {
    expect(requestedScope('launch/patient openid', { launch: 'xyz' })).toBe('launch/patient openid launch');
    expect(requestedScope('launch openid', {})).toBe('openid');
  });

  it.each([
    ['is added to patient-level scopes', 'patient/*.rs', 'patient/*.rs launch/patient'],
    ['is not repeated', 'launch/patient patient/*.rs', 'launch/patient patient/*.rs'],
    ['is not added to other scopes', 'openid user/*.rs', 'openid user/*.rs'],
  ])('A4-3 E-MED-1 launch/patient %s in a standalone launch', (_what, configured, sent) => {
    expect(requestedScope(configured, {})).toBe(sent);
  });

  it('A4-3 an EHR launch names the patient itself', () => {
    expect(requestedScope('patient/*.rs', { launch: 'xyz' })).toBe('patient/*.rs launch');
  });

  it('A4-2 asks for context by its name in lower case', () => {
    expect(requestedScope('openid', { context: ['patient', 'ImagingStudy'] })).toBe(
      'openid launch/patient launch/imagingstudy',
    );
  });
});
