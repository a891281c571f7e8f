import { REFERENCE_DATE, yearsBetween } from './calendar.js';
import { medianHeight, medianWeight } from './growth.js';
import type { Profile } from './profiles.js';
import type { Random } from './random.js';

/** What is measured at one visit. */
export interface Vitals {
  height: number;
  weight: number;
  bodyMassIndex: number;
  systolic: number;
  diastolic: number;
  heartRate: number;
  temperature: number;
}

const ADULT = 18;

/** How far treatment brings systolic pressure down, mmHg, and the years it takes. */
const TREATMENT = { effect: 18, years: 0.75 };

/** The vital signs of one patient, to be asked for from one visit to the next in the order of time. */
export function vitalCourse(profile: Profile, birthDate: string, start: string, random: Random) {
  const heightFactor = random.gauss(1, 0.025);
  const weightFactor = random.gauss(1, 0.06);
  const adultHeight = medianHeight(profile.sex, ADULT) * heightFactor;
  let lastHeight = 0;
  let weightWander = 0;
  let pressureWander = 0;

  return (date: string): Vitals => {
    const age = yearsBetween(birthDate, date);
    const years = yearsBetween(start, date);
    const isChild = age < ADULT;
    // one visit remembers some of the last: people do not jump about a mean
    weightWander = 0.7 * weightWander + random.gauss(0, 0.006);
    pressureWander = 0.5 * pressureWander + random.gauss(0, 3.5);

    const measured =
      (isChild ? medianHeight(profile.sex, age) * heightFactor : adultHeight) + random.gauss(0, 0.2);
    const height = round(isChild ? Math.max(measured, lastHeight) : measured, 1);
    lastHeight = height;
    const startWeight = profile.bodyMassIndex * (adultHeight / 100) ** 2;
    const expected = isChild
      ? medianWeight(profile.sex, age) * weightFactor
      : startWeight + profile.weightDrift * years;
    const weight = round(expected * (1 + weightWander), 1);
    const pressure = expectedPressure(profile, date, years) + pressureWander;
    const [systolicStart, diastolicStart] = profile.bloodPressure;
    return {
      height,
      weight,
      bodyMassIndex: round(weight / (height / 100) ** 2, 1),
      systolic: Math.round(pressure),
      diastolic: Math.round(diastolicStart + (pressure - systolicStart) * 0.5 + random.gauss(0, 2)),
      heartRate: Math.round(profile.heartRate + (isChild ? infantExcess(age) : 0) + random.gauss(0, 4)),
      temperature: round(random.next() < 0.04 ? random.gauss(38.2, 0.3) : random.gauss(36.7, 0.2), 1),
    };
  };
}

/** Drifts up until treatment begins, then comes down and stays. */
function expectedPressure(profile: Profile, date: string, years: number): number {
  const { bloodPressure, pressureDrift, treatedYearsAgo } = profile;
  const treatedFor = treatedYearsAgo === undefined ? 0 : treatedYearsAgo - yearsBetween(date, REFERENCE_DATE);
  if (treatedFor <= 0) return bloodPressure[0] + pressureDrift * years;
  const untreated = bloodPressure[0] + pressureDrift * (years - treatedFor);
  return untreated - TREATMENT.effect * Math.min(1, treatedFor / TREATMENT.years);
}

/** An infant's heart beats faster than the child's it becomes. */
function infantExcess(age: number): number {
  return 35 * Math.exp(-age / 2);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
