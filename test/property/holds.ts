import { afterAll, it } from '@jest/globals';
import fc from 'fast-check';

const CASES = Number(process.env.PROPERTY_CASES ?? (process.env.CI === 'true' ? 10_000 : 1_000));
/** The same cases in every run, so that a change is what turns a test red; PROPERTY_SEED explores others. */
const SEED = Number(process.env.PROPERTY_SEED ?? 20_260_101);
const lines: string[] = [];

afterAll(() => {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
});

/** A test that a property holds, for many cases; how many is printed at the end of the file. */
export function holds<T>(title: string, cases: fc.Arbitrary<T>, check: (value: T) => void): void {
  it(
    title,
    () => {
      let count = 0;
      const property = fc.property(cases, (value) => {
        count += 1;
        check(value);
      });
      fc.assert(property, { numRuns: CASES, seed: SEED });
      lines.push(`property held in ${count} cases: ${title}`);
    },
    120_000,
  );
}
