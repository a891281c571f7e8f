import { describe, expect, it } from '@jest/globals';
import { readSmartConfiguration, supports } from './smart-configuration.js';
import type { SmartCapability } from './smart-configuration.js';

const BASE = 'https://ehr.example.org/fhir';
const MINIMUM = { token_endpoint: 'https://ehr.example.org/auth/token' };
const ENDPOINTS = [
  'jwks_uri',
  'authorization_endpoint',
  'token_endpoint',
  'introspection_endpoint',
  'revocation_endpoint',
  'registration_endpoint',
  'management_endpoint',
  'end_session_endpoint',
  'user_access_brand_bundle',
  'smart_app_state_endpoint',
  'pushed_authorization_request_endpoint',
] as const;

function read(document: Record<string, unknown>, base = BASE, allowHttp = false) {
  return readSmartConfiguration({ ...MINIMUM, ...document }, base, allowHttp);
}

describe('readSmartConfiguration', () => {
  it('A2-4 needs no more than a token_endpoint', () => {
    expect(read({})).toEqual({ ...MINIMUM, capabilities: [] });
  });

  it.each([undefined, null, ''])('A2-4 refuses a document whose token_endpoint is %j', (token_endpoint) => {
    expect(() => read({ token_endpoint })).toThrow('token_endpoint is missing');
  });

  it('A2-9 reads issuer, endpoints and lists', () => {
    const document = {
      issuer: BASE,
      ...Object.fromEntries(ENDPOINTS.map((name) => [name, `https://as.example.org/${name}`])),
      capabilities: ['launch-ehr', 'sso-openid-connect'],
      scopes_supported: ['openid'],
      code_challenge_methods_supported: ['S256'],
      grant_types_supported: ['authorization_code'],
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
      token_endpoint_auth_signing_alg_values_supported: ['ES384'],
      id_token_signing_alg_values_supported: ['RS256'],
      dpop_signing_alg_values_supported: ['ES256'],
      authorization_response_iss_parameter_supported: true,
      require_pushed_authorization_requests: true,
      associated_endpoints: [{ url: 'https://as.example.org/fhir', capabilities: ['smart-app-state'] }],
      user_access_brand_identifier: { system: 'urn:ietf:rfc:3986', value: 'https://ehr.example.org' },
    };

    expect(read(document)).toEqual(document);
  });

  it('C-17 keeps no more of a document than a launch can need', () => {
    const algorithms = ['ES384', 'x'.repeat(500), ...Array.from({ length: 500 }, (_, n) => `A${n}`)];
    const configuration = read({
      token_endpoint_auth_signing_alg_values_supported: algorithms,
      id_token_signing_alg_values_supported: algorithms,
      associated_endpoints: Array.from({ length: 80_000 }, () => ({ url: '/' })),
      user_access_brand_identifier: { system: 'urn:ietf:rfc:3986', value: 'x'.repeat(501), mine: [[[]]] },
    });

    expect(configuration.token_endpoint_auth_signing_alg_values_supported).toHaveLength(30);
    expect(configuration.id_token_signing_alg_values_supported?.slice(0, 2)).toEqual(['ES384', 'A0']);
    expect(configuration.associated_endpoints).toHaveLength(100);
    expect(configuration.user_access_brand_identifier).toEqual({ system: 'urn:ietf:rfc:3986' });
  });

  it('A2-7 A2-4 takes unknown capabilities, and leaves out what is not what it should be', () => {
    const configuration = read({
      issuer: 5,
      capabilities: ['launch-ehr', 'https://ehr.example.org/own', 7, null],
      code_challenge_methods_supported: 'S256',
      scopes_supported: null,
      authorization_response_iss_parameter_supported: 'true',
      unknown_member: {},
    });

    expect(configuration).toEqual({
      ...MINIMUM,
      capabilities: ['launch-ehr', 'https://ehr.example.org/own'],
    });
  });

  it.each([
    ['context-banner', 'context-passthrough-banner'],
    ['context-style', 'context-passthrough-style'],
  ] as const)('A2-7 knows %s by its name of SMART 1, too', (capability, alias) => {
    const listed = (...capabilities: string[]) => supports(read({ capabilities }), capability);

    expect([listed(capability), listed(alias), listed('https://ehr.example.org/own'), listed()]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it.each([
    ['/auth/token', 'https://h/fhir', 'https://h/auth/token'],
    ['token', 'https://h/fhir/', 'https://h/fhir/token'],
    ['token', 'https://h/fhir', 'https://h/token'],
    ['./auth/token', 'https://h/fhir/', 'https://h/fhir/auth/token'],
    ['//as.example.org/token', 'https://h/fhir', 'https://as.example.org/token'],
    ['https://as.example.org/token', 'https://h/fhir', 'https://as.example.org/token'],
  ])('A2-3 resolves the endpoint %s of %s to %s', (token_endpoint, base, expected) => {
    expect(read({ token_endpoint }, base).token_endpoint).toBe(expected);
  });

  it('A10-3 keeps an absolute endpoint byte for byte: assertions name it so', () => {
    const token_endpoint = 'https://AS.example.org:443/token?tenant=a%2Fb';

    expect(read({ token_endpoint }).token_endpoint).toBe(token_endpoint);
  });

  it.each(ENDPOINTS)('A2-11 refuses %s over http', (name) => {
    expect(() => read({ [name]: 'http://ehr.example.org/x' })).toThrow(`${name} must use https`);
  });

  it('A2-11 refuses a relative endpoint of an http server', () => {
    expect(() => read({ token_endpoint: '/token' }, 'http://ehr.example.org/fhir')).toThrow('must use https');
  });

  it('allows http in development', () => {
    const token_endpoint = 'http://localhost:3000/token';

    expect(read({ token_endpoint }, 'http://localhost:3000/fhir', true).token_endpoint).toBe(token_endpoint);
  });

  it.each<[unknown, string]>([
    ['javascript:alert(1)', 'must use https'],
    ['file:///etc/passwd', 'must use https'],
    ['ftp://as.example.org/', 'must use https'],
    ['https://user:secret@as.example.org/', 'must not hold credentials'],
    ['https://ehr.example.org@evil/', 'must not hold credentials'],
    ['https://as.example.org/#x', 'must not have a fragment'],
    ['https://', 'is not a URL'],
    ['https://a b/', 'is not a URL'],
    [{ href: 'https://as.example.org/' }, 'is not a string'],
    [['https://as.example.org/'], 'is not a string'],
    [5, 'is not a string'],
  ])('A5-6 A2-11 refuses the authorization_endpoint %j, in development, too', (value, reason) => {
    expect(() => read({ authorization_endpoint: value }, BASE, true)).toThrow(
      `authorization_endpoint ${reason}`,
    );
  });

  it('A5-6 keeps the query of the authorization_endpoint', () => {
    const authorization_endpoint = 'https://as.example.org/auth?tenant=1';

    expect(read({ authorization_endpoint }).authorization_endpoint).toBe(authorization_endpoint);
  });

  it('A2-12 names the member at fault and not its value', () => {
    expect(() => read({ jwks_uri: 'http://c4n4ry.example/' })).toThrow(/^jwks_uri (?!.*c4n4ry)/);
  });
});

describe('supports', () => {
  const LISTED: SmartCapability[] = [
    'launch-ehr',
    'launch-standalone',
    'authorize-post',
    'client-public',
    'client-confidential-symmetric',
    'client-confidential-asymmetric',
    'sso-openid-connect',
    'context-banner',
    'context-style',
    'context-ehr-patient',
    'context-ehr-encounter',
    'context-standalone-patient',
    'context-standalone-encounter',
    'permission-offline',
    'permission-online',
    'permission-patient',
    'permission-user',
    'permission-v1',
    'permission-v2',
    'smart-app-state',
  ];

  it.each(LISTED)('A2-8 %s: where it is listed and nowhere else', (capability) => {
    const others = LISTED.filter((other) => other !== capability);

    expect(supports(read({ capabilities: [capability] }), capability)).toBe(true);
    expect(supports(read({ capabilities: others }), capability)).toBe(false);
  });

  it.each(['banner', 'style'] as const)('A2-7 A2-8 context-%s by its name of SMART 1', (what) => {
    const configuration = read({ capabilities: [`context-passthrough-${what}`] });

    expect(supports(configuration, `context-${what}`)).toBe(true);
  });
});
