import { describe, expect } from '@jest/globals';
import fc from 'fast-check';
import { escapeSearchValue, queryEntries } from '../../lib/fhir/search-parameters.js';
import type { SearchQuery } from '../../lib/fhir/search-parameters.js';
import { searchRequest } from '../../lib/fhir/search-request.js';
import { SmartError } from '../../lib/smart-error.js';
import { holds } from './holds.js';

/** What a server reads: the query decoded, alternatives split, parts split, escapes resolved (R4 3.1.1.4.0.2). */
function read(query: SearchQuery): string[][][] {
  const { target } = searchRequest('Observation', queryEntries(query), 'GET');
  const values = new URL(target, 'https://ehr.example/fhir/').searchParams.getAll('x');
  return values.map((value) => split(value, ',').map((alternative) => split(alternative, '|').map(unescape)));
}

function split(text: string, separator: string): string[] {
  const parts = [''];
  for (const token of text.match(/\\[\s\S]|[\s\S]/gu) ?? []) {
    if (token === separator) parts.push('');
    else parts[parts.length - 1] += token;
  }
  return parts;
}

const unescape = (text: string) => text.replace(/\\([\\,|$])/g, '$1');

const text = fc
  .oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom('\\', ',', '|', '$', 'a', '&', '=', '+', '%2C', 'é') }),
  )
  .filter((value) => !/^[\s|]*$/.test(value));
const system = fc.oneof(text, fc.constant('http://loinc.org'));

describe('what a server reads of a search', () => {
  holds('is each alternative, whatever a user typed', fc.array(text, { minLength: 1 }), (typed) => {
    expect(read({ x: { or: typed.map(escapeSearchValue) } })).toEqual([typed.map((value) => [value])]);
    expect(read({ x: typed.map(escapeSearchValue) })).toEqual(typed.map((value) => [[value]]));
  });

  holds('is as many alternatives as were given', fc.array(text, { minLength: 1 }), (typed) => {
    expect(read({ x: { or: typed } })[0]).toHaveLength(typed.length);
  });

  holds('is each Coding', fc.array(fc.tuple(system, text), { minLength: 1 }), (codings) => {
    const or = codings.map(([of, code]) => ({ system: of, code }));
    expect(read({ x: { or } })).toEqual([codings]);
    expect(read({ x: or })).toEqual(codings.map((coding) => [coding]));
  });

  holds(
    'is each number and moment',
    fc.tuple(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.date({ min: new Date(0), noInvalidDate: true }),
    ),
    ([number, date]) => {
      if (date.getUTCFullYear() > 9999) return;
      const [[[asNumber]], [[asDate]]] = read({ x: [number, { ge: date }] }) as [[[string]], [[string]]];
      expect(Number(asNumber)).toBe(number === 0 ? 0 : number);
      expect(asDate.slice(0, 2)).toBe('ge');
      expect(new Date(asDate.slice(2))).toEqual(date);
    },
  );

  holds(
    'is never less than was asked for',
    fc.dictionary(fc.constantFrom('x', 'y'), fc.anything()),
    (query) => {
      const given = Object.entries(query).filter(([, value]) => value !== undefined);
      let sent: string[];
      try {
        sent = queryEntries(query as SearchQuery).map(([name]) => name);
      } catch (error) {
        expect(error).toBeInstanceOf(SmartError);
        return;
      }
      const isOpen = (value: unknown) =>
        typeof value === 'object' &&
        value !== null &&
        Object.values(value).every((part) => part === undefined);
      for (const [name, value] of given) expect(sent.includes(name) || isOpen(value)).toBe(true);
    },
  );
});
