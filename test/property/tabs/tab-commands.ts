import fc from 'fast-check';
import type { Mode, TabsWorld } from './tabs-world.js';
import type { Target } from './two-ehrs.js';

/** What the next command may presuppose: which tabs have a launch under way. */
export interface Model {
  pending: boolean[];
}

type Tab = number;
type Process = number;

/** One thing that happens: a person at a tab, the EHR, the clock, a process. */
type Event =
  | { what: 'launch'; tab: Tab; target: Target; process: Process }
  | { what: 'callback' | 'ask' | 'refresh' | 'logout'; tab: Tab; process: Process }
  | { what: 'expire'; ms: number }
  | { what: 'end grants'; target: Target }
  | { what: 'crash'; process: Process };

/** The clock stands still otherwise, and what came later would look like the same time. */
const A_MOMENT_MS = 1;

async function happen(world: TabsWorld, event: Event): Promise<unknown> {
  switch (event.what) {
    case 'launch':
      return world.launch(event.tab, event.target, event.process);
    case 'callback':
      return world.callback(event.tab, event.process);
    case 'ask':
      return world.ask(event.tab, event.process);
    case 'refresh':
      return world.ask(event.tab, event.process, 'refresh');
    case 'logout':
      return world.logout(event.tab, event.process);
    case 'expire':
      return world.expire(event.ms);
    case 'end grants':
      return world.endGrants(event.target);
    case 'crash':
      return world.crash(event.process);
  }
}

/** Events that happen at the same time; most often it is one. */
class AtOnce implements fc.AsyncCommand<Model, TabsWorld> {
  constructor(private readonly events: Event[]) {}

  check({ pending }: Readonly<Model>): boolean {
    return this.events.every((event) => event.what !== 'callback' || pending[event.tab]);
  }

  async run(model: Model, world: TabsWorld): Promise<void> {
    for (const event of this.events) {
      if (event.what === 'launch') model.pending[event.tab] = true;
      if (event.what === 'callback') model.pending[event.tab] = false;
    }
    world.expire(A_MOMENT_MS);
    await Promise.all(this.events.map((event) => happen(world, event)));
  }

  toString(): string {
    return this.events.map((event) => JSON.stringify(event)).join(' + ');
  }
}

/** A launch from click to page; with several tabs all callbacks arrive together, as when a browser is restored. */
class Open implements fc.AsyncCommand<Model, TabsWorld> {
  constructor(private readonly opened: { tab: Tab; target: Target; process: Process }[]) {}

  check(): boolean {
    return true;
  }

  async run(model: Model, world: TabsWorld): Promise<void> {
    world.expire(A_MOMENT_MS);
    for (const { tab, target, process } of this.opened) {
      await world.launch(tab, target, process);
      model.pending[tab] = false;
    }
    await Promise.all(this.opened.map(({ tab, process }) => world.callback(tab, process)));
    await world.expectAll(this.opened);
  }

  toString(): string {
    return `open ${JSON.stringify(this.opened)}`;
  }
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export function tabCommands({ names }: Mode): fc.Arbitrary<Iterable<fc.AsyncCommand<Model, TabsWorld>>> {
  const tab = fc.nat({ max: 4 });
  const process = fc.nat({ max: 1 });
  const target = fc.record<Target>({
    ehr: fc.constantFrom('a', 'b'),
    patient: fc.constantFrom('p1', 'p2', 'p3'),
    // the same person nearly always: another one ends the session
    user: fc.constantFrom('u1', 'u1', 'u1', 'u1', 'u1', 'u1', 'u2'),
  });
  const launch = fc.record({ what: fc.constant('launch' as const), tab, target, process });
  const at = <W extends 'callback' | 'ask' | 'refresh' | 'logout'>(what: W) =>
    fc.record({ what: fc.constant(what), tab, process });
  const crash = fc.record({ what: fc.constant('crash' as const), process });
  const endGrants = fc.record({ what: fc.constant('end grants' as const), target });
  // A tab that names its patient alone cannot be told apart once its session is gone without a trace.
  const keepsIssuer = names === 'patient and issuer';
  const times = [1_000, MINUTE_MS + 1, 6 * MINUTE_MS, 6 * MINUTE_MS, HOUR_MS + 1];
  const ms = fc.constantFrom(...times, ...(keepsIssuer ? [12 * HOUR_MS + 1] : []));
  const expire = fc.record({ what: fc.constant('expire' as const), ms });
  const always: fc.WeightedArbitrary<Event>[] = [
    { weight: 16, arbitrary: at('ask') },
    { weight: 2, arbitrary: at('refresh') },
    { weight: 2, arbitrary: launch },
    { weight: 3, arbitrary: at('callback') },
    { weight: 1, arbitrary: crash },
    { weight: 1, arbitrary: endGrants },
  ];
  const logout = { weight: 1, arbitrary: at('logout') };
  const ends = keepsIssuer ? [...always, logout, { weight: 2, arbitrary: expire }] : always;
  const together = fc.oneof(...ends);
  const alone = fc.oneof(...always, { weight: 2, arbitrary: expire }, ...(keepsIssuer ? [logout] : []));
  const opened = (count: { minLength: number; maxLength: number }) =>
    fc
      .uniqueArray(fc.record({ tab, target, process }), { ...count, selector: (one) => one.tab })
      .map((events) => new Open(events));
  const atOnce = fc.array(together, { minLength: 2, maxLength: 4 }).map((events) => new AtOnce(events));
  return fc.commands(
    [
      opened({ minLength: 1, maxLength: 1 }),
      opened({ minLength: 2, maxLength: 3 }),
      ...[1, 2, 3, 4].map(() => alone.map((event) => new AtOnce([event]))),
      atOnce,
      atOnce,
    ],
    { maxCommands: 36, size: 'max' },
  );
}
