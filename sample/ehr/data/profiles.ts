import type { Sex } from './growth.js';

export interface Diagnosis {
  /** SNOMED CT */
  code: string;
  display: string;
  /** how long before the reference date it began */
  yearsAgo: number;
  resolvedAfterYears?: number;
}

/** The course of one kind of patient; the seed decides the rest. */
export interface Profile {
  sex: Sex;
  age: number;
  /** kg per year, for adults */
  weightDrift: number;
  bodyMassIndex: number;
  /** systolic and diastolic, mmHg, at the start of the record */
  bloodPressure: readonly [number, number];
  /** systolic, mmHg per year, until treatment begins */
  pressureDrift: number;
  /** when blood pressure came under treatment, before the reference date */
  treatedYearsAgo?: number;
  heartRate: number;
  visitsPerYear: number;
  diagnoses: readonly Diagnosis[];
}

const diagnosis = (
  code: string,
  display: string,
  yearsAgo: number,
  resolvedAfterYears?: number,
): Diagnosis => ({
  code,
  display,
  yearsAgo,
  ...(resolvedAfterYears === undefined ? {} : { resolvedAfterYears }),
});

const hypertension = (yearsAgo: number): Diagnosis =>
  diagnosis('38341003', 'Hypertensive disorder, systemic arterial (disorder)', yearsAgo);
const diabetes = (yearsAgo: number): Diagnosis =>
  diagnosis('44054006', 'Diabetes mellitus type 2 (disorder)', yearsAgo);
const asthma = (yearsAgo: number): Diagnosis => diagnosis('195967001', 'Asthma (disorder)', yearsAgo);
const otitis = (yearsAgo: number): Diagnosis =>
  diagnosis('65363002', 'Otitis media (disorder)', yearsAgo, 0.05);
const obesity = (yearsAgo: number): Diagnosis => diagnosis('414916001', 'Obesity (disorder)', yearsAgo);

type Course = [Profile['bloodPressure'], pressureDrift: number, bodyMassIndex: number, weightDrift: number];

function profile(
  sex: Sex,
  age: number,
  [bloodPressure, pressureDrift, bodyMassIndex, weightDrift]: Course,
  rest: Pick<Profile, 'heartRate' | 'visitsPerYear' | 'diagnoses' | 'treatedYearsAgo'>,
): Profile {
  return { sex, age, bloodPressure, pressureDrift, bodyMassIndex, weightDrift, ...rest };
}

export const PROFILES: readonly Profile[] = [
  profile('female', 58, [[132, 82], 3.2, 27.5, 0.6], {
    heartRate: 74,
    visitsPerYear: 3,
    treatedYearsAgo: 3,
    diagnoses: [hypertension(3.1), diagnosis('55822004', 'Hyperlipidemia (disorder)', 4)],
  }),
  profile('male', 7, [[84, 50], 2.2, 16, 0], {
    heartRate: 92,
    visitsPerYear: 2,
    diagnoses: [otitis(5.2), asthma(2.5)],
  }),
  profile('male', 64, [[138, 84], 1.8, 31, -0.9], {
    heartRate: 78,
    visitsPerYear: 4,
    treatedYearsAgo: 4.5,
    diagnoses: [diabetes(5), hypertension(4.6), obesity(6)],
  }),
  profile('female', 31, [[112, 70], 0.3, 22, 0.3], {
    heartRate: 68,
    visitsPerYear: 1,
    diagnoses: [diagnosis('37796009', 'Migraine (disorder)', 4)],
  }),
  profile('female', 12, [[84, 52], 1.9, 18, 0], {
    heartRate: 84,
    visitsPerYear: 2,
    diagnoses: [otitis(9.5), diagnosis('24079001', 'Atopic dermatitis (disorder)', 7)],
  }),
  profile('male', 45, [[124, 79], 1.1, 26, 0.8], {
    heartRate: 70,
    visitsPerYear: 1,
    diagnoses: [diagnosis('279039007', 'Low back pain (finding)', 2, 0.4)],
  }),
  profile('female', 79, [[146, 80], 1.2, 24, -0.7], {
    heartRate: 80,
    visitsPerYear: 4,
    treatedYearsAgo: 5.4,
    diagnoses: [
      hypertension(5.5),
      diagnosis('49436004', 'Atrial fibrillation (disorder)', 3),
      diagnosis('396275006', 'Osteoarthritis (disorder)', 5),
    ],
  }),
  profile('male', 28, [[118, 72], 0.2, 23, 0.4], {
    heartRate: 62,
    visitsPerYear: 1,
    diagnoses: [asthma(5.8)],
  }),
  profile('female', 47, [[120, 76], 0.7, 25, 1.1], {
    heartRate: 66,
    visitsPerYear: 2,
    diagnoses: [diagnosis('40930008', 'Hypothyroidism (disorder)', 3.5)],
  }),
  profile('male', 71, [[136, 78], 1, 27, -0.4], {
    heartRate: 72,
    visitsPerYear: 3,
    treatedYearsAgo: 5,
    diagnoses: [hypertension(5.2), diagnosis('13645005', 'Chronic obstructive lung disease (disorder)', 4)],
  }),
  profile('female', 38, [[126, 80], 1.4, 33, 1.3], {
    heartRate: 79,
    visitsPerYear: 2,
    diagnoses: [obesity(4), diagnosis('35489007', 'Depressive disorder (disorder)', 2.2, 1.5)],
  }),
  profile('male', 53, [[128, 82], 2.2, 29, 0.2], {
    heartRate: 76,
    visitsPerYear: 2,
    treatedYearsAgo: 1.5,
    diagnoses: [hypertension(1.6), diagnosis('90560007', 'Gout (disorder)', 3)],
  }),
];
