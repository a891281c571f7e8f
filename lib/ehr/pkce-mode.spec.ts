import { describe, expect, it } from '@jest/globals';
import { checkPkceModes, serversWithoutPkce } from './pkce-mode.js';
import type { KnownFhirServer, PkceMode, SmartClientConfiguration } from './known-fhir-server.js';

const APP = {
  clientId: 'growth-chart',
  scope: 'launch',
  callbackUrl: 'https://app.example.com/fhir/callback',
  redirectUrl: 'https://app.example.com/',
};
const PUBLIC: KnownFhirServer = { name: 'A', issuer: 'https://a.example.org/fhir', type: 'public' };
const CONFIDENTIAL: KnownFhirServer = {
  name: 'B',
  issuer: 'https://b.example.org/fhir',
  type: 'confidential-symmetric',
  method: 'client_secret_basic',
  clientSecret: 'secret',
};

const at = (...knownFhirServers: KnownFhirServer[]): SmartClientConfiguration => ({
  ...APP,
  knownFhirServers,
});

describe('pkceMode', () => {
  it('A5-5 is refused where it is no mode', () => {
    const odd = 'plain' as PkceMode;

    expect(checkPkceModes(at({ ...PUBLIC, pkceMode: odd }), odd)).toEqual([
      'options.pkceMode must be one of required, ifSupported, disabled, unsafeV1',
      'client.knownFhirServers[0].pkceMode must be one of required, ifSupported, disabled, unsafeV1',
    ]);
  });

  it('A5-5 must not be disabled for a public client, wherever it says so', () => {
    const refused = expect.stringContaining('pkceMode must not be disabled for a public client');

    expect(checkPkceModes(at({ ...PUBLIC, pkceMode: 'disabled' }))).toEqual([refused]);
    expect(checkPkceModes(at(PUBLIC, CONFIDENTIAL), 'disabled')).toEqual([refused]);
    expect(checkPkceModes({ ...APP, allowAnyIssuer: true }, 'disabled')).toEqual([refused]);
    expect(checkPkceModes(at({ ...PUBLIC, pkceMode: 'required' }), 'disabled')).toEqual([]);
  });

  it('A5-5 names the servers that go without', () => {
    const without: KnownFhirServer = { ...CONFIDENTIAL, pkceMode: 'disabled' };

    expect(serversWithoutPkce(at(PUBLIC, without))).toEqual(['B']);
    expect(serversWithoutPkce(at(CONFIDENTIAL), 'disabled')).toEqual(['B']);
    expect(serversWithoutPkce(at({ ...CONFIDENTIAL, pkceMode: 'unsafeV1' }), 'disabled')).toEqual([]);
  });
});
