import { describe, expect, it } from '@jest/globals';
import type { SmartConfiguration } from '../ehr/smart-configuration.js';
import { pinnedServer } from './launch-record.js';

describe('the server of a launch', () => {
  it('C-3 is pinned with every endpoint and rule that its tokens need later, and nothing else', () => {
    const needed = {
      issuer: 'https://ehr.example.org',
      jwks_uri: 'https://ehr.example.org/jwks',
      token_endpoint: 'https://ehr.example.org/token',
      revocation_endpoint: 'https://ehr.example.org/revoke',
      introspection_endpoint: 'https://ehr.example.org/introspect',
      end_session_endpoint: 'https://ehr.example.org/end',
      token_endpoint_auth_signing_alg_values_supported: ['ES384'],
      id_token_signing_alg_values_supported: ['RS256'],
      authorization_response_iss_parameter_supported: true,
    };
    const configuration: SmartConfiguration = {
      ...needed,
      authorization_endpoint: 'https://ehr.example.org/authorize',
      capabilities: ['launch-ehr'],
      scopes_supported: ['openid'],
    };
    expect(pinnedServer(configuration, 'https://ehr.example.org/fhir')).toEqual(needed);
  });

  it('survives being stored as JSON where the server says little', () => {
    const pinned = pinnedServer(
      { token_endpoint: 'https://ehr.example.org/token', capabilities: [] },
      'https://ehr.example.org/fhir',
    );
    expect(JSON.parse(JSON.stringify(pinned))).toEqual({ token_endpoint: 'https://ehr.example.org/token' });
  });
});
