/** Median height in cm and weight in kg at each birthday from birth to 18, rounded from common growth charts. */
const MEDIANS = {
  male: {
    height: [50, 76, 87, 96, 103, 110, 116, 122, 128, 133, 138, 143, 149, 156, 164, 170, 173, 175, 176],
    weight: [
      3.4, 9.6, 12.2, 14.3, 16.3, 18.4, 20.6, 23, 25.5, 28.5, 32, 36, 40.5, 45.5, 51, 56, 61, 64.5, 67,
    ],
  },
  female: {
    height: [49, 74, 86, 95, 102, 108, 115, 121, 127, 133, 138, 144, 151, 157, 160, 162, 163, 163, 163],
    weight: [
      3.3, 8.9, 11.5, 13.9, 16.1, 18.2, 20.2, 22.5, 25.2, 28.5, 32.5, 37, 41.5, 46, 49.5, 52, 54, 55, 56,
    ],
  },
} as const;

export type Sex = keyof typeof MEDIANS;

export function medianHeight(sex: Sex, age: number): number {
  return interpolate(MEDIANS[sex].height, age);
}

export function medianWeight(sex: Sex, age: number): number {
  return interpolate(MEDIANS[sex].weight, age);
}

function interpolate(byYear: readonly number[], age: number): number {
  const clamped = Math.min(Math.max(age, 0), byYear.length - 1);
  const year = Math.floor(clamped);
  const here = byYear[year] ?? 0;
  // growth is fastest at the start of the first year
  const share = year === 0 ? Math.sqrt(clamped) : clamped - year;
  return here + ((byYear[year + 1] ?? here) - here) * share;
}
