import type { Quantity } from 'fhir/r4.js';

/** A unit to show values in, and how to get there from others, by their UCUM codes. */
export interface Unit {
  label: string;
  conversions: ReadonlyMap<string, (value: number) => number>;
}

function unit(label: string, conversions: Record<string, number | ((value: number) => number)>): Unit {
  const entries = Object.entries(conversions).map(
    ([code, by]) => [code, typeof by === 'number' ? (value: number) => value * by : by] as const,
  );
  return { label, conversions: new Map(entries) };
}

export const KILOGRAM = unit('kg', { kg: 1, g: 0.001, '[lb_av]': 0.45359237, '[oz_av]': 0.028349523125 });
export const CENTIMETRE = unit('cm', { cm: 1, m: 100, mm: 0.1, '[in_i]': 2.54, '[ft_i]': 30.48 });
export const KILOGRAM_PER_SQUARE_METRE = unit('kg/m²', { 'kg/m2': 1 });
export const MILLIMETRE_OF_MERCURY = unit('mmHg', { 'mm[Hg]': 1, kPa: 7.50061683 });
export const PER_MINUTE = unit('/min', { '/min': 1, '{beats}/min': 1, '{Beats}/min': 1, '{beat}/min': 1 });
export const CELSIUS = unit('°C', { Cel: 1, '[degF]': (value) => (value - 32) / 1.8 });

/** The value in this unit; undefined where it is no exact number or its unit is not known. */
export function valueIn({ conversions }: Unit, quantity: Quantity | undefined): number | undefined {
  if (quantity?.value === undefined || quantity.comparator !== undefined) return undefined;
  return conversions.get(quantity.code ?? quantity.unit ?? '')?.(quantity.value);
}
