import { describe, expect, it } from '@jest/globals';
import { SmartError } from '../smart-error.js';
import { units } from './units.js';
import type { QuantityLike } from './units.js';

describe.each<[keyof typeof units, [code: string, of3: number][], digits: number]>([
  [
    'cm',
    [
      ['cm', 3],
      ['mm', 0.3],
      ['m', 300],
      ['in', 3 * 2.54],
      ['[in_i]', 3 * 2.54],
      ['[in_us]', 3 * 2.54],
      ['ft', 3 * 30.48],
      ['[ft_i]', 3 * 30.48],
      ['[ft_us]', 3 * 30.48],
    ],
    3,
  ],
  [
    'kg',
    [
      ['kg', 3],
      ['g', 0.003],
      ['mg', 0.000003],
      ['lb', 3 / 2.20462],
      ['lbs', 3 / 2.20462],
      ['[lb_av]', 3 / 2.20462],
      ['oz', 3 / 35.274],
      ['[oz_av]', 3 / 35.274],
    ],
    5,
  ],
])('units.%s', (name, factors, digits) => {
  it.each(factors)('of %s is what fhirclient answers', (code, value) => {
    expect(units[name]({ code, value: 3 })).toBeCloseTo(value, digits);
    expect(units[name]({ code, value: 3, system: 'http://unitsofmeasure.org' })).toBeCloseTo(value, digits);
  });

  it.each(['xx', '', 'constructor', '__proto__', '[lbf_av]', undefined])('refuses the unit %j', (code) => {
    expect(units[name]({ code, value: 3 })).toMatchObject({ error: 'invalid_request' });
  });

  it('names the unit that it does not know', () => {
    expect((units[name]({ code: '[smoot]', value: 3 }) as SmartError).message).toContain('[smoot]');
  });

  it('refuses the code of another system', () => {
    expect(units[name]({ code: factors[0]![0], value: 3, system: 'http://example.org' })).toMatchObject({
      error: 'invalid_request',
      message: expect.stringContaining('UCUM'),
    });
  });
});

it('knows a troy pound from a pound', () => {
  expect(units.kg({ code: '[lb_tr]', value: 1 })).toBeCloseTo(0.3732, 4);
  expect(units.kg({ code: '[oz_ap]', value: 1 })).toBeCloseTo(0.0311, 4);
});

it('units.any answers the number', () => {
  expect(units.any({ value: 3 })).toBe(3);
  expect(units.any({ value: 0, code: 'xx' })).toBe(0);
});

describe.each(Object.entries(units))('units.%s', (_name, convert) => {
  it.each<[string, unknown]>([
    ['a text', { code: 'm', value: 'x' }],
    ['a number as text', { code: 'm', value: '3' }],
    ['no value', { code: 'm' }],
    ['no number', { code: 'm', value: Number.NaN }],
    ['nothing', undefined],
    ['null', null],
    ['a bound', { code: 'm', value: 3, comparator: '<' }],
  ])('refuses %s, without repeating it', (_what, quantity) => {
    const refused = convert(quantity as QuantityLike);
    expect(refused).toBeInstanceOf(SmartError);
    expect((refused as SmartError).message).not.toMatch(/[3x]$/);
  });
});
