import { describe, expect, it } from '@jest/globals';
import { APP, ISS, knownServer } from '../../test/support/registration.js';
import type { SmartClientConfiguration } from './known-fhir-server.js';
import { mayHaveSeveralIssuers } from './several-issuers.js';

const server = knownServer();

describe('a configuration', () => {
  it.each<[string, boolean, Partial<SmartClientConfiguration>]>([
    ['one server', false, { knownFhirServers: [server] }],
    ['one server, known twice', false, { knownFhirServers: [server, knownServer({ issuer: `${ISS}/` })] }],
    ['one server, matched by text', false, { knownFhirServers: [{ ...server, issMatch: `${ISS}/` }] }],
    ['two servers', true, { knownFhirServers: [server, knownServer({ issuer: `${ISS}/b` })] }],
    ['a pattern', true, { knownFhirServers: [{ ...server, issMatch: /https:.*/ }] }],
    ['any issuer', true, { knownFhirServers: [server], allowAnyIssuer: true }],
    ['registrations', true, { knownFhirServers: [server], registrations: () => null }],
  ])('G-5 with %s: several issuers %s', (_what, expected, given) => {
    const configuration = { ...APP, ...given } as SmartClientConfiguration;
    expect(mayHaveSeveralIssuers(configuration)).toBe(expected);
  });
});
