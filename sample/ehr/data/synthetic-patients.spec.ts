import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Observation } from 'fhir/r4.js';

import { FhirStore } from '../fhir/fhir-store.js';
import { parseReference, referencesIn } from '../fhir/references.js';
import { searchResources } from '../fhir/search.js';
import { isResourceType } from '../fhir/search-parameters.js';
import { REFERENCE_DATE, yearsBetween } from './calendar.js';
import { makeSyntheticPatients } from './synthetic-patients.js';

function storeOf(seed: number): FhirStore {
  const store = new FhirStore({ now: () => new Date(0) });
  makeSyntheticPatients(store, { seed, patients: 12 });
  return store;
}

const contents = (store: FhirStore) => store.types().flatMap((type) => store.list(type));

function series(store: FhirStore, patient: string, code: string): Observation[] {
  const query = new URLSearchParams({
    patient,
    code: `http://loinc.org|${code}`,
    _sort: 'date',
    _count: '1000',
  });
  const bundle = searchResources(store, 'Observation', query);
  return (bundle.entry ?? []).map(({ resource }) => resource as Observation);
}

const values = (observations: Observation[]) => observations.map((o) => o.valueQuantity?.value ?? NaN);
const mean = (numbers: number[]) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length;

describe('makeSyntheticPatients', () => {
  let store: FhirStore;

  beforeAll(() => {
    store = storeOf(7);
  });

  it('makes the same patients from the same seed and others from another', () => {
    expect(contents(storeOf(7))).toEqual(contents(store));
    expect(contents(storeOf(8))).not.toEqual(contents(store));
  });

  it('makes as many patients as asked for, under the ids it returns', () => {
    const other = new FhirStore();
    const ids = makeSyntheticPatients(other, { seed: 1, patients: 30 });
    expect(new Set(ids).size).toBe(30);
    expect(other.list('Patient').map(({ id }) => id)).toEqual(ids);
  });

  it('has accents in the names and none in the ids', () => {
    const patients = store.list('Patient');
    expect(patients).toHaveLength(12);
    expect(patients.some(({ name }) => /[^\x00-\x7f]/.test(JSON.stringify(name)))).toBe(true);
    for (const { id } of patients) expect(id).toMatch(/^[a-z0-9-]+$/);
  });

  it('refers only to what is there', () => {
    for (const reference of new Set(contents(store).flatMap(referencesIn))) {
      const key = parseReference(reference);
      expect([reference, key && isResourceType(key.type) && !!store.find(key.type, key.id)]).toEqual([
        reference,
        true,
      ]);
    }
  });

  it('ends on the reference date', () => {
    for (const { effectiveDateTime = '' } of store.list('Observation')) {
      expect(effectiveDateTime.slice(0, 10) <= REFERENCE_DATE).toBe(true);
    }
  });

  it('lets children grow and nobody shrink while growing', () => {
    const children = store
      .list('Patient')
      .filter((p) => yearsBetween(p.birthDate ?? '', REFERENCE_DATE) < 18);
    expect(children.length).toBeGreaterThanOrEqual(2);
    for (const { id = '' } of children) {
      const heights = values(series(store, id, '8302-2'));
      expect(heights[0]).toBeLessThan(65);
      expect(heights.at(-1)).toBeGreaterThan(110);
      expect(heights).toEqual([...heights].sort((a, b) => a - b));
    }
  });

  it('keeps every vital sign within what a body can do', () => {
    const limits: Record<string, [number, number]> = {
      '8302-2': [45, 200],
      '29463-7': [2.5, 140],
      '39156-5': [10, 45],
      '8867-4': [45, 150],
      '8310-5': [35.5, 40],
    };
    for (const { id = '' } of store.list('Patient')) {
      for (const [code, [low, high]] of Object.entries(limits)) {
        const found = values(series(store, id, code));
        expect(found.length).toBeGreaterThan(4);
        expect(Math.min(...found)).toBeGreaterThan(low);
        expect(Math.max(...found)).toBeLessThan(high);
      }
    }
  });

  it('has the body mass index follow from height and weight', () => {
    for (const { id = '' } of store.list('Patient')) {
      const heights = values(series(store, id, '8302-2'));
      const weights = values(series(store, id, '29463-7'));
      values(series(store, id, '39156-5')).forEach((bmi, visit) => {
        expect(bmi).toBeCloseTo((weights[visit] ?? 0) / ((heights[visit] ?? 0) / 100) ** 2, 1);
      });
    }
  });

  it('records blood pressure as a panel, falling under treatment', () => {
    const panels = store.list('Patient').map(({ id = '' }) => series(store, id, '85354-9'));
    for (const panel of panels.flat()) {
      expect(panel.category?.[0]?.coding?.[0]?.code).toBe('vital-signs');
      const [systolic, diastolic] = (panel.component ?? []).map((c) => c.valueQuantity?.value ?? NaN);
      expect(panel.component?.map((c) => c.code.coding?.[0]?.code)).toEqual(['8480-6', '8462-4']);
      expect(systolic).toBeGreaterThan((diastolic ?? NaN) + 10);
    }
    // the first patient has been treated for three of the six years
    const systolics = (panels[0] ?? []).map((panel) => panel.component?.[0]?.valueQuantity?.value ?? NaN);
    const third = Math.floor(systolics.length / 3);
    expect(mean(systolics.slice(third, systolics.length / 2))).toBeGreaterThan(
      mean(systolics.slice(-third)) + 3,
    );
  });

  it('tells active conditions from resolved ones', () => {
    const resolved = searchResources(store, 'Condition', new URLSearchParams('clinical-status=resolved'));
    expect(resolved.total).toBeGreaterThan(0);
    expect(resolved.total).toBeLessThan(store.list('Condition').length);
  });
});
