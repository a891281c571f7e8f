import { describe, expect, it } from '@jest/globals';
import { unwrap } from '../smart-error.js';
import { describePath, fhirUrl, referencePath } from './fhir-url.js';

const BASE = 'https://ehr.example.org/fhir/r4';

describe('the URL of a FHIR request', () => {
  it.each([
    ['Patient/1', '/Patient/1'],
    ['/Patient/1', '/Patient/1'],
    ['Observation?code=a|b&date=ge2020', '/Observation?code=a|b&date=ge2020'],
    ['Observation?url=http://example.org/a/../b', '/Observation?url=http://example.org/a/../b'],
    ['Patient/1/$everything', '/Patient/1/$everything'],
    ['?_getpages=abc&_getpagesoffset=20', '/?_getpages=abc&_getpagesoffset=20'],
    ['metadata', '/metadata'],
    [`${BASE}/Patient/1`, '/Patient/1'],
    [`${BASE}?_getpages=abc`, '?_getpages=abc'],
    ['https://EHR.example.org/fhir/r4/Patient/1', '/Patient/1'],
  ])('A8-2 lies under the FHIR base: %s', (target, path) => {
    expect(unwrap(fhirUrl(BASE, target)).href).toBe(`${BASE}${path}`);
    expect(unwrap(fhirUrl(`${BASE}/`, target)).href).toBe(`${BASE}${path}`);
  });

  it.each([
    ['with the default port', 'https://ehr.example.org:443/fhir/r4?_getpages=abc', `${BASE}?_getpages=abc`],
    ['from the root of the server', '/fhir/r4/Observation?page=2', `${BASE}/Observation?page=2`],
    ['from the root, the base itself', '/fhir/r4?_getpages=abc', `${BASE}?_getpages=abc`],
    ['relative to the base', 'Observation?page=2', `${BASE}/Observation?page=2`],
  ])('A8-3 E-MISC-6 may be a next link %s', (_what, target, url) => {
    expect(unwrap(fhirUrl(BASE, target)).href).toBe(url);
  });

  it.each([
    ['another host', 'https://evil.example/fhir/r4/Patient/1'],
    ['another host that begins alike', 'https://ehr.example.org.evil.example/fhir/r4/Patient/1'],
    ['the host as a user name', 'https://ehr.example.org@evil.example/fhir/r4/Patient/1'],
    ['a user name', 'https://user@ehr.example.org/fhir/r4/Patient/1'],
    ['a password', 'https://:secret@ehr.example.org/fhir/r4/Patient/1'],
    ['another port', 'https://ehr.example.org:8443/fhir/r4/Patient/1'],
    ['another scheme', 'http://ehr.example.org/fhir/r4/Patient/1'],
    ['an internal address', 'http://10.0.66.99/fhir/r4?page=2'],
    ['a path beside the base', 'https://ehr.example.org/fhir/r4-evil/Patient/1'],
    ['a path above the base', 'https://ehr.example.org/fhir'],
    ['no scheme', '//evil.example/fhir/r4/Patient/1'],
    ['a scheme without slashes', 'https:evil.example/fhir/r4/Patient/1'],
    ['a script', 'javascript:alert(1)'],
    ['a file', 'file:///etc/passwd'],
    ['a URN', 'urn:uuid:6b2a1b1e-8f0e-4f0e-9a2b-1c1d1e1f2021'],
    ['backslashes', '\\\\evil.example\\fhir'],
    ['a slash and a backslash', '/\\evil.example/fhir'],
    ['dot segments', 'Patient/../../../admin'],
    ['dot segments under the base', 'Patient/1/../2'],
    ['encoded dot segments', 'Patient/%2e%2E/%2e./.%2e/admin'],
    ['a dot segment', './Patient/1'],
    ['dot segments with a tab, which a URL parser takes out', 'Patient/.\t./Binary/1'],
    ['dot segments with a line break', 'Patient/.\n./Binary/1'],
    ['dot segments with a parameter, which some servers take out', 'Patient/..;x/..;/admin'],
    ['dot segments with an encoded parameter', 'Patient/..%3Bx/..%3b/admin'],
    ['dots before an encoded zero, where some servers stop reading', 'Patient/..%00/admin'],
    ['an encoded line break', 'Patient/.%0A./admin'],
    ['an overlong dot', 'Patient/%C0%ae%c0%ae/admin'],
    ['a slash encoded twice', 'Patient/..%252F..%252Fadmin'],
    ['an encoded slash', 'Patient/..%2F..%2Fadmin'],
    ['an encoded backslash', 'Patient/..%5c..%5cadmin'],
    ['dot segments in an absolute URL', `${BASE}/Patient/../../../admin`],
    ['dot segments that stay below', `${BASE}/Patient/1/../2`],
    ['a fragment', 'Patient/1#x'],
    ['an empty fragment', 'Patient/1#'],
  ])('A8-2 A8-6 is refused, so that no token goes to %s', (_what, target) => {
    expect(fhirUrl(BASE, target)).toMatchObject({ error: 'invalid_request', status: 400 });
  });

  it.each(['Patient/undefined', 'Patient/null', 'Patient/undefined/$everything'])(
    'A8-6 is refused where an id was forgotten: %s',
    (target) => {
      expect(fhirUrl(BASE, target)).toMatchObject({
        error: 'invalid_request',
        message: expect.stringMatching(/"(undefined|null)"/),
      });
    },
  );

  it('A8-2 is not empty, which would ask for the FHIR base', () => {
    expect(fhirUrl(BASE, '')).toMatchObject({
      error: 'invalid_request',
      message: expect.stringContaining('The path is empty'),
    });
  });

  it('A8-2 is checked when it comes as a URL object', () => {
    expect(fhirUrl(BASE, new URL('https://evil.example/'))).toMatchObject({ error: 'invalid_request' });
    expect(unwrap(fhirUrl(BASE, new URL(`${BASE}/Patient/1`))).href).toBe(`${BASE}/Patient/1`);
  });

  it('C-19 is not repeated by the refusal', () => {
    const refused = fhirUrl(BASE, 'https://evil.example/Patient/canary');
    expect(JSON.stringify(refused) + String(refused)).not.toMatch(/canary|evil/);
  });
});

