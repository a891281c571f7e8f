import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { fakeClock } from '../../support/clock.js';
import { ACCEPTED } from '../ehr/fault.js';
import type { Fault } from '../ehr/fault.js';
import { HostileEhr } from '../ehr/hostile-ehr.js';
import { HostileApp } from './hostile-app.js';
import type { HostileAppOptions } from './hostile-app.js';
import { play } from './play.js';
import type { Cast } from './play.js';

/** An EHR, an app and a clock for the tests of one describe block; afterwards the app must still be well. */
export function setStage(options: () => HostileAppOptions & { accept?: string } = () => ({})): Cast {
  const cast = {} as Cast;
  beforeAll(async () => {
    const { accept, ...appOptions } = options();
    cast.ehr = await HostileEhr.startWithEvilTwin();
    cast.app = await HostileApp.start(cast.ehr, appOptions);
    if (accept !== undefined) cast.accept = accept;
  });
  beforeEach(() => {
    cast.clock = fakeClock();
  });
  afterEach(() => cast.clock?.restore());
  afterAll(async () => {
    await cast.app.close();
    await cast.ehr.close();
  });
  return cast;
}

/** One test per row, and one more that the app outlived them all. */
export function playAll(cast: Cast, faults: readonly Fault[]): void {
  it.each(faults.map((fault): [string, Fault] => [`${fault.id} ${fault.name}`, fault]))(
    '%s',
    async (_title, fault) => {
      expect.hasAssertions();
      await play(cast, fault);
    },
  );

  it('C-17 the app serves the next user as if nothing had been', async () => {
    expect.hasAssertions();
    await play(cast, { id: '', name: '', profile: faults[0]?.profile ?? 'basic', expect: ACCEPTED });
  });
}
