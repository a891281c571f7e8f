import { beforeAll, describe, expect, it } from '@jest/globals';
import type { FhirResource, Observation } from 'fhir/r4.js';

import { FhirStore } from './fhir-store.js';
import type { ResourceType } from './fhir-store.js';
import { searchResources } from './search.js';

const BASE = 'https://ehr.example/fhir';
const LOINC = 'http://loinc.org';
const VITALS = { system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' };

const observation = (id: string, rest: Partial<Observation>): Observation => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { coding: [{ system: LOINC, code: '29463-7', display: 'Body weight' }], text: 'Weight' },
  ...rest,
});

const RESOURCES: FhirResource[] = [
  {
    resourceType: 'Patient',
    id: 'ana',
    identifier: [{ system: 'urn:mrn', value: 'a|1' }],
    name: [{ family: 'Treviño', given: ['Ana', 'María'] }],
    gender: 'female',
    birthDate: '1980-05-17',
    active: true,
    generalPractitioner: [{ reference: 'Practitioner/dr' }],
  },
  {
    resourceType: 'Patient',
    id: 'ben',
    identifier: [{ system: 'urn:mrn', value: 'b,2' }, { value: 'bare' }],
    name: [{ family: 'Anders', given: ['Ben'] }],
    gender: 'male',
    birthDate: '1980',
  },
  {
    resourceType: 'Patient',
    id: 'cy',
    name: [{ text: 'Cy Trevor' }],
    birthDate: '1999-12-31',
    deceasedBoolean: false,
  },
  { resourceType: 'Practitioner', id: 'dr', name: [{ family: 'Trent' }] },
  observation('w1', {
    category: [{ coding: [VITALS] }],
    subject: { reference: 'Patient/ana' },
    effectiveDateTime: '2024-03-10T23:30:00-05:00',
    valueQuantity: { value: 70.4, code: 'kg', system: 'http://unitsofmeasure.org' },
  }),
  observation('w2', {
    status: 'amended',
    derivedFrom: [{ reference: 'Observation/w1' }],
    subject: { reference: `${BASE}/Patient/ben` },
    effectivePeriod: { start: '2024-03-01', end: '2024-03-31' },
    valueQuantity: { value: 80, code: 'kg', system: 'http://unitsofmeasure.org' },
  }),
  observation('g1', {
    subject: { reference: 'Group/ana' },
    effectivePeriod: { start: '2024-06-01' },
    code: { coding: [{ system: 'http://snomed.info/sct', code: '29463-7' }] },
  }),
  observation('away', { subject: { reference: 'https://other.example/fhir/Patient/ana' } }),
];