describe('a reference', () => {
  it.each([
    ['Patient', '1'],
    ['Observation', 'a.b-C9'],
    ['Patient', 'x'.repeat(64)],
    ['Patient', '...'],
  ])('is type and id: %s/%.20s', (type, id) => {
    expect(referencePath(type, id)).toBe(`${type}/${id}`);
  });

  it.each(['', '.', '..', '../x', 'a/b', 'a?b', 'a#b', 'a b', 'a%2Fb', 'a\\b', 'é', 'x'.repeat(65), '1\n'])(
    'A8-6 is refused with the id %j',
    (id) => {
      const refused = referencePath('Patient', id);
      expect(refused).toMatchObject({ error: 'invalid_request' });
      if (id.length > 2) expect(String(refused)).not.toContain(id);
    },
  );

  it.each(['', 'patient', 'Patient/1', '../Patient', 'Pa tient', '__proto__', 'X'.repeat(65)])(
    'A8-6 is refused with the type %j',
    (type) => {
      expect(referencePath(type, '1')).toMatchObject({ error: 'invalid_request' });
    },
  );
});

describe('what a log may say of a path', () => {
  it.each([
    ['/Patient/canary', 'Patient/{id}'],
    ['/Patient/Canary', 'Patient/{id}'],
    ['/Patient?name=canary', 'Patient'],
    ['/Patient/canary/Observation', 'Patient/{id}/Observation'],
    ['/Patient/canary/$everything', 'Patient/{id}/$everything'],
    ['/Patient/canary/_history/7', 'Patient/{id}/_history/{id}'],
    ['/canary-vendor-path/x', '{id}/{id}'],
    ['', 'the FHIR base'],
    ['/', 'the FHIR base'],
    ['?_getpages=canary', 'the FHIR base'],
  ])('C-19 has no id and no query: %s', (path, described) => {
    expect(describePath(new URL(`${BASE}${path}`), BASE)).toBe(described);
    expect(describePath(new URL(`${BASE}${path}`), `${BASE}/`)).toBe(described);
  });
});
