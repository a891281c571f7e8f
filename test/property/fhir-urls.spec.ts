import { describe, expect } from '@jest/globals';
import fc from 'fast-check';
import { isFhirId } from '../../lib/ehr/launch-context.js';
import { describePath, fhirUrl, referencePath } from '../../lib/fhir/fhir-url.js';
import { queryEntries } from '../../lib/fhir/search-parameters.js';
import type { QueryEntry, SearchQuery } from '../../lib/fhir/search-parameters.js';
import { searchRequest } from '../../lib/fhir/search-request.js';
import { SmartError } from '../../lib/smart-error.js';
import { anyText, mutated, wellFormed } from './hostile-text.js';
import { holds } from './holds.js';

const BASES = [
  'https://ehr.example/fhir',
  'https://ehr.example/fhir/',
  'https://ehr.example',
  'https://ehr.example:8443/a/b/r4',
  'http://127.0.0.1:3000/fhir',
] as const;

const base = fc.constantFrom(...BASES);
const TARGETS: [string, ...string[]] = [
  'Patient/1',
  '/Patient/1',
  'Observation?code=a|b&date=ge2020',
  'Patient/1/$everything',
  ...BASES,
  ...BASES.map((url) => `${url}/Patient/1`),
  'https://ehr.example:443/fhir?_getpages=1',
  'https://ehr.example/fhir-evil/Patient/1',
  '//evil.example/fhir',
  '../Patient/1',
  'Patient/..%2f..%2fadmin',
  'Patient/1/%2e.%5c..%5c..%5c..%5cadmin',
  '_history/2',
];
const target = fc.oneof(mutated(...TARGETS), anyText(...TARGETS, 'Patient', '/fhir/', '..'));

function expectUnder(url: URL, fhirBaseUrl: string): void {
  const { origin, pathname } = new URL(`${fhirBaseUrl.replace(/\/$/, '')}/`);
  for (const read of [url, new URL(url.href)]) {
    expect(read.origin).toBe(origin);
    expect(`${read.pathname}/`.startsWith(pathname)).toBe(true);
    expect(read.username + read.password + read.hash).toBe('');
  }
}

function sentOrRefused(query: SearchQuery): QueryEntry[] | undefined {
  try {
    return queryEntries(query);
  } catch (error) {
    expect(error).toMatchObject({ error: 'invalid_request' });
    return undefined;
  }
}

describe('the URL of a FHIR request', () => {
  holds(
    'A8-2 A8-3 is below the FHIR base, or there is none',
    fc.tuple(base, target),
    ([fhirBaseUrl, given]) => {
      const url = fhirUrl(fhirBaseUrl, given);
      if (url instanceof SmartError) return;
      expectUnder(url, fhirBaseUrl);
    },
  );

  holds('A8-2 stays below the base for a server that unescapes its path', fc.tuple(base, target), (given) => {
    const url = fhirUrl(...given);
    if (url instanceof SmartError) return;
    const unescaped = url.pathname.replace(/%(2e|2f|5c)/gi, (escape) => decodeURIComponent(escape));
    expectUnder(new URL(url.origin + unescaped), given[0]);
  });

  const parameterName = fc.stringMatching(/^[A-Za-z_][\w.:-]{0,30}$/);

  holds(
    'A8-2 keeps what a search asks for',
    fc.tuple(base, parameterName, anyText()),
    ([fhirBaseUrl, name, value]) => {
      const entries = sentOrRefused({ [name]: value });
      if (entries === undefined) return expect(value).toMatch(/(^|,)[\s|]*(,|$)/);
      const request = searchRequest('Observation', entries, 'GET');
      const url = fhirUrl(fhirBaseUrl, request.target);
      expect(url).toBeInstanceOf(URL);
      expectUnder(url as URL, fhirBaseUrl);
      // what a lone surrogate becomes is no matter
      expect([...(url as URL).searchParams]).toEqual([[name, wellFormed(value)]]);
      expect([...searchRequest('Observation', entries, 'POST').body!]).toEqual([[name, wellFormed(value)]]);
    },
  );

  holds('C-19 is described without ids and queries', fc.tuple(base, fc.uuid()), ([fhirBaseUrl, id]) => {
    for (const path of [
      `Patient/${id}`,
      `Observation?patient=${id}`,
      `${id}`,
      `Group/${id}/$export?x=${id}`,
    ]) {
      const url = fhirUrl(fhirBaseUrl, path) as URL;
      expect(describePath(url, fhirBaseUrl)).not.toContain(id);
    }
  });
});

describe('a FHIR id', () => {
  const id = fc.oneof(mutated('abc', 'A-1.b', '1'.repeat(64)), anyText('a', '.', '-'));

  holds('A7-8 is one path segment that means itself', id, (text) => {
    if (!isFhirId(text)) return;
    const url = new URL(`https://ehr.example/fhir/Patient/${text}`);
    expect(url.href).toBe(`https://ehr.example/fhir/Patient/${text}`);
    expect(text.length).toBeLessThanOrEqual(64);
  });

  holds(
    'A8-6 makes a path of two segments, or none',
    fc.tuple(mutated('Patient', 'Observation'), id),
    (given) => {
      const path = referencePath(...given);
      if (path instanceof SmartError) {
        for (const text of given.filter(({ length }) => length > 6)) {
          if (!/^[A-Z][A-Za-z]*$/.test(text)) expect(path.message).not.toContain(text);
        }
        return;
      }
      const url = fhirUrl('https://ehr.example/fhir', path) as URL;
      expect(url.href).toBe(`https://ehr.example/fhir/${given[0]}/${given[1]}`);
    },
  );
});
