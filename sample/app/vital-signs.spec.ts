import { describe, expect, it } from '@jest/globals';
import type { Observation, Quantity } from 'fhir/r4.js';
import { vitalSigns } from './vital-signs.js';

function loinc(code: string) {
  return { coding: [{ system: 'http://loinc.org', code }] };
}

function observation(code: string, more: Partial<Observation> = {}): Observation {
  return {
    resourceType: 'Observation',
    status: 'final',
    code: loinc(code),
    effectiveDateTime: '2024-02-03',
    ...more,
  };
}

function measured(code: string, value: number, unit: string, more: Partial<Observation> = {}): Observation {
  return observation(code, { valueQuantity: { value, code: unit }, ...more });
}

function sign(label: string, ...observations: Observation[]) {
  const found = vitalSigns(observations).find((candidate) => candidate.label === label);
  if (!found) throw new Error(label);
  return found;
}

const systolic = { code: loinc('8480-6'), valueQuantity: { value: 128, code: 'mm[Hg]' } };
const diastolic = { code: loinc('8462-4'), valueQuantity: { value: 82, code: 'mm[Hg]' } };

describe('vitalSigns', () => {
  it('sorts observations by what they measure', () => {
    const all = [
      measured('29463-7', 70, 'kg'),
      measured('8302-2', 172, 'cm'),
      measured('8867-4', 64, '/min'),
    ];
    expect(vitalSigns(all).map(({ label, readings }) => [label, readings[0]?.values])).toEqual([
      ['Weight', [70]],
      ['Height', [172]],
      ['BMI', undefined],
      ['Blood pressure', undefined],
      ['Heart rate', [64]],
      ['Temperature', undefined],
    ]);
  });

  it.each([
    ['Weight', '29463-7', 150, '[lb_av]', 68.04],
    ['Weight', '29463-7', 3200, 'g', 3.2],
    ['Height', '8302-2', 70, '[in_i]', 177.8],
    ['Temperature', '8331-1', 98.6, '[degF]', 37],
    ['Heart rate', '8867-4', 61, '{beats}/min', 61],
  ])('shows %s of %s %d %s in its own unit', (label, code, value, unit, expected) => {
    expect(sign(label, measured(code, value, unit)).readings[0]?.values[0]).toBeCloseTo(expected, 2);
  });

  it('reads the unit where the quantity has no code', () => {
    const valueQuantity = { value: 70, unit: 'kg' };
    expect(sign('Weight', observation('29463-7', { valueQuantity })).readings[0]?.values).toEqual([70]);
  });

  it('reads a blood pressure from the components of a panel, in either order', () => {
    const panel = observation('85354-9', { component: [diastolic, systolic] });
    expect(sign('Blood pressure', panel)).toMatchObject({
      unit: 'mmHg',
      lines: ['Systolic', 'Diastolic'],
      readings: [{ date: '2024-02-03', values: [128, 82] }],
    });
  });

  it('keeps half a blood pressure', () => {
    const panel = observation('85354-9', { component: [systolic] });
    const alone = observation('8462-4', { valueQuantity: diastolic.valueQuantity });
    const { readings } = sign('Blood pressure', panel, alone);
    expect(readings.map(({ values }) => values)).toEqual([
      [128, null],
      [null, 82],
    ]);
  });

  it.each<[string, Partial<Observation>, string]>([
    ['effectiveDateTime', { effectiveDateTime: '2020-05-01T10:00:00-05:00' }, '2020-05-01T10:00:00-05:00'],
    ['effectiveInstant', { effectiveInstant: '2020-05-01T10:00:00Z' }, '2020-05-01T10:00:00Z'],
    ['effectivePeriod', { effectivePeriod: { start: '2020-05' } }, '2020-05'],
  ])('takes the date from %s as it is', (_element, effective, date) => {
    const weight = measured('29463-7', 70, 'kg', { effectiveDateTime: undefined, ...effective });
    expect(sign('Weight', weight).readings[0]?.date).toBe(date);
  });

  it.each<[string, Partial<Observation>]>([
    ['in a unit it cannot convert', { valueQuantity: { value: 11, code: '[stone_av]' } }],
    ['in a unit named like a member of every object', { valueQuantity: { value: 11, code: 'constructor' } }],
    ['without a unit', { valueQuantity: { value: 11 } }],
    ['without a value', { dataAbsentReason: { text: 'refused' } }],
    [
      'that is only a limit',
      { valueQuantity: { value: 300, comparator: '>', code: 'kg' } satisfies Quantity },
    ],
    ['without a date', { valueQuantity: { value: 70, code: 'kg' }, effectiveDateTime: undefined }],
  ])('counts a reading %s instead of drawing it', (_case, more) => {
    expect(sign('Weight', observation('29463-7', more))).toMatchObject({ readings: [], notShown: 1 });
  });

  it.each(['entered-in-error', 'cancelled'] as const)('leaves out what is %s', (status) => {
    expect(sign('Weight', measured('29463-7', 700, 'kg', { status }))).toMatchObject({
      readings: [],
      notShown: 0,
    });
  });

  it('ignores the same code of another system', () => {
    const code = { coding: [{ system: 'http://example.org/codes', code: '29463-7' }] };
    expect(sign('Weight', measured('29463-7', 70, 'kg', { code })).readings).toEqual([]);
  });
});
