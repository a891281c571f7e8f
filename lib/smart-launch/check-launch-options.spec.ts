import { describe, expect, it } from '@jest/globals';
import { Keyv } from 'keyv';
import { checkLaunchOptions } from './check-launch-options.js';

const GOOD = {
  fhirBaseUrl: 'https://ehr.example.org/fhir/R4',
  clientApplications: [{ id: 'app', name: 'App', launchUri: 'https://app.example.org/launch' }],
  guards: [class LoginGuard {}],
  readResource: () => null,
};
const store = { findById: () => null, save: () => null, take: () => null };

describe('checkLaunchOptions', () => {
  it.each<[string, object]>([
    ['the minimum', {}],
    ['a base on localhost', { fhirBaseUrl: 'http://localhost:4000/fhir/' }],
    ['a registry', { clientApplications: { findById: () => null } }],
    ['no apps yet', { clientApplications: [] }],
    ['a guard that is made already', { guards: [{ canActivate: () => true }] }],
    ['a Keyv', { storage: new Keyv() }],
    ['a store of launches', { storage: store }],
    [
      'every option',
      {
        user: () => 'u',
        onLaunch: () => undefined,
        launchContext: () => ({}),
        allowPatientWithEncounter: true,
        requireContext: true,
        trustedOrigins: ['https://ui.example.org'],
        allowFromRequest: ['tenant', 'smart_style_url'],
        storage: new Keyv(),
        secret: ['s'.repeat(32)],
      },
    ],
  ])('finds nothing wrong with %s', (_case, change) => {
    expect(checkLaunchOptions({ ...GOOD, ...change })).toEqual([]);
  });

  it.each<[string, object]>([
    ['fhirBaseUrl is missing', { fhirBaseUrl: undefined }],
    ['fhirBaseUrl is no FHIR base', { fhirBaseUrl: 'https://ehr.example.org/fhir?tenant=1' }],
    ['fhirBaseUrl must be https', { fhirBaseUrl: 'http://ehr.example.org/fhir' }],
    ['fhirBaseUrl must have a path of letters', { fhirBaseUrl: 'https://ehr.example.org/fhir/:tenant' }],
    ['clientApplications is missing', { clientApplications: undefined }],
    ['clientApplications must be a list', { clientApplications: 'app' }],
    ['clientApplications[0].id must be a FHIR id', { clientApplications: [{ id: 'a_b', name: 'A' }] }],
    ['clientApplications[0].name is missing', { clientApplications: [{ id: 'a' }] }],
    [
      'clientApplications[1].id is there twice',
      { clientApplications: [GOOD.clientApplications[0], GOOD.clientApplications[0]] },
    ],
    [
      'clientApplications[0].launchUri must be an absolute https URL',
      { clientApplications: [{ id: 'a', name: 'A', launchUri: 'http://app.example.org' }] },
    ],
    [
      'clientApplications[0].redirectUris must be',
      { clientApplications: [{ id: 'a', name: 'A', redirectUris: 'https://app.example.org' }] },
    ],
    ['clientApplications[0].clientId must', { clientApplications: [{ id: 'a', name: 'A', clientId: 7 }] }],
    ['clientApplications[0].id must', { clientApplications: [null] }],
    ['guards is empty', { guards: [] }],
    ['guards is empty', { guards: undefined }],
    ['guards[1] is no guard', { guards: [GOOD.guards[0], {}] }],
    ['readResource is missing', { readResource: undefined }],
    ['user must be a function', { user: 'id' }],
    ['onLaunch must be a function', { onLaunch: true }],
    ['launchContext must be a function', { launchContext: {} }],
    ['storage is a Map', { storage: new Map() }],
    ['allowPatientWithEncounter must be', { allowPatientWithEncounter: 'yes' }],
    ['trustedOrigins must be', { trustedOrigins: ['https://ui.example.org/'] }],
    ['allowFromRequest must be', { allowFromRequest: ['patient'] }],
    ['allowFromRequest must be', { allowFromRequest: 'tenant' }],
    ['secret must be a string', { secret: 7 }],
    ['secret is missing', { secret: [] }],
    ['secret is shorter than 32', { secret: ['s'.repeat(32), 'short'] }],
    ['secret is not for a SmartAppLaunchStore', { storage: store, secret: 's'.repeat(32) }],
    ['guard is not an option: there are', { guard: [] }],
    ['isGlobal stands beside useFactory', { isGlobal: false }],
  ])('F-1 says that %s', (problem, change) => {
    const mistakes = checkLaunchOptions({ ...GOOD, ...change });
    expect(mistakes[0]).toContain(problem);
  });
});
