import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair } from 'jose';
import { backendRegistration, checkBackend } from './backend-configuration.js';
import type { BackendFhirClientConfiguration } from './backend-configuration.js';
import { BackendFhirClient } from './backend-fhir-client.js';
import { SmartError } from './smart-error.js';

const { privateKey } = await generateKeyPair('ES384', { extractable: true });
const GOOD: BackendFhirClientConfiguration = {
  issuer: 'https://ehr.example.org/fhir',
  clientId: 'nightly',
  scope: 'system/Patient.rs system/Observation.rs?category=vital-signs',
  privateKey: { ...(await exportJWK(privateKey)), kid: 'key-1', alg: 'ES384' },
};
const mistakes = (changed: object, options?: object | null) => checkBackend({ ...GOOD, ...changed }, options);

describe('the configuration of a backend service', () => {
  it('is good with a server, a client id, scopes and a key', () => {
    expect(mistakes({})).toEqual([]);
    expect(mistakes({ type: 'confidential-asymmetric', method: 'private_key_jwt', name: 'Lab' })).toEqual([]);
    expect(mistakes({ endpoints: { token: 'https://auth.example.org/token' } }, null)).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['a secret', { clientSecret: 'canary-secret' }, 'client.clientSecret'],
    [
      'a secret instead of a key',
      { type: 'confidential-symmetric', method: 'client_secret_basic', clientSecret: 'canary-secret' },
      'client.clientSecret',
    ],
    ['a symmetric type', { type: 'confidential-symmetric' }, 'client.type'],
    ['a public type', { type: 'public' }, 'client.type'],
    ['a method with a secret', { method: 'client_secret_post' }, 'client.method'],
  ])('A12-1 is refused with %s, in words', (_what, changed, option) => {
    const found = mistakes(changed);
    expect(found.join('\n')).toMatch(new RegExp(`^${option} .*private_key_jwt only: give privateKey`, 'm'));
    expect(found.join('\n')).not.toContain('canary');
  });

  it.each<[string, unknown, string]>([
    ['no key', undefined, 'client.privateKey is missing'],
    ['a symmetric key', { kty: 'oct', k: 'canary-key', kid: 'k' }, 'is a symmetric key'],
    ['a public key', { kty: 'EC', crv: 'P-384', x: 'a', y: 'b', kid: 'k' }, 'is a public key'],
  ])('A12-1 is refused with %s', (_what, key, reason) => {
    expect(mistakes({ privateKey: key })).toEqual([expect.stringContaining(reason)]);
  });

  it('A10-2 is refused with a URL of the key set that is not https', () => {
    expect(mistakes({ clientPublicKeySetUrl: 'https://app.example.com/jwks.json' })).toEqual([]);
    expect(mistakes({ clientPublicKeySetUrl: 'http://app.example.com/jwks.json' })).toEqual([
      expect.stringContaining('client.clientPublicKeySetUrl must use https'),
    ]);
  });

  it('A12-1 is refused when the client is made, and says no secret', () => {
    const client = { ...GOOD, type: 'public', clientSecret: 'canary-secret' } as never;
    let thrown: unknown;
    try {
      new BackendFhirClient(client);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(SmartError);
    expect(thrown).toMatchObject({ error: 'invalid_configuration' });
    expect(inspect(thrown, { depth: 9 })).not.toContain('canary');
  });

  it.each([
    'user/Patient.rs',
    'patient/Patient.rs',
    'system/Patient.rs user/Patient.rs',
    'launch',
    'openid',
    'offline_access',
    'system/Patient.rx',
    'https://ehr.example.org/.default',
  ])('A12-2 asks for system scopes, and for others when told so: %s', (scope) => {
    const refused = mistakes({ scope });
    expect(refused).toEqual([expect.stringContaining('client.allowNonSystemScopes: true')]);
    expect(refused[0]).toContain(JSON.stringify(scope.split(' ').at(-1)));
    expect(mistakes({ scope, allowNonSystemScopes: true })).toEqual([]);
    expect(() => new BackendFhirClient({ ...GOOD, scope })).toThrow(/allowNonSystemScopes/);
  });

  it.each<[string, object, object | null, string]>([
    ['no issuer', { issuer: undefined }, null, 'client.issuer is missing'],
    ['plain http', { issuer: 'http://ehr.example.org/fhir' }, null, 'client.issuer must use https'],
    ['no client id', { clientId: '' }, null, 'client.clientId is missing'],
    ['no scope', { scope: ' ' }, null, 'client.scope is missing'],
    ['a typo', { clientID: 'x' }, null, 'client.clientID is not an option: write clientId'],
    ['a word for a flag', { allowNonSystemScopes: 'yes' }, null, 'client.allowNonSystemScopes must be'],
    [
      'an endpoint it has no use for',
      { endpoints: { authorization: 'https://a.example/' } },
      null,
      'client.endpoints.authorization is not an option',
    ],
    [
      'a token endpoint over http',
      { endpoints: { token: 'http://a.example/' } },
      null,
      'client.endpoints.token must use https',
    ],
    ['no time at all', {}, { httpTimeoutMs: 0 }, 'options.httpTimeoutMs must be a positive number'],
    ['a skew that is none', {}, { refreshSkewMs: -1 }, 'options.refreshSkewMs must be'],
    ['an option of SmartClient', {}, { autoRefresh: true }, 'options.autoRefresh is not an option'],
    ['a word for http', {}, { allowNonHttpsLaunch: 'no' }, 'options.allowNonHttpsLaunch must be'],
  ])('is refused with %s', (_what, changed, options, mistake) => {
    expect(mistakes(changed, options)).toEqual([expect.stringContaining(mistake)]);
  });

  it('is refused when there is none', () => {
    expect(checkBackend(undefined as never, undefined)).toEqual([expect.stringContaining('missing')]);
  });

  it('goes by the name of its server, or its own', () => {
    expect(backendRegistration(GOOD)).toMatchObject({ name: 'ehr.example.org', isKnown: true });
    expect(backendRegistration({ ...GOOD, name: 'Lab' })).toMatchObject({ name: 'Lab' });
  });
});
