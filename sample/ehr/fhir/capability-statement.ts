import type { CapabilityStatement, CapabilityStatementRestResource, Extension } from 'fhir/r4.js';

import { SEARCH_PARAMETERS, isResourceType, searchParametersOf } from './search-parameters.js';

const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris';

/** The members of the SMART configuration that the oauth-uris extension repeats, under its own names. */
const OAUTH_ENDPOINTS: Record<string, string> = {
  authorize: 'authorization_endpoint',
  token: 'token_endpoint',
  register: 'registration_endpoint',
  manage: 'management_endpoint',
  introspect: 'introspection_endpoint',
  revoke: 'revocation_endpoint',
};

export function capabilityStatement(
  base: string,
  smartConfiguration: Record<string, unknown>,
): CapabilityStatement {
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: '2026-06-30',
    kind: 'instance',
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'json'],
    patchFormat: ['application/json-patch+json'],
    implementation: { description: 'Demo EHR, FHIR R4 in memory', url: base },
    rest: [
      {
        mode: 'server',
        security: {
          cors: true,
          service: [
            {
              coding: [
                {
                  system: 'http://terminology.hl7.org/CodeSystem/restful-security-service',
                  code: 'SMART-on-FHIR',
                },
              ],
            },
          ],
          extension: [{ url: OAUTH_URIS, extension: oauthUris(smartConfiguration) }],
        },
        resource: Object.keys(SEARCH_PARAMETERS).map(resourceCapability),
        interaction: [{ code: 'transaction' }, { code: 'batch' }],
      },
    ],
  };
}

function oauthUris(smartConfiguration: Record<string, unknown>): Extension[] {
  return Object.entries(OAUTH_ENDPOINTS).flatMap(([url, member]) => {
    const valueUri = smartConfiguration[member];
    return typeof valueUri === 'string' ? [{ url, valueUri }] : [];
  });
}

function resourceCapability(type: string): CapabilityStatementRestResource {
  const parameters = isResourceType(type) ? Object.entries(searchParametersOf(type)) : [];
  const references = parameters.filter(([, { type: kind }]) => kind === 'reference').map(([name]) => name);
  return {
    type: type as CapabilityStatementRestResource['type'],
    interaction: [
      { code: 'read' },
      { code: 'vread' },
      { code: 'update' },
      { code: 'patch' },
      { code: 'delete' },
      { code: 'history-instance' },
      { code: 'create' },
      { code: 'search-type' },
    ],
    versioning: 'versioned',
    readHistory: true,
    updateCreate: true,
    conditionalCreate: true,
    conditionalRead: 'not-match',
    searchInclude: references.map((name) => `${type}:${name}`),
    searchParam: parameters.map(([name, parameter]) => ({ name, type: parameter.type })),
    ...(type === 'Patient'
      ? {
          operation: [
            {
              name: 'everything',
              definition: 'http://hl7.org/fhir/OperationDefinition/Patient-everything',
            },
          ],
        }
      : {}),
  };
}
