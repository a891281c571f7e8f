import { describe, expect, it } from '@jest/globals';
import type * as r4 from 'fhir/r4.js';
import { getPath } from './get-path.js';
import type { PathValue } from './get-path.js';

const DATA = {
  a: [{ x: [{ y: 2, z: 3 }] }, { x: [{ y: 4, z: 5 }] }],
  b: [0, { a: 2 }] as const,
};

describe('a path', () => {
  it.each<[string, unknown]>([
    ['', DATA],
    ['a', DATA.a],
    ['a.', DATA.a],
    ['a..', DATA.a],
    [' a.length ', 2],
    ['a.0', DATA.a[0]],
    ['a..x', [[{ y: 2, z: 3 }], [{ y: 4, z: 5 }]]],
    ['a..x.length', [1, 1]],
    ['a..x.0', [DATA.a[0]!.x[0], DATA.a[1]!.x[0]]],
    ['a..x.1', [undefined, undefined]],
    ['a..x.0.y', [2, 4]],
    ['a..x..z', [[3], [5]]],
    ['b.1.a', 2],
    ['b.4.a', undefined],
    ['b.0.a', undefined],
    ['c..a', undefined],
    ['.a', undefined],
  ])('%j leads to what fhirclient finds there', (path, value) => {
    expect(getPath(DATA, path)).toEqual(value);
  });

  it('is the object where it is left out', () => {
    expect(getPath(DATA)).toBe(DATA);
  });

  it.each([
    '__proto__',
    'constructor',
    '__proto__.polluted',
    'constructor.prototype',
    'a.map',
    'a..toString',
  ])('C-27 leads to nothing that is inherited: %s', (path) => {
    const found: unknown = getPath(DATA, path);
    expect([found].flat().every((value) => value === undefined)).toBe(true);
  });

  it.each([[undefined], [null], [7], ['text'], [true]])('of %j leads nowhere', (value) => {
    expect(getPath(value as unknown, 'a.length')).toBeUndefined();
    expect(getPath(value as unknown, 'length')).toBeUndefined();
  });

  it('C-27 leads to an own member of any name', () => {
    expect(getPath(JSON.parse('{"__proto__":{"a":1}}') as unknown, '__proto__.a')).toBe(1);
  });
});

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(..._proof: Equal<A, B> extends true ? [] : ['these types differ', A, B]): void {}

it('has the type of what is there, as far as the compiler can follow', () => {
  same<PathValue<r4.Patient, 'birthDate'>, string | undefined>();
  same<PathValue<r4.Patient, 'name.0.family'>, string | undefined>();
  same<PathValue<r4.Observation, 'code.coding.0.code'>, string | undefined>();
  same<PathValue<{ a: { b: number }[] }, 'a..b'>, number[]>();
  same<PathValue<unknown, 'a.b'>, unknown>();
  same<PathValue<r4.Patient, string>, unknown>();
  expect(typeof same).toBe('function');
});
