import type { CodeableConcept, Observation } from 'fhir/r4.js';
import {
  CELSIUS,
  CENTIMETRE,
  KILOGRAM,
  KILOGRAM_PER_SQUARE_METRE,
  MILLIMETRE_OF_MERCURY,
  PER_MINUTE,
  valueIn,
} from './units.js';
import type { Unit } from './units.js';

/** One vital sign over time, ready to be drawn. */
export interface VitalSign {
  label: string;
  unit: string;
  /** names of its lines: two for a blood pressure, one for the others */
  lines: string[];
  readings: Reading[];
  /** readings that cannot be drawn: no date, no number, or a unit we cannot convert */
  notShown: number;
}

export interface Reading {
  /** FHIR dateTime, as the EHR recorded it */
  date: string;
  /** one for each line, null where it was not measured */
  values: (number | null)[];
}

interface Definition {
  label: string;
  unit: Unit;
  /** name of each line with its LOINC codes; where the code stands, on the Observation or on a component, is all one */
  lines: Record<string, readonly string[]>;
}

const DEFINITIONS: readonly Definition[] = [
  { label: 'Weight', unit: KILOGRAM, lines: { Weight: ['29463-7', '3141-9'] } },
  { label: 'Height', unit: CENTIMETRE, lines: { Height: ['8302-2', '8306-3', '3137-7'] } },
  { label: 'BMI', unit: KILOGRAM_PER_SQUARE_METRE, lines: { BMI: ['39156-5'] } },
  {
    label: 'Blood pressure',
    unit: MILLIMETRE_OF_MERCURY,
    lines: { Systolic: ['8480-6'], Diastolic: ['8462-4'] },
  },
  { label: 'Heart rate', unit: PER_MINUTE, lines: { 'Heart rate': ['8867-4'] } },
  {
    label: 'Temperature',
    unit: CELSIUS,
    lines: { Temperature: ['8310-5', '8331-1', '8329-5', '8332-9', '8333-7'] },
  },
];

/** Sorts observations into the vital signs this app shows; a sign without readings is there, and empty. */
export function vitalSigns(observations: readonly Observation[]): VitalSign[] {
  const valid = observations.filter(({ status }) => status !== 'entered-in-error' && status !== 'cancelled');
  return DEFINITIONS.map((definition) => vitalSign(definition, valid));
}

function vitalSign({ label, unit, lines }: Definition, observations: Observation[]): VitalSign {
  const sign: VitalSign = { label, unit: unit.label, lines: Object.keys(lines), readings: [], notShown: 0 };
  for (const observation of observations) {
    const measured = [observation, ...(observation.component ?? [])];
    const found = Object.values(lines).map((codes) => measured.find(({ code }) => hasLoinc(code, codes)));
    if (found.every((part) => part === undefined)) continue;
    const values = found.map((part) => valueIn(unit, part?.valueQuantity) ?? null);
    const date = dateOf(observation);
    if (date !== undefined && values.some((value) => value !== null)) sign.readings.push({ date, values });
    else sign.notShown += 1;
  }
  return sign;
}

function hasLoinc({ coding = [] }: CodeableConcept, codes: readonly string[]): boolean {
  return coding.some(({ system, code }) => system === 'http://loinc.org' && codes.includes(code ?? ''));
}

function dateOf({ effectiveDateTime, effectiveInstant, effectivePeriod }: Observation): string | undefined {
  return effectiveDateTime ?? effectiveInstant ?? effectivePeriod?.start;
}
