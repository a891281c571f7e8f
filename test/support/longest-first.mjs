import sequencer from '@jest/test-sequencer';

/** Minutes each where all cases are tried: begun last, one would keep the run waiting on one core. */
const LONGEST = ['test/property/tabs.', 'test/faults/', 'test/property/', 'test/canary/'];

const rankOf = ({ path }) => {
  const rank = LONGEST.findIndex((part) => path.replaceAll('\\', '/').includes(part));
  return rank === -1 ? LONGEST.length : rank;
};

/** Jest's own order, by what it knows of sizes and durations, with these in front. */
export default class LongestFirst extends (sequencer.default ?? sequencer) {
  sort(tests) {
    return [...super.sort(tests)].sort((one, other) => rankOf(one) - rankOf(other));
  }
}
