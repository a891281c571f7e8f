/** A seeded generator, so that the same patients come back at every start. */
export interface Random {
  /** 0 inclusive up to 1 exclusive */
  next(): number;
  between(low: number, high: number): number;
  /** normally distributed, near enough */
  gauss(mean: number, deviation: number): number;
  pick<T>(choices: readonly T[]): T;
}

/** mulberry32 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (low: number, high: number): number => low + next() * (high - low);
  return {
    next,
    between,
    // the sum of twelve uniform numbers has variance 1
    gauss: (mean, deviation) => {
      let sum = -6;
      for (let draw = 0; draw < 12; draw += 1) sum += next();
      return mean + sum * deviation;
    },
    pick: <T>(choices: readonly T[]): T => {
      const choice = choices[Math.floor(next() * choices.length)];
      if (choice === undefined) throw new RangeError('nothing to pick from');
      return choice;
    },
  };
}
