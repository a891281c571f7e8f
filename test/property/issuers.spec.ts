import { describe, expect } from '@jest/globals';
import fc from 'fast-check';
import { parseFhirBaseUrl, underFhirBase } from '../../lib/ehr/fhir-base-url.js';
import { findRegistration } from '../../lib/ehr/registrations.js';
import { SmartError } from '../../lib/smart-error.js';
import { APP, knownServer } from '../support/registration.js';
import { anyText, mutated } from './hostile-text.js';
import { holds } from './holds.js';

const ISSUERS: [string, ...string[]] = [
  'https://good.example/fhir',
  'https://good.example/fhir/',
  'https://good.example:8443/r4/sim~1/WzIs',
  'https://good.example',
  'https://xn--bcher-kva.example/FHIR/R4',
  'http://good.example/fhir',
  'https://192.0.2.7/fhir',
  'https://[2001:db8::7]/fhir',
];

const hostile = fc.oneof(mutated(...ISSUERS), anyText(...ISSUERS, 'https://', 'good.example', '/fhir'));

/** What WHATWG URL says two addresses have in common; the code under test compares text. */
function parts(text: string): string[] {
  const { protocol, hostname, port, pathname, username, password, search, hash } = new URL(text);
  return [protocol, hostname, port, pathname.replace(/\/$/, ''), username, password, search, hash];
}

describe('an issuer', () => {
  holds(
    'C-13 C-15 is a registered one only when every part of its URL is',
    fc.tuple(fc.constantFrom(...ISSUERS), hostile),
    ([issuer, iss]) => {
      const configuration = { ...APP, knownFhirServers: [knownServer({ issuer })] };
      const found = findRegistration(configuration, iss, true);
      if (found instanceof SmartError) return;
      expect(parts(found.iss)).toEqual(parts(issuer));
      expect(underFhirBase(found.iss, 'metadata').href).toBe(underFhirBase(issuer, 'metadata').href);
    },
  );

  holds(
    'C-13 that is a registered one is not missed for its letter case, default port or last slash',
    fc.tuple(
      fc.constantFrom(...ISSUERS),
      fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
      fc.nat(3),
    ),
    ([issuer, upper, ends]) => {
      const { protocol, host, port, pathname } = new URL(issuer);
      const origin = [...`${protocol}//${host}`]
        .map((letter, at) => (upper[at] ? letter.toUpperCase() : letter))
        .join('');
      const defaultPort = ends & 1 && !port ? (protocol === 'https:' ? ':443' : ':80') : '';
      const iss = origin + defaultPort + pathname.replace(/\/$/, '') + (ends & 2 ? '/' : '');
      const configuration = { ...APP, knownFhirServers: [knownServer({ issuer })] };
      expect(findRegistration(configuration, iss, true)).toMatchObject({ iss, name: 'Hospital' });
    },
  );

  holds('C-13 a pattern sees the whole of, or not at all', hostile, (iss) => {
    const pattern = /https:\/\/good\.example\/(fhir|r4)/;
    const configuration = {
      ...APP,
      knownFhirServers: [{ name: 'Hospital', issMatch: pattern, type: 'public' as const }],
    };
    const found = findRegistration(configuration, iss, true);
    if (found instanceof SmartError) return;
    const url = new URL(found.iss);
    expect([url.origin, url.pathname]).toEqual([
      'https://good.example',
      expect.stringMatching(/^\/(fhir|r4)\/?$/),
    ]);
  });

  holds('C-15 has no userinfo, query or fragment, not even where anybody may launch', hostile, (iss) => {
    const found = findRegistration({ ...APP, allowAnyIssuer: true }, iss, false);
    if (found instanceof SmartError) return;
    const { protocol, username, password, search, hash, hostname } = new URL(found.iss);
    expect([protocol, username + password + search + hash]).toEqual(['https:', '']);
    expect(hostname).toMatch(/[^.]$/);
  });

  holds('C-15 loses nothing but its query where the query is to be cut off', hostile, (iss) => {
    const base = parseFhirBaseUrl(iss, { stripQuery: true });
    if (!base) return;
    const [protocol, hostname, port, path, username, password] = parts(iss);
    expect(parts(base.canonical)).toEqual([protocol, hostname, port, path, username, password, '', '']);
  });

  holds('C-13 has one canonical form', hostile, (iss) => {
    const base = parseFhirBaseUrl(iss);
    if (!base) return;
    expect(parseFhirBaseUrl(base.canonical)?.canonical).toBe(base.canonical);
    expect(parts(base.canonical)).toEqual(parts(iss));
  });
});
