import { isJsonObject } from '../http/json.js';
import { SmartError } from '../smart-error.js';

/** A Quantity, as an Observation's `valueQuantity` has it. */
export interface QuantityLike {
  value?: number | undefined;
  /** UCUM code, e.g. `cm` */
  code?: string | undefined;
  system?: string | undefined;
  comparator?: string | undefined;
}

const UCUM = 'http://unitsofmeasure.org';

/** UCUM codes, and the plain names some servers write; a US survey foot is a little longer than a foot */
const CENTIMETRES: Record<string, number> = {
  cm: 1,
  m: 100,
  mm: 0.1,
  in: 2.54,
  '[in_i]': 2.54,
  '[in_us]': 100 / 39.37,
  ft: 30.48,
  '[ft_i]': 30.48,
  '[ft_us]': 1200 / 39.37,
};

const KILOGRAMS: Record<string, number> = {
  kg: 1,
  g: 0.001,
  mg: 0.000001,
  lb: 0.45359237,
  lbs: 0.45359237,
  '[lb_av]': 0.45359237,
  '[lb_tr]': 0.3732417216,
  '[lb_ap]': 0.3732417216,
  oz: 0.028349523125,
  '[oz_av]': 0.028349523125,
  '[oz_tr]': 0.0311034768,
  '[oz_ap]': 0.0311034768,
};

/**
 * Values of Quantities in one unit. A Quantity that is no plain number in a known unit is an error
 * (`invalid_request`): without a number, a bound (`<`), a code of another system than UCUM, an unknown unit.
 *
 * @example
 * const height = unwrap(units.cm(observation.valueQuantity)); // 170.2
 */
export const units = {
  /** centimetres of a length */
  cm: (quantity: QuantityLike | undefined): number | SmartError => converted(quantity, CENTIMETRES, 'length'),
  /** kilograms of a mass */
  kg: (quantity: QuantityLike | undefined): number | SmartError => converted(quantity, KILOGRAMS, 'mass'),
  /** the number as it is, whatever its unit */
  any: (quantity: QuantityLike | undefined): number | SmartError => numberOf(quantity),
};

function converted(
  quantity: QuantityLike | undefined,
  factors: Record<string, number>,
  what: string,
): number | SmartError {
  const value = numberOf(quantity);
  if (value instanceof SmartError) return value;
  const { code, system } = quantity!;
  if (system !== undefined && system !== UCUM) {
    return new SmartError('invalid_request', `The unit of the ${what} is not a code of UCUM (${UCUM})`);
  }
  if (typeof code === 'string' && Object.hasOwn(factors, code)) return value * factors[code]!;
  const named = typeof code === 'string' && /^[\w[\]/.{}%'*-]{1,30}$/.test(code) ? `: ${code}` : '';
  return new SmartError('invalid_request', `The unit of the ${what} is not known${named}`);
}

function numberOf(quantity: QuantityLike | undefined): number | SmartError {
  const { value, comparator } = isJsonObject(quantity) ? quantity : {};
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    return new SmartError('invalid_request', 'The quantity has no number as its value');
  }
  // "less than 5" is not 5
  if (comparator === undefined || comparator === null) return value;
  return new SmartError(
    'invalid_request',
    'The quantity is a bound (it has a comparator), not a measured value',
  );
}
