import { describe, expect, it } from '@jest/globals';
import { legacyConfiguration } from './legacy-metadata.js';

const URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris';
const uri = (url: string, valueUri: unknown) => ({ url, valueUri });
const oauth = (...extension: object[]) => ({ url: URIS, extension });
const statement = (...extension: object[]) => ({
  resourceType: 'CapabilityStatement',
  rest: [{ mode: 'server', security: { extension } }],
});

describe('the capability statement of SMART 1', () => {
  it('E-LEG-1 names the endpoints', () => {
    const all = ['authorize', 'token', 'register', 'manage', 'introspect', 'revoke'];
    const given = statement(oauth(...all.map((name) => uri(name, `https://as.example.org/${name}`))));

    expect(legacyConfiguration(given)).toEqual({
      authorization_endpoint: 'https://as.example.org/authorize',
      token_endpoint: 'https://as.example.org/token',
      registration_endpoint: 'https://as.example.org/register',
      management_endpoint: 'https://as.example.org/manage',
      introspection_endpoint: 'https://as.example.org/introspect',
      revocation_endpoint: 'https://as.example.org/revoke',
    });
  });

  it('E-LEG-1 may repeat the extension and its members: the first that is whole counts', () => {
    const given = statement(
      { url: 'https://other.example/extension' },
      oauth(uri('authorize', 'https://as.example.org/without-token')),
      oauth(
        uri('token', '/token'),
        uri('token', '/second'),
        uri('__proto__', '/x'),
        uri('authorize', 'auth'),
      ),
      oauth(uri('token', 'https://another.example/token')),
    );

    expect(legacyConfiguration(given)).toEqual({ token_endpoint: '/token', authorization_endpoint: 'auth' });
  });

  it('E-LEG-1 may describe a client besides the server', () => {
    const server = statement(oauth(uri('token', '/token'))).rest[0]!;
    const client = { mode: 'client', security: { extension: [oauth(uri('token', '/evil'))] } };

    expect(legacyConfiguration({ rest: [client, server] })).toEqual({ token_endpoint: '/token' });
    expect(legacyConfiguration({ rest: [{ ...server, mode: undefined }] })).toEqual({
      token_endpoint: '/token',
    });
  });

  it.each([
    [{}],
    [{ rest: {} }],
    [{ rest: [null, 1, {}] }],
    [{ rest: [{ security: [] }] }],
    [{ rest: [{ security: { extension: 'x' } }] }],
    [statement()],
    [statement({ url: URIS })],
    [statement(oauth(uri('authorize', 'https://as.example.org/authorize')))],
    [statement({ url: `${URIS}/`, extension: [uri('token', '/token')] })],
  ])('E-LEG-1 may have none: %j', (given) => {
    expect(legacyConfiguration(given)).toBeUndefined();
  });
});
