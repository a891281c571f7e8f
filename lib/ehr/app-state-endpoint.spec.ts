import { describe, expect, it } from '@jest/globals';
import { appStateEndpoint } from './app-state-endpoint.js';
import type { SmartConfiguration } from './smart-configuration.js';

const FHIR = 'https://ehr.example.org/fhir';
const STATE = 'https://ehr.example.org/appstate';
const associated = (url: string, ...capabilities: string[]) => ({ url, capabilities });

describe('the endpoint of app state', () => {
  it.each<[string, Partial<SmartConfiguration>, string | undefined]>([
    ['nowhere without the capability', {}, undefined],
    ['in the FHIR server that lists it', { capabilities: ['smart-app-state'] }, FHIR],
    [
      'at the associated endpoint that lists it',
      {
        associated_endpoints: [
          associated('https://ehr.example.org/bulk'),
          associated(STATE, 'smart-app-state'),
        ],
      },
      STATE,
    ],
    [
      'at the associated endpoint, where both list it',
      { capabilities: ['smart-app-state'], associated_endpoints: [associated(STATE, 'smart-app-state')] },
      STATE,
    ],
    [
      'nowhere where the associated endpoint lists something else',
      { associated_endpoints: [associated(STATE, 'smart-app-state-2', 'SMART-APP-STATE')] },
      undefined,
    ],
    [
      'nowhere where two list it',
      {
        capabilities: ['smart-app-state'],
        associated_endpoints: [
          associated(STATE, 'smart-app-state'),
          associated(`${STATE}2`, 'smart-app-state'),
        ],
      },
      undefined,
    ],
    [
      'at one that is named twice',
      {
        associated_endpoints: [
          associated(STATE, 'smart-app-state'),
          associated(`${STATE}/`, 'smart-app-state'),
        ],
      },
      STATE,
    ],
    [
      'in the FHIR server, where that is the associated endpoint',
      { associated_endpoints: [associated(`${FHIR}/`, 'smart-app-state')] },
      FHIR,
    ],
    [
      'nowhere where the associated endpoint is no FHIR base',
      { associated_endpoints: [associated(`${STATE}?tenant=1`, 'smart-app-state')] },
      undefined,
    ],
    [
      'nowhere where only the deprecated member says where',
      { capabilities: ['smart-app-state'], smart_app_state_endpoint: STATE },
      undefined,
    ],
    [
      'in the FHIR server, where the deprecated member says so too',
      { capabilities: ['smart-app-state'], smart_app_state_endpoint: FHIR },
      FHIR,
    ],
  ])('A15-2 is %s', (_where, configuration, endpoint) => {
    const server = { token_endpoint: 'https://ehr.example.org/token', capabilities: [], ...configuration };
    expect(appStateEndpoint(server, FHIR)).toBe(endpoint);
  });
});
