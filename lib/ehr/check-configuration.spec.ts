import { beforeAll, describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair } from 'jose';
import type { JWK } from 'jose';
import { APP, knownServer } from '../../test/support/registration.js';
import { checkConfiguration } from './check-configuration.js';
import type { ClientPrivateKey, KnownFhirServer, SmartClientConfiguration } from './known-fhir-server.js';

function mistakes(configuration: unknown): string[] {
  return checkConfiguration(configuration as SmartClientConfiguration, false);
}

const secret = { type: 'confidential-symmetric', method: 'client_secret_basic', clientSecret: 's' } as const;

describe('checkConfiguration', () => {
  it('finds nothing wrong with a good configuration', () => {
    expect(mistakes({ ...APP, knownFhirServers: [knownServer()] })).toEqual([]);
    expect(mistakes({ ...APP, allowAnyIssuer: true })).toEqual([]);
    expect(mistakes({ ...APP, allowAnyIssuer: false, knownFhirServers: [knownServer()] })).toEqual([]);
  });

  it('G-7 lists all mistakes together, each with its option', () => {
    const all = mistakes({
      clientId: '',
      callbackUrl: 'http://app/cb',
      redirectUrl: '/chart',
      colour: 'green',
      knownFhirServers: [
        { name: '', issuer: 'ehr', type: 'public', clientSecret: 's' },
        { name: 'B', issuer: 'http://b/fhir', type: 'confidential' },
        { ...secret, name: 'C', issuer: 'https://c/fhir', clientSecret: undefined },
      ],
    });

    expect(all.map((mistake) => mistake.split(' ', 1)[0])).toEqual([
      'client.colour',
      'client.clientId',
      'client.scope',
      'client.callbackUrl',
      'client.redirectUrl',
      'client.knownFhirServers[0].name',
      'client.knownFhirServers[0].issuer',
      'client.knownFhirServers[0]',
      'client.knownFhirServers[1].issuer',
      'client.knownFhirServers[1].type',
      'client.knownFhirServers[2].clientSecret',
    ]);
  });

  it.each([undefined, null, '', ' ', 5])('A5-1 refuses %j for the scopes', (scope) => {
    const ofAll = mistakes({ ...APP, scope, knownFhirServers: [knownServer()] });
    expect(ofAll).toEqual([expect.stringMatching(/^client\.scope /)]);
  });

  it.each([undefined, null, 'growth-chart', 5])('G-7 refuses %j for a configuration', (configuration) => {
    expect(mistakes(configuration)).toEqual([expect.stringMatching(/^client is missing/)]);
  });

  it.each([undefined, [], false])('G-7 refuses a configuration nobody can launch with: %j', (value) => {
    const configuration = {
      ...APP,
      ...(value === false ? { allowAnyIssuer: false } : { knownFhirServers: value }),
    };

    expect(mistakes(configuration)).toEqual([expect.stringMatching(/^client.knownFhirServers is empty/)]);
  });

  it('G-7 refuses servers that are no list', () => {
    expect(mistakes({ ...APP, knownFhirServers: knownServer() })).toEqual([
      expect.stringMatching(/^client.knownFhirServers is not a list/),
    ]);
  });

  it.each(['true', 'false', 1, null])('G-7 refuses %j for allowAnyIssuer: it opens the door', (value) => {
    expect(mistakes({ ...APP, allowAnyIssuer: value, knownFhirServers: [knownServer()] })).toEqual([
      'client.allowAnyIssuer must be true or false',
    ]);
  });

  it.each<[string, Partial<KnownFhirServer>]>([
    ['as it is', {}],
    ['with a slash', { issuer: 'https://ehr.example.org/fhir/' }],
    ['in other letters', { issuer: 'https://EHR.example.org:443/fhir' }],
    ['with a query that is cut off', { issuer: 'https://ehr.example.org/fhir?x', stripIssQuery: true }],
  ])('A1-4 refuses two registrations for one issuer: %s', (_, other) => {
    const servers = [knownServer(), { ...knownServer(), ...other } as KnownFhirServer];

    expect(mistakes({ ...APP, knownFhirServers: servers })).toEqual([
      'client.knownFhirServers[1].issuer is the same server as [0]: keep one of them',
    ]);
  });
});

describe('a client id with a colon', () => {
  const configuration = (clientId: string, server: KnownFhirServer) => ({
    ...APP,
    clientId,
    knownFhirServers: [server],
  });
  const refused = [expect.stringMatching(/^client.knownFhirServers\[0\].*":".*encodeBasic: true/)];

  it('A11-2 is refused for Basic, whether it is the server’s or the app’s', () => {
    expect(mistakes(configuration('a', knownServer({ clientId: 'urn:b' }, secret)))).toEqual(refused);
    expect(mistakes(configuration('urn:a', knownServer({}, secret)))).toEqual(refused);
  });

  it.each<[string, KnownFhirServer]>([
    ['a client that is public', knownServer()],
    ['Basic that is encoded', knownServer({ encodeBasic: true }, secret)],
    ['a secret in the body', knownServer({}, { ...secret, method: 'client_secret_post' })],
    ['a server with an id of its own', knownServer({ clientId: 'b' }, secret)],
  ])('A11-2 is taken for %s', (_, server) => {
    expect(mistakes(configuration('urn:a', server))).toEqual([]);
  });
});

describe('keys of several servers', () => {
  let keys: [JWK, JWK];

  beforeAll(async () => {
    const jwk = async () => {
      const { privateKey } = await generateKeyPair('ES384', { extractable: true });
      return { ...(await exportJWK(privateKey)), kid: 'k' };
    };
    keys = await Promise.all([jwk(), jwk()]);
  });

  const withKeys = (...privateKeys: JWK[]) => ({
    ...APP,
    knownFhirServers: privateKeys.map((privateKey, index) =>
      knownServer(
        { issuer: `https://ehr-${index}.example.org/fhir` },
        { type: 'confidential-asymmetric', method: 'private_key_jwt', privateKey },
      ),
    ),
  });

  it('A10-8 must not share a kid: one JWKS publishes them all', () => {
    expect(mistakes(withKeys(...keys))).toEqual([
      expect.stringMatching(/^client.knownFhirServers\[1\].privateKey has the kid of another/),
    ]);
  });

  it('A10-8 must not share a kid with a key of client.privateKey either, unless it is the same key', () => {
    expect(mistakes({ ...withKeys(keys[0]), privateKey: [keys[1]] })).toEqual([
      expect.stringMatching(/^client.privateKey has the kid of another/),
    ]);
    expect(mistakes({ ...withKeys(keys[0]), privateKey: { ...keys[0] } })).toEqual([]);
  });

  it('A10-8 are refused in client.privateKey where they cannot be published', async () => {
    const { privateKey } = await generateKeyPair('ES384');
    const { d: _d, ...publicJwk } = keys[0];
    const given = (key: ClientPrivateKey) => mistakes({ ...withKeys(keys[0]), privateKey: key });

    expect(given('-----BEGIN PRIVATE KEY-----')).toEqual([
      expect.stringMatching(/^client.privateKey is PEM/),
    ]);
    expect(given(publicJwk)).toEqual([expect.stringMatching(/^client.privateKey is a public key/)]);
    expect(given({ key: privateKey, kid: 'w', alg: 'ES384' })).toEqual([
      expect.stringMatching(/^client.privateKey has a key without publicJwk/),
    ]);
  });

  it('A10-8 may be one and the same key', () => {
    expect(mistakes(withKeys(keys[0], { ...keys[0] }))).toEqual([]);
  });
});
