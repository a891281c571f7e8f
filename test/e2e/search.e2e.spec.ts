import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Encounter, Observation } from 'fhir/r4.js';
import { escapeSearchValue } from 'nestjs-smart-on-fhir';
import type { ReadyClient } from 'nestjs-smart-on-fhir';
import { ADAPTERS, startFhirApp, weight } from '../../sample/ehr/fhir/fhir-test-app.js';
import type { FhirTestApp } from '../../sample/ehr/fhir/fhir-test-app.js';
import { clientWith } from '../support/client-with.js';
import { CONTEXT, httpClient } from '../support/launch-parts.js';

const LOINC = 'http://loinc.org';
const http = httpClient();
const DAYS = Array.from({ length: 12 }, (_, day) => `2026-01-${String(day + 1).padStart(2, '0')}`);

describe.each(ADAPTERS)('a search at the demo’s FHIR server on %s', (_name, adapter) => {
  let app: FhirTestApp;
  let fhir: ReadyClient;
  let dropped: string[];

  beforeAll(async () => {
    app = await startFhirApp(adapter);
    const encounter: Encounter = {
      resourceType: 'Encounter',
      id: 'visit',
      status: 'finished',
      class: { code: 'AMB' },
      subject: { reference: 'Patient/ada' },
    };
    app.store.update(encounter);
    for (const effectiveDateTime of DAYS) {
      const patient = effectiveDateTime < '2026-01-08' ? 'ada' : 'bob';
      const observation: Observation = {
        ...weight(patient),
        id: `${patient}-${effectiveDateTime}`,
        effectiveDateTime,
        ...(patient === 'ada' && { encounter: { reference: 'Encounter/visit' } }),
      };
      app.store.update(observation);
    }
    const record = { accessToken: 'clinician', context: { ...CONTEXT, patient: 'ada' } };
    ({ fhir, dropped } = clientWith(app.base, http, record));
  });
  afterAll(() => app.close());

  const days = (found: readonly { effectiveDateTime?: string }[]) =>
    found.map(({ effectiveDateTime }) => effectiveDateTime);
  const ofAda = DAYS.slice(0, 7);

  it('reads every page', async () => {
    const found = fhir.search('Observation', { _count: 5, _sort: 'date' });
    expect(days(await found.toArray())).toEqual(DAYS);
    let pages = 0;
    for await (const page of found.pages()) pages += page.entry ? 1 : 0;
    expect(pages).toBe(3);
    expect(days(await found.toArray({ limit: 6 }))).toEqual(DAYS.slice(0, 6));
    expect((await found.first())?.effectiveDateTime).toBe(DAYS[0]);
    const two = fhir.search('Observation', { _count: 5, _sort: 'date' }, { pageLimit: 2 });
    expect(days(await two.toArray())).toEqual(DAYS.slice(0, 10));
  });

  it('finds the same by POST', async () => {
    const query = { code: { system: LOINC, code: '29463-7' }, _count: 5, _sort: '-date' };
    const posted = await fhir.search('Observation', query, { method: 'POST' }).toArray();
    expect(days(posted)).toEqual(DAYS.toReversed());
    const ids = [
      ...DAYS.map((day) => `ada-${day}`),
      ...Array.from({ length: 200 }, (_, n) => `none-${n}-of-them`),
    ];
    const long = await fhir.search('Observation', { _id: { or: ids }, _count: 3 }).toArray();
    expect(days(long).sort()).toEqual(ofAda);
  });

  it('understands what the parameters mean', async () => {
    const found = async (query: Parameters<typeof fhir.search<'Observation'>>[1]) =>
      days(await fhir.search('Observation', query).toArray()).sort();
    expect(await found({ date: { ge: '2026-01-03', lt: '2026-01-05' } })).toEqual(DAYS.slice(2, 4));
    expect(await found({ date: { sa: new Date('2026-01-11T12:00:00Z') } })).toEqual(DAYS.slice(11));
    expect(await found({ date: { or: ['2026-01-01', '2026-01-12'] } })).toEqual([DAYS[0], DAYS[11]]);
    expect(await found({ date: ['ge2026-01-03', 'le2026-01-03'] })).toEqual([DAYS[2]]);
    expect(await found({ subject: { reference: 'Patient/bob' } })).toEqual(DAYS.slice(7));
    expect(await found({ code: [{ or: [{ system: LOINC, code: '29463-7' }, 'x'] }] })).toEqual(DAYS);
    expect(await found({ code: escapeSearchValue(`${LOINC}|29463-7`) })).toEqual([]);
    const names = await fhir.search('Patient', { 'name:exact': 'Łukasiewicz' }).toArray();
    expect(names.map(({ id }) => id)).toEqual(['ada']);
  });

  it('counts', async () => {
    expect(await fhir.search('Observation', { patient: 'ada', _count: 2 }).total()).toBe(7);
    expect(await fhir.patient.search('Observation').total()).toBe(7);
  });

  it('tells matches from what was included', async () => {
    const search = fhir.search('Observation', {
      patient: 'ada',
      _include: ['Observation:patient:Patient', 'Observation:encounter:Encounter'],
    });
    const types = (await search.toArray()).map(({ resourceType }) => resourceType);
    expect(types.filter((type) => type === 'Patient')).toHaveLength(1);
    expect(types.filter((type) => type === 'Encounter')).toHaveLength(1);
    let matches = 0;
    for await (const { resourceType } of search.matches()) matches += resourceType === 'Observation' ? 1 : 0;
    expect(matches).toBe(7);
  });

  it('is the patient’s where it is one about the patient', async () => {
    const search = fhir.patient.search('Observation', {
      _count: 3,
      _sort: 'date',
      _include: 'Observation:encounter',
    });
    expect((await search.toArray()).filter(({ resourceType }) => resourceType === 'Encounter')).not.toEqual(
      [],
    );
    const mine: (string | undefined)[] = [];
    for await (const { effectiveDateTime } of search.matches()) mine.push(effectiveDateTime);
    expect(mine).toEqual(ofAda);
    expect((await fhir.patient.search('Patient').toArray()).map(({ id }) => id)).toEqual(['ada']);
    expect((await fhir.patient.search('Encounter').toArray()).map(({ id }) => id)).toEqual(['visit']);
    expect(dropped).toEqual([]);
  });
});

afterAll(() => http.close());
