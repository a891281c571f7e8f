import { describe, expect, it } from '@jest/globals';
import type { Coding, Identifier, Quantity, Reference } from 'fhir/r4.js';
import { escapeSearchValue, queryEntries } from './search-parameters.js';
import type { SearchQuery } from './search-parameters.js';
import { searchRequest } from './search-request.js';

const sent = (query: SearchQuery) => queryEntries(query).map(([name, value]) => `${name}=${value}`);
const LOINC = 'http://loinc.org';

describe('a search parameter', () => {
  it.each<[string, SearchQuery, string[]]>([
    ['nothing', {}, []],
    ['undefined', { code: undefined }, []],
    ['a string, as it is', { code: 'a|b,c' }, ['code=a|b,c']],
    ['a number', { _count: 20 }, ['_count=20']],
    ['a boolean', { active: false }, ['active=false']],
    ['a Date', { date: new Date(Date.UTC(2024, 1, 29, 13, 5, 6, 7)) }, ['date=2024-02-29T13:05:06.007Z']],
    ['a list (AND)', { date: ['ge2020', 'lt2021'] }, ['date=ge2020', 'date=lt2021']],
    ['alternatives (OR)', { status: { or: ['final', 'amended'] } }, ['status=final,amended']],
    ['alternatives with commas', { name: { or: ['a,b', 'c\\,d', 'e\\'] } }, ['name=a\\,b,c\\,d,e\\\\']],
    ['a list of alternatives', { code: [{ or: ['a', 'b'] }, 'c'] }, ['code=a,b', 'code=c']],
    ['comparisons', { date: { ge: '2024-01-01', lt: '2025' } }, ['date=ge2024-01-01', 'date=lt2025']],
    ['a comparison with a Date', { date: { sa: new Date(0) } }, ['date=sa1970-01-01T00:00:00.000Z']],
    ['a comparison left out', { date: { ge: '2024', lt: undefined } }, ['date=ge2024']],
    [
      'alternatives of comparisons',
      { date: { or: [{ lt: '2020' }, { gt: '2024' }] } },
      ['date=lt2020,gt2024'],
    ],
    ['a modifier', { 'name:exact': 'Ada' }, ['name:exact=Ada']],
    ['a chain', { 'subject:Patient.name': 'Ada' }, ['subject:Patient.name=Ada']],
    ['_has', { '_has:Observation:patient:code': '1' }, ['_has:Observation:patient:code=1']],
    ['several includes', { _include: ['A:b', 'A:c'] }, ['_include=A:b', '_include=A:c']],
    [
      '_sort and _elements',
      { _sort: ['-date', 'code'], _elements: ['id', 'code'] },
      ['_sort=-date,code', '_elements=id,code'],
    ],
    ['a query as text', '?code=a%7Cb&code=c&_count=2', ['code=a|b', 'code=c', '_count=2']],
    [
      'URLSearchParams',
      new URLSearchParams([
        ['code', 'a'],
        ['code', 'b'],
      ]),
      ['code=a', 'code=b'],
    ],
  ])('is sent: %s', (_what, query, expected) => {
    expect(sent(query)).toEqual(expected);
  });

  it('takes the types of FHIR', () => {
    const coding: Coding = { system: LOINC, code: '2339-0', display: 'Glucose' };
    const identifier: Identifier = { use: 'official', system: 'urn:mrn', value: 'a|1,2' };
    const quantity: Quantity = { value: 5.4, unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg' };
    const reference: Reference = { reference: 'Patient/1', display: 'Ada' };
    expect(
      sent({ code: coding, identifier, 'value-quantity': { gt: quantity }, subject: reference }),
    ).toEqual([
      'code=http://loinc.org|2339-0',
      'identifier=urn:mrn|a\\|1\\,2',
      'value-quantity=gt5.4|http://unitsofmeasure.org|mg',
      'subject=Patient/1',
    ]);
    const others = [{ code: 'a' }, { system: '', code: 'a' }, { value: 5, unit: 'mg' }, { value: 5 }];
    expect(sent({ x: others })).toEqual(['x=a', 'x=|a', 'x=5||mg', 'x=5']);
    expect(sent({ code: { or: [coding, { code: 'b' }] } })).toEqual(['code=http://loinc.org|2339-0,b']);
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['an empty text', ''],
    ['a blank text', ' \t'],
    ['an empty alternative', 'a,,b'],
    ['an empty alternative at the end', 'a,'],
    ['an empty token', '|'],
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['an invalid Date', new Date('x')],
    ['a Date that FHIR cannot write', new Date(8.64e15)],
    ['an empty list', []],
    ['a list with null', ['a', null]],
    ['a list with undefined', ['a', undefined]],
    ['a list in a list', [['a']]],
    ['an empty object', {}],
    ['no alternative', { or: [] }],
    ['an alternative that is undefined', { or: ['a', undefined] }],
    ['an alternative that is empty', { or: ['a', ''] }],
    ['alternatives that are no list', { or: 'a' }],
    ['alternatives and more', { or: ['a'], ge: 'b' }],
    ['an alternative of two comparisons', { or: [{ ge: '1', lt: '2' }] }],
    ['a comparison with null', { ge: null }],
    ['a comparison with nothing', { ge: '' }],
    ['a prefix that is none', { from: '2024' }],
    ['a Coding without a code', { system: LOINC }],
    ['a Coding whose code is undefined', { system: LOINC, code: undefined }],
    ['a Coding whose code is empty', { system: LOINC, code: '' }],
    ['a Coding whose system is null', { system: null, code: 'a' }],
    ['an Identifier without a value', { system: 'urn:mrn', use: 'official' }],
    ['a Quantity that is NaN', { value: Number.NaN, code: 'mg' }],
    ['a Quantity with a system and no unit', { value: 1, system: 'http://unitsofmeasure.org' }],
    ['a Reference to nothing', { reference: '' }],
    ['a bigint', 1n],
    ['a function', () => 'a'],
  ])('that would widen the search is an error: %s', (_what, value) => {
    const refused = expect.objectContaining({
      error: 'invalid_request',
      message: expect.stringMatching(/^The search parameter code is /),
    });
    expect(() => queryEntries({ code: value } as SearchQuery)).toThrow(refused);
  });

  it.each(['code=', 'code', '=a', 'code=a&status=', 'Observation?code=a', 'https://evil.example?x=1'])(
    'that would widen the search is an error in a query too: %j',
    (query) => {
      const refused = expect.objectContaining({ error: 'invalid_request' });
      expect(() => queryEntries(query)).toThrow(refused);
      expect(() => queryEntries(new URLSearchParams(query))).toThrow(refused);
    },
  );

  it.each(['', ' ', 'a b', 'a&b', 'a=b', 'a?b', 'a/b', 'a#b', 'é'])('has a name of FHIR: %j', (name) => {
    expect(() => queryEntries({ [name]: 'a' })).toThrow(
      expect.objectContaining({ error: 'invalid_request' }),
    );
  });

  it.each([null, 7, [], ['a']])('is one of an object: %j', (query) => {
    expect(() => queryEntries(query as never)).toThrow(expect.objectContaining({ error: 'invalid_request' }));
  });

  it('C-19 is not quoted in an error', () => {
    const secret = 'Ada Lovelace';
    for (const query of [{ name: [secret, ''] }, { [`${secret}?`]: 'a' }, { name: { or: [secret, null] } }]) {
      expect(() => queryEntries(query as SearchQuery)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining(secret) }),
      );
    }
  });

  it('is text that means itself once it is escaped', () => {
    expect(escapeSearchValue('a,b|c$d\\e')).toBe('a\\,b\\|c\\$d\\\\e');
    expect(sent({ name: { or: [escapeSearchValue('a,b|c'), 'd'] } })).toEqual(['name=a\\,b\\|c,d']);
  });
});

