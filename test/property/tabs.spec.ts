import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fakeClock } from '../support/clock.js';
import { tabCommands } from './tabs/tab-commands.js';
import { TabsWorld } from './tabs/tabs-world.js';
import type { Mode } from './tabs/tabs-world.js';
import { TwoEhrs } from './tabs/two-ehrs.js';

const RUNS = Number(process.env.TAB_RUNS ?? (process.env.CI === 'true' ? 2_000 : 100));
/** The same commands in every run; PROPERTY_SEED explores others. */
const SEED = Number(process.env.PROPERTY_SEED ?? 20_260_101);

describe('What a tab gets is what that tab launched, or an error', () => {
  let ehrs: TwoEhrs;
  let clock: ReturnType<typeof fakeClock>;
  const lines: string[] = [];

  beforeAll(async () => {
    ehrs = await TwoEhrs.start();
    clock = fakeClock();
  });
  afterAll(async () => {
    clock.restore();
    await ehrs.close();
    process.stdout.write(lines.map((line) => `${line}\n`).join(''));
  });

  it.each<[string, number, Mode]>([
    ['several launches, tabs name what the redirect told them', RUNS, modeOf(true, 'patient and issuer')],
    ['several launches, tabs name the patient alone', Math.round(RUNS / 20), modeOf(true, 'patient')],
    ['one launch, tabs name patient and issuer', Math.round(RUNS / 20), modeOf(false, 'patient and issuer')],
  ])(
    'G-5 A3-5 E-NO-3 with %s, in %d runs',
    async (title, numRuns, mode) => {
      const ends = new Map<string, Map<string, number>>();
      const count = (call: string, end: string) => {
        const counts = ends.get(call) ?? new Map<string, number>();
        ends.set(call, counts.set(end, (counts.get(end) ?? 0) + 1));
      };
      let steps = 0;
      const world = new TabsWorld(mode, ehrs, clock, count);
      const property = fc.asyncProperty(tabCommands(mode), fc.nat(), async (commands, seed) => {
        world.reset(pauses(seed));
        const setup = () => ({ model: { pending: world.tabs.map(() => false) }, real: world });
        steps += [...commands].length;
        await fc.asyncModelRun(setup, commands);
        // at the end every tab is looked at once more
        for (const tab of world.tabs.keys()) await world.ask(tab, tab % 2);
      });

      try {
        await fc.assert(property, { numRuns, seed: SEED });
      } finally {
        await world.close();
      }

      lines.push(`${title}: ${numRuns} runs, ${steps} commands`);
      for (const [call, counts] of ends) {
        const sorted = [...counts].sort(([, one], [, other]) => other - one);
        lines.push(`  ${call}: ${sorted.map(([end, times]) => `${end} ${times}`).join(', ')}`);
      }
      // not for want of trying
      expect(ends.get('patient')?.get('data')).toBeGreaterThan(numRuns);
    },
    900_000,
  );
});

function modeOf(multiLaunch: boolean, names: Mode['names']): Mode {
  return { multiLaunch, names };
}

/** Waits of none to three turns, so that what runs at once interleaves differently from run to run. */
function pauses(seed: number): () => Promise<void> {
  let state = seed;
  return async () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    for (let turns = (state >>> 16) % 4; turns > 0; turns -= 1) await turn();
  };
}
