import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { checkServer } from './check-server.js';
import type { KnownFhirServer } from './known-fhir-server.js';

const PUBLIC = { name: 'A', issuer: 'https://ehr.example.org/fhir', type: 'public' };
const SYMMETRIC = {
  ...PUBLIC,
  type: 'confidential-symmetric',
  method: 'client_secret_basic',
  clientSecret: 's3cret',
};
const KEY = {
  ...generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' }),
  kid: 'k',
};
const ASYMMETRIC = {
  ...PUBLIC,
  type: 'confidential-asymmetric',
  method: 'private_key_jwt',
  privateKey: KEY,
};

function mistakes(server: unknown, development = false): string[] {
  return checkServer('servers[0]', server as KnownFhirServer, development);
}

describe('a known server', () => {
  it.each<[string, object]>([
    ['public', PUBLIC],
    ['with a secret, Basic', SYMMETRIC],
    ['with a secret in the body', { ...SYMMETRIC, method: 'client_secret_post' }],
    ['with a key', ASYMMETRIC],
    ['with keys as JSON', { ...ASYMMETRIC, privateKey: [JSON.stringify(KEY)] }],
    ['with a key set', { ...ASYMMETRIC, clientPublicKeySetUrl: 'https://app.example.com/fhir/jwks.json' }],
    ['by pattern', { name: 'A', type: 'public', issMatch: /https:.*/ }],
    ['by text', { name: 'A', type: 'public', issMatch: 'https://ehr.example.org/fhir' }],
    ['by function', { name: 'A', type: 'public', issMatch: () => true }],
    ['with a query cut off', { ...PUBLIC, issuer: `${PUBLIC.issuer}?x`, stripIssQuery: true }],
    [
      'with every switch',
      {
        ...SYMMETRIC,
        clientId: 'b',
        scope: 'launch',
        callbackUrl: 'https://app.example.com/b',
        redirectUrl: 'https://app.example.com/',
        endpoints: { issuer: 'any', authorization: 'https://as/auth', token: '/token', jwks: undefined },
        aud: 'https://ehr.example.org',
        assertionAudience: 'https://ehr.example.org/token',
        sendNonce: false,
        sendClientId: true,
        encodeBasic: true,
        strictAudienceValidation: false,
        issuerAliases: ['https://old.example.org'],
        profileClaim: true,
        bareFhirUserType: 'Practitioner',
        refreshWithRedirectUri: true,
        stripIssQuery: false,
        legacyMetadata: true,
        fhirMediaType: 'application/json+fhir',
        scopeNames: { 'patient/Patient.rs': 'https://ehr.example.org/patient.Patient.rs' },
        discoverPatient: true,
        patientFromFhirUser: false,
        pushedAuthorizationRequests: 'ifRequired',
        dpop: true,
        resource: true,
      },
    ],
  ])('is taken: %s', (_, server) => {
    expect(mistakes(server)).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['no name', { ...PUBLIC, name: ' ' }, 'name is missing'],
    ['no issuer', { ...PUBLIC, issuer: undefined }, 'issuer is missing'],
    ['an issuer with a query', { ...PUBLIC, issuer: 'https://a/fhir?x' }, 'issuer is not a FHIR base URL'],
    ['a relative issuer', { ...PUBLIC, issuer: '/fhir' }, 'issuer is not a FHIR base URL'],
    ['an http issuer', { ...PUBLIC, issuer: 'http://a/fhir' }, 'issuer must use https'],
    ['a pattern that is none', { name: 'A', type: 'public', issMatch: 5 }, 'issMatch must be'],
    ['an http callback', { ...PUBLIC, callbackUrl: 'http://a/cb' }, 'callbackUrl must use https'],
    ['a relative page', { ...PUBLIC, redirectUrl: '/chart' }, 'redirectUrl is not an absolute URL'],
    ['an empty client', { ...PUBLIC, clientId: '' }, 'clientId is missing'],
    ['empty scopes', { ...PUBLIC, scope: ' ' }, 'scope is missing'],
    ['a switch out of the environment', { ...PUBLIC, sendNonce: 'false' }, 'sendNonce must be true or false'],
    ['a switch with a typo', { ...PUBLIC, sendnonce: false }, 'sendnonce is not an option: write sendNonce'],
    ['an aud that is none', { ...PUBLIC, aud: '' }, 'aud is missing'],
    [
      'pushed requests as text',
      { ...PUBLIC, pushedAuthorizationRequests: 'true' },
      'pushedAuthorizationRequests must be true, false or',
    ],
    ['aliases as text', { ...PUBLIC, issuerAliases: 'https://a' }, 'issuerAliases must be a list'],
    ['a type that no user has', { ...PUBLIC, bareFhirUserType: 'Device' }, 'bareFhirUserType must be one of'],
    [
      'a media type with more',
      { ...PUBLIC, fhirMediaType: 'text/html\r\nX: y' },
      'fhirMediaType must be one of',
    ],
    ['a search as text', { ...PUBLIC, discoverPatient: 'yes' }, 'discoverPatient must be true or false'],
    ['names of scopes as a list', { ...PUBLIC, scopeNames: ['a'] }, 'scopeNames must map scopes'],
    ['two scopes as one', { ...PUBLIC, scopeNames: { 'a b': 'c' } }, 'scopeNames must map scopes'],
    ['two names as one', { ...PUBLIC, scopeNames: { a: 'b c' } }, 'scopeNames must map scopes'],
    ['a name that is a number', { ...PUBLIC, scopeNames: { a: 1 } }, 'scopeNames must map scopes'],
    ['one name for two scopes', { ...PUBLIC, scopeNames: { a: 'c', b: 'c' } }, 'scopeNames has one name'],
    ['endpoints as text', { ...PUBLIC, endpoints: 'https://a' }, 'endpoints is not an object'],
    [
      'an unknown endpoint',
      { ...PUBLIC, endpoints: { tokn: 'https://a' } },
      'endpoints.tokn is not an option',
    ],
  ])('G-7 refuses %s', (_, server, mistake) => {
    expect(mistakes(server)).toEqual([expect.stringContaining(`servers[0].${mistake}`)]);
  });

  it.each<[string, object, string]>([
    ['asked for nothing', { ...PUBLIC, type: undefined }, "type must be 'public'"],
    ['asked for something else', { ...PUBLIC, type: 'none' }, "type must be 'public'"],
    ['no method', { ...SYMMETRIC, method: undefined }, "method must be 'client_secret_basic' or"],
    ['a method of the other type', { ...SYMMETRIC, method: 'private_key_jwt' }, 'method must be'],
    [
      'a secret for a key',
      { ...ASYMMETRIC, method: 'client_secret_basic' },
      "method must be 'private_key_jwt'",
    ],
    ['no secret', { ...SYMMETRIC, clientSecret: '' }, 'clientSecret is missing'],
    ['no key', { ...ASYMMETRIC, privateKey: undefined }, 'privateKey is missing'],
    ['a public key', { ...ASYMMETRIC, privateKey: { ...KEY, d: undefined } }, 'privateKey is a public key'],
  ])('A1-2 asks how the client proves itself: %s', (_, server, mistake) => {
    expect(mistakes(server)).toEqual([expect.stringContaining(`servers[0].${mistake}`)]);
  });

  it('A1-2 refuses a public client that has a secret', () => {
    expect(mistakes({ ...PUBLIC, clientSecret: 's3cret' })).toEqual([
      expect.stringContaining('servers[0] is public and has a clientSecret'),
    ]);
  });

  it.each<[string, object, string]>([
    [
      'over http',
      { ...ASYMMETRIC, clientPublicKeySetUrl: 'http://app.example.com/jwks.json' },
      'must use https',
    ],
    [
      'that is relative',
      { ...ASYMMETRIC, clientPublicKeySetUrl: '/fhir/jwks.json' },
      'is not an absolute URL',
    ],
    ['that is none', { ...ASYMMETRIC, clientPublicKeySetUrl: true }, 'is missing'],
    [
      'with a fragment',
      { ...ASYMMETRIC, clientPublicKeySetUrl: 'https://a/jwks#x' },
      'must not have a fragment',
    ],
    [
      'with a password',
      { ...ASYMMETRIC, clientPublicKeySetUrl: 'https://a:b@a/jwks' },
      'must not hold credent',
    ],
    ['without a key', { ...SYMMETRIC, clientPublicKeySetUrl: 'https://a/jwks' }, 'goes with a privateKey'],
    ['of a public client', { ...PUBLIC, clientPublicKeySetUrl: 'https://a/jwks' }, 'goes with a privateKey'],
  ])('A10-2 refuses a key set %s', (_, server, mistake) => {
    expect(mistakes(server)).toEqual([expect.stringContaining(`clientPublicKeySetUrl ${mistake}`)]);
  });

  it('A10-8 refuses keys with one kid', () => {
    expect(mistakes({ ...ASYMMETRIC, privateKey: [KEY, { ...KEY, d: 'other' }] })).toEqual([
      expect.stringContaining('servers[0].privateKey has two keys with one kid'),
    ]);
  });

  it.each([undefined, null, 5, 'https://ehr.example.org/fhir'])('G-7 refuses %j for a server', (server) => {
    expect(mistakes(server)).toEqual(['servers[0] is not an object']);
  });

  it.each(['authorization', 'token', 'jwks', 'introspection', 'revocation', 'endSession'])(
    'A2-11 refuses a static %s endpoint over http',
    (name) => {
      const server = { ...PUBLIC, endpoints: { [name]: 'http://ehr.example.org/x' } };

      expect(mistakes(server)).toEqual([`servers[0].endpoints.${name} must use https`]);
      expect(mistakes(server, true)).toEqual([]);
    },
  );

  it('takes an http issuer in development', () => {
    expect(mistakes({ ...PUBLIC, issuer: 'http://localhost:3000/fhir' }, true)).toEqual([]);
  });

  it('C-19 quotes neither secret nor key', () => {
    const all = [
      { ...PUBLIC, clientSecret: 'c4n4ry' },
      { ...SYMMETRIC, method: 'x', clientSecret: 'c4n4ry' },
      { ...ASYMMETRIC, privateKey: { ...KEY, kid: undefined } },
      { ...ASYMMETRIC, privateKey: JSON.stringify(KEY).slice(0, -1) },
    ].flatMap((server) => mistakes(server));

    expect(all).toHaveLength(4);
    expect(all.join()).not.toContain('c4n4ry');
    expect(all.join()).not.toContain(KEY.d);
  });
});