describe('the request of a search', () => {
  const request = (query: SearchQuery, method?: 'GET' | 'POST' | 'auto') =>
    searchRequest('Observation', queryEntries(query), method);

  it.each<[SearchQuery, string]>([
    [{}, 'Observation'],
    [{ code: 'a|b,c' }, 'Observation?code=a%7Cb%2Cc'],
    [{ name: 'a&b=c#d?é' }, 'Observation?name=a%26b%3Dc%23d%3F%C3%A9'],
    [{ 'code:in': 'http://x/y' }, 'Observation?code%3Ain=http%3A%2F%2Fx%2Fy'],
  ])('encodes names and values: %j', (query, target) => {
    expect(request(query)).toEqual({ method: 'GET', target });
  });

  it('E-AZ-2 is a POST where the URL would be too long', () => {
    const ids = Array.from({ length: 200 }, (_, n) => `patient-${n}`).join(',');
    const posted = request({ _id: ids });
    expect(posted).toMatchObject({ method: 'POST', target: 'Observation/_search' });
    expect(posted.body?.get('_id')).toBe(ids);
    expect(request({ _id: ids }, 'GET').method).toBe('GET');
    expect(request({ _id: 'a' }, 'POST')).toMatchObject({
      method: 'POST',
      body: new URLSearchParams('_id=a'),
    });
    const longest = 'x'.repeat(2_000 - 'Observation?code='.length);
    expect(request({ code: longest }).method).toBe('GET');
    expect(request({ code: `${longest}x` }).method).toBe('POST');
    expect(request({ code: 'é'.repeat(400) }).method).toBe('POST');
  });

  it.each(['', 'observation', '../admin', 'Observation/1', 'Observation?x', 'O b'])(
    'A8-6 is of a resource type: %j',
    (resourceType) => {
      expect(() => searchRequest(resourceType, [])).toThrow(
        expect.objectContaining({ error: 'invalid_request' }),
      );
    },
  );
});
