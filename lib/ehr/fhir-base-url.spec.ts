import { describe, expect, it } from '@jest/globals';
import { isLoopback, parseFhirBaseUrl, underFhirBase } from './fhir-base-url.js';

describe('parseFhirBaseUrl', () => {
  it.each([
    ['https://good.example/fhir', 'https://good.example/fhir'],
    ['https://good.example/fhir/', 'https://good.example/fhir'],
    ['https://GOOD.example:443/fhir/', 'https://good.example/fhir'],
    ['HTTPS://good.example/fhir', 'https://good.example/fhir'],
    ['https://good.example', 'https://good.example'],
    ['https://good.example:8443/a/b/', 'https://good.example:8443/a/b'],
    ['https://good.example/fhir/R4.v2/sim~1/WzIsIiJd', 'https://good.example/fhir/R4.v2/sim~1/WzIsIiJd'],
    ['https://xn--bcher-kva.example/fhir', 'https://xn--bcher-kva.example/fhir'],
    ['http://localhost:3000/fhir', 'http://localhost:3000/fhir'],
    ['https://[2001:db8::1]/fhir', 'https://[2001:db8::1]/fhir'],
  ])('C-13 compares %s as %s', (text, canonical) => {
    expect(parseFhirBaseUrl(text)?.canonical).toBe(canonical);
  });

  it.each([
    ['another host after the name', 'https://good.example.evil/fhir'],
    ['another port', 'https://good.example:8443/fhir'],
    ['another scheme', 'http://good.example/fhir'],
    ['another path', 'https://good.example/fhir2'],
    ['other letter case in the path', 'https://good.example/FHIR'],
    ['a shorter path', 'https://good.example/'],
    ['a longer path', 'https://good.example/fhir/x'],
    ['an escaped letter in the path', 'https://good.example/%66hir'],
  ])('C-13 does not take %s for the same server', (_, text) => {
    expect(parseFhirBaseUrl(text)?.canonical).not.toBe('https://good.example/fhir');
  });

  it.each([
    ['host as userinfo', 'https://good.example@evil/fhir'],
    ['userinfo with a password', 'https://good.example:443@evil/fhir'],
    ['userinfo behind an escape', 'https://good.example%40@evil/fhir'],
    ['empty userinfo', 'https://@good.example/fhir'],
    ['dot segments', 'https://good.example/fhir/../x'],
    ['dot segments that lead back', 'https://good.example/x/../fhir'],
    ['a dot segment at the end', 'https://good.example/fhir/..'],
    ['a single dot', 'https://good.example/./fhir'],
    ['escaped dot segments', 'https://good.example/x/%2e%2e/fhir'],
    ['half-escaped dot segments', 'https://good.example/x/.%2E/fhir'],
    ['an escaped slash', 'https://good.example/fhir%2Fx'],
    ['an escaped backslash', 'https://good.example/fhir%5cx'],
    ['a backslash before the path', 'https://good.example\\@evil/fhir'],
    ['a backslash for a slash', 'https:\\\\good.example/fhir'],
    ['a backslash in the path', 'https://good.example/x\\..\\fhir'],
    ['an empty host', 'https:///good.example/fhir'],
    ['no slashes', 'https:good.example/fhir'],
    ['two slashes in the path', 'https://good.example//fhir'],
    ['an IDN', 'https://gооd.example/fhir'],
    ['full-width letters', 'https://ｇood.example/fhir'],
    ['an ideographic full stop', 'https://good。example/fhir'],
    ['a trailing dot', 'https://good.example./fhir'],
    ['an escaped trailing dot', 'https://good.example%2e/fhir'],
    ['a space', 'https://good.example /fhir'],
    ['a leading space', ' https://good.example/fhir'],
    ['a line break', 'https://good.example/fhir\n'],
    ['a line break in the host', 'https://good.ex\nample/fhir'],
    ['a tab', 'https://good.example/\tfhir'],
    ['a NUL', 'https://good.example/fhir\0'],
    ['quotes', 'https://good.example/"fhir'],
    ['another scheme', 'ftp://good.example/fhir'],
    ['a script', 'javascript://good.example/%0aalert(1)'],
    ['no scheme', 'good.example/fhir'],
    ['a relative URL', '/fhir'],
    ['a protocol-relative URL', '//good.example/fhir'],
    ['an impossible port', 'https://good.example:99999/fhir'],
    ['an impossible address', 'https://999.1.1.1/fhir'],
    ['nothing', ''],
    ['a novel', `https://good.example/${'a'.repeat(2048)}`],
  ])('C-13 takes no text with %s: %j', (_, text) => {
    expect(parseFhirBaseUrl(text)).toBeUndefined();
  });

  it.each([
    'https://good.example/fhir?x=1',
    'https://good.example/fhir?',
    'https://good.example/fhir#x',
    'https://good.example/fhir#',
    'https://user@good.example/fhir',
    'https://user:secret@good.example/fhir',
    'https://:@good.example/fhir',
  ])('C-15 takes no userinfo, query or fragment: %s', (text) => {
    expect(parseFhirBaseUrl(text)).toBeUndefined();
  });

  it.each([
    'https://good.example/fhir?a=1',
    'https://good.example/fhir/?a=1?b=@evil',
    'https://good.example/fhir?',
  ])('C-15 E-NO-2 cuts the query off where asked to: %s', (text) => {
    expect(parseFhirBaseUrl(text, { stripQuery: true })?.canonical).toBe('https://good.example/fhir');
  });

  it.each([
    'https://good.example/fhir?a#b',
    'https://good.example/fhir#a?b',
    'https://good.example@evil/?fhir',
  ])('C-15 cuts off nothing but the query: %s', (text) => {
    expect(parseFhirBaseUrl(text, { stripQuery: true })).toBeUndefined();
  });
});

describe('underFhirBase', () => {
  const document = '.well-known/smart-configuration';

  it.each([
    ['https://h/a/b', 'https://h/a/b/.well-known/smart-configuration'],
    ['https://h/a/b/', 'https://h/a/b/.well-known/smart-configuration'],
    ['https://h', 'https://h/.well-known/smart-configuration'],
    ['https://h/', 'https://h/.well-known/smart-configuration'],
  ])('A2-1 keeps the path of %s, with one slash', (base, expected) => {
    expect(underFhirBase(base, document).href).toBe(expected);
  });
});

describe('isLoopback', () => {
  it.each(['localhost', 'app.localhost', '127.0.0.1', '127.8.8.8', '::1', '[::1]'])('knows %s', (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  it.each(['localhost.evil', 'evil-localhost', '127.0.0.1.evil', '10.0.0.1', 'example.org', '0.0.0.0', ''])(
    'C-13 does not fall for %j',
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );
});