describe('searchResources', () => {
  const store = new FhirStore({ now: () => new Date('2026-02-03T04:05:06Z') });

  beforeAll(() => RESOURCES.forEach((resource) => store.update(resource)));

  const search = (type: ResourceType, query: string, context = {}) =>
    searchResources(store, type, new URLSearchParams(query), { base: BASE, ...context });
  const ids = (type: ResourceType, query: string) =>
    search(type, query).entry?.map(({ resource }) => resource?.id) ?? [];

  it.each([
    ['', ['ana', 'ben', 'cy']],
    ['_id=ana,cy', ['ana', 'cy']],
    ['_id=ana&_id=cy', []],
    ['_lastUpdated=2026-02', ['ana', 'ben', 'cy']],
    ['_lastUpdated=gt2026-02-03T04:05:06Z', []],
    ['name=tre', ['ana']],
    ['name=an', ['ana', 'ben']],
    ['name=cy', ['cy']],
    ['family=trevino', ['ana']],
    ['family=TREVIÑO', ['ana']],
    ['family:exact=Treviño', ['ana']],
    ['family:exact=trevino', []],
    ['family:contains=ders', ['ben']],
    ['given=maria', ['ana']],
    ['given=ben,ana', ['ana', 'ben']],
    ['gender=female', ['ana']],
    ['gender=http://hl7.org/fhir/administrative-gender|female', ['ana']],
    ['gender=Female', []],
    ['gender:not=female', ['ben', 'cy']],
    ['gender:missing=true', ['cy']],
    ['gender:missing=false', ['ana', 'ben']],
    ['active=true', ['ana']],
    ['identifier=urn:mrn|a\\|1', ['ana']],
    ['identifier=b\\,2', ['ben']],
    ['identifier=urn:mrn|', ['ana', 'ben']],
    ['identifier=|bare', ['ben']],
    ['identifier=|a\\|1', []],
    ['birthdate=1980', ['ana', 'ben']],
    ['birthdate=1980-05', ['ana']],
    ['birthdate=ne1980-05-17', ['ben', 'cy']],
    ['birthdate=gt1980', ['cy']],
    ['birthdate=ge1980-05-17', ['ana', 'ben', 'cy']],
    ['birthdate=sa1980-05-17', ['cy']],
    ['birthdate=le1980', ['ana', 'ben']],
    ['birthdate=lt1980', []],
    ['birthdate=ge1980-02&birthdate=le1980-12-31', ['ana', 'ben']],
    ['birthdate=eb1999', ['ana', 'ben']],
    ['general-practitioner=dr', ['ana']],
    ['family=&gender=male', ['ben']],
  ])('finds patients by %s', (query, expected) => {
    expect(ids('Patient', query)).toEqual(expected);
  });

  it.each([
    ['patient=ana', ['w1']],
    ['patient=Patient/ana', ['w1']],
    [`patient=${BASE}/Patient/ana`, ['w1']],
    ['patient=https://other.example/fhir/Patient/ana', []],
    ['patient=Group/ana', []],
    ['patient=ben', ['w2']],
    ['subject=ana', ['w1', 'g1']],
    ['subject:Group=ana', ['g1']],
    ['subject=https://other.example/fhir/Patient/ana', ['away']],
    ['code=29463-7', ['w1', 'w2', 'g1', 'away']],
    [`code=${LOINC}|29463-7`, ['w1', 'w2', 'away']],
    ['code=|29463-7', []],
    ['code:text=body', ['w1', 'w2', 'away']],
    ['category=vital-signs', ['w1']],
    ['category:not=vital-signs', ['w2', 'g1', 'away']],
    ['status=amended', ['w2']],
    ['status=amended,final&patient=ana', ['w1']],
    ['date=2024-03', ['w1', 'w2']],
    ['date=2024-03-11', ['w1']],
    ['date=2024-03-10', []],
    ['date=2024-03-10T23:30:00-05:00', ['w1']],
    ['date=gt2024-05', ['g1']],
    ['date=lt2024-03-02', ['w2']],
    ['date:missing=true', ['away']],
    ['value-quantity=70.4', ['w1']],
    ['value-quantity=70', ['w1']],
    ['value-quantity=gt70.4', ['w2']],
    ['value-quantity=ge70.4|http://unitsofmeasure.org|kg', ['w1', 'w2']],
    ['value-quantity=80||lb', []],
  ])('finds observations by %s', (query, expected) => {
    expect(ids('Observation', query)).toEqual(expected);
  });

  it.each([
    ['Patient', 'birthdate', ['ben', 'ana', 'cy']],
    ['Patient', '-birthdate', ['cy', 'ana', 'ben']],
    ['Patient', 'family', ['ben', 'ana', 'cy']],
    ['Patient', '-family', ['ana', 'ben', 'cy']],
    ['Patient', 'deceased', ['cy', 'ana', 'ben']],
    ['Patient', '-deceased', ['cy', 'ana', 'ben']],
    ['Patient', '-gender,birthdate', ['ben', 'ana', 'cy']],
    ['Observation', 'date', ['w2', 'w1', 'g1', 'away']],
    ['Observation', '-date', ['g1', 'w1', 'w2', 'away']],
    ['Observation', '-value-quantity', ['w2', 'w1', 'g1', 'away']],
  ] as const)('sorts %s by %s, what has no value last', (type, key, expected) => {
    expect(ids(type, `_sort=${key}`)).toEqual(expected);
  });

  it('includes what is referred to, marked as such and not counted', () => {
    const bundle = search(
      'Patient',
      '_id=ana&_include=Patient:general-practitioner&_revinclude=Observation:patient',
    );
    expect(bundle.total).toBe(1);
    expect(bundle.entry?.map(({ fullUrl, search: found }) => [fullUrl, found?.mode])).toEqual([
      [`${BASE}/Patient/ana`, 'match'],
      [`${BASE}/Practitioner/dr`, 'include'],
      [`${BASE}/Observation/w1`, 'include'],
    ]);
    const narrowed = search('Observation', '_id=w1,g1&_include=Observation:subject:Practitioner');
    expect(narrowed.entry).toHaveLength(2);
    const matchedAlready = search('Observation', '_include=Observation:derived-from');
    expect(matchedAlready.entry).toHaveLength(4);
  });

  it('leaves out what is not visible, from the total too', () => {
    const visible = ({ id }: FhirResource) => id !== 'ben' && id !== 'dr';
    const bundle = search('Patient', '_include=Patient:general-practitioner', { visible });
    expect(bundle.total).toBe(2);
    expect(bundle.entry?.map(({ resource }) => resource?.id)).toEqual(['ana', 'cy']);
  });

  it.each(['_summary=count', '_count=0'])('only counts with %s', (query) => {
    const bundle = search('Patient', query);
    expect(bundle.total).toBe(3);
    expect(bundle.entry).toBeUndefined();
  });

  it('leaves the total out when asked to', () => {
    expect(search('Patient', '_total=none').total).toBeUndefined();
    expect(search('Patient', '_total=accurate').total).toBe(3);
  });

  it('links the pages to each other', () => {
    const links = (query: string) =>
      Object.fromEntries((search('Patient', query).link ?? []).map(({ relation, url }) => [relation, url]));
    expect(links('_count=2&gender:missing=false')).toEqual({
      self: `${BASE}/Patient?_count=2&gender%3Amissing=false`,
    });
    expect(links('_count=1')).toEqual({
      self: `${BASE}/Patient?_count=1`,
      next: `${BASE}/Patient?_count=1&_offset=1`,
    });
    expect(links('_count=1&_offset=1')).toEqual({
      self: `${BASE}/Patient?_count=1&_offset=1`,
      next: `${BASE}/Patient?_count=1&_offset=2`,
      previous: `${BASE}/Patient?_count=1`,
    });
    expect(links('_count=1&_offset=2')['next']).toBeUndefined();
  });

  it('has pages of 50 and of 1000 at most', () => {
    const large = new FhirStore();
    for (let n = 0; n < 1001; n += 1) large.update({ resourceType: 'Device', id: `d${n}` });
    const sizeOf = (query: string) =>
      searchResources(large, 'Device', new URLSearchParams(query)).entry?.length;
    expect([sizeOf(''), sizeOf('_count=5000')]).toEqual([50, 1000]);
  });

  it.each(['shoe-size=44', 'subject.name=x', '_sort=shoe-size', '_include=Patient:name', '_summary=text'])(
    'ignores %s unless strict',
    (query) => {
      const bundle = search('Patient', query);
      expect([bundle.total, bundle.link?.[0]?.url]).toEqual([3, `${BASE}/Patient`]);
      expect(() => search('Patient', query, { strict: true })).toThrow(
        expect.objectContaining({ status: 400 }),
      );
    },
  );

  it.each([
    'birthdate=yesterday',
    'birthdate=2023-02-31',
    'birthdate=2023-13',
    'birthdate=2023-02-01T25:00:00Z',
    'name:above=x',
    'gender:missing=maybe',
    '_count=-1',
    '_count=many',
    '_offset=x',
    '_total=roughly',
  ])('refuses %s however lenient', (query) => {
    expect(() => search('Patient', query)).toThrow(expect.objectContaining({ status: 400 }));
  });
});
