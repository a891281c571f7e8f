import fc from 'fast-check';

/** JSON as text: an object literal cannot hold `__proto__` the way a response body can. */
export function jsonText(names: readonly string[], texts: readonly string[]): fc.Arbitrary<string> {
  const key = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...names) },
    { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', '') },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 9 }) },
  );
  const string = fc.oneof(fc.constantFrom(...texts), fc.string({ unit: 'binary', maxLength: 20 }));
  const { object } = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      string.map((text) => JSON.stringify(text)),
      fc.constantFrom(
        'null',
        'true',
        'false',
        '0',
        '-1',
        '3600',
        '1e400',
        '0.5',
        '"300"',
        '"false"',
        '{}',
        '[]',
      ),
      tie('object'),
      tie('array'),
    ),
    object: fc
      .array(fc.tuple(key, tie('value')), { maxLength: 7 })
      .map((members) => `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`),
    array: fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
  }));
  return object;
}
