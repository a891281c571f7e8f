import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { report, tally } from './fault-table.js';
import { STORE_TIMEOUT_MS, Stage } from './stage.js';
import type { Outcome, User } from './stage.js';

interface RedisFault {
  name: string;
  isSlow?: boolean;
  /** what was stored is gone */
  forgets?: boolean;
  begin(stage: Stage): Promise<void> | void;
  end(stage: Stage): Promise<void> | void;
  /** what users may see while it lasts, and afterwards, where it is not the same for all faults */
  during?: Partial<Record<StepName, string[]>>;
  afterwards?: Partial<Record<StepName, string[]>>;
}

type StepName = 'launch' | 'callback' | 'guard' | 'refresh' | 'refresh, the EHR was asked';

interface Step {
  name: StepName;
  upTo: 'launch' | 'callback' | 'session';
  requestsPerUser: number;
  act(stage: Stage, user: User): Promise<Outcome>;
  during: string[];
  afterwards: string[];
  /** the access tokens are expired before the fault begins */
  isRefresh?: boolean;
  /** the fault begins when every token request is at the EHR */
  isUnderWay?: boolean;
}

const STEPS: Step[] = [
  {
    name: 'launch',
    upTo: 'launch',
    requestsPerUser: 1,
    act: (stage, user) => stage.launch(user),
    during: ['503'],
    afterwards: ['at the EHR'],
  },
  {
    name: 'callback',
    upTo: 'callback',
    requestsPerUser: 1,
    act: (stage, user) => stage.callback(user),
    during: ['503'],
    // a Redis that woke up may have carried out what nobody waited for any more
    afterwards: ['logged in', 'launch again'],
  },
  {
    name: 'guard',
    upTo: 'session',
    requestsPerUser: 5,
    act: (stage, user) => stage.guard(user),
    during: ['503'],
    afterwards: ['own data'],
  },
  {
    name: 'refresh',
    upTo: 'session',
    requestsPerUser: 5,
    act: (stage, user) => stage.guard(user),
    during: ['503'],
    afterwards: ['own data'],
    isRefresh: true,
  },
  {
    name: 'refresh, the EHR was asked',
    upTo: 'session',
    requestsPerUser: 5,
    act: (stage, user) => stage.guard(user),
    // who comes for the token that was asked for gets it; the others need Redis
    during: ['own data', '503'],
    afterwards: ['own data'],
    isRefresh: true,
    isUnderWay: true,
  },
];

const ENDED = ['session ended'];
/** 401 is right where the session is nowhere any more */
const FORGOTTEN = {
  callback: ['launch again'],
  guard: ENDED,
  refresh: ENDED,
  // for a moment a process serves what it could not store, and then sees that the session is gone
  'refresh, the EHR was asked': ['own data', ...ENDED],
};

const FAULTS: RedisFault[] = [
  {
    name: 'Redis killed, back with its data',
    begin: ({ redis }) => redis.kill(),
    end: ({ redis }) => redis.restart(),
  },
  {
    name: 'Redis killed, back empty',
    begin: ({ redis }) => redis.kill(),
    end: ({ redis }) => redis.restart({ empty: true }),
    forgets: true,
    afterwards: FORGOTTEN,
  },
  {
    name: 'Redis frozen',
    begin: ({ redis }) => redis.signal('SIGSTOP'),
    end: ({ redis }) => redis.signal('SIGCONT'),
  },
  {
    name: 'Redis slower than storeTimeoutMs',
    isSlow: true,
    begin: ({ redisProxy }) => redisProxy.slow(STORE_TIMEOUT_MS),
    end: ({ redisProxy }) => redisProxy.through(),
  },
  {
    name: 'Redis slow',
    isSlow: true,
    begin: ({ redisProxy }) => redisProxy.slow(STORE_TIMEOUT_MS / 20),
    end: ({ redisProxy }) => redisProxy.through(),
    during: { launch: ['at the EHR'], callback: ['logged in'], guard: ['own data'], refresh: ['own data'] },
    afterwards: { callback: ['launch again'] },
  },
  {
    name: 'Redis full (noeviction)',
    begin: ({ redis }) => redis.fill(),
    end: ({ redis }) => redis.makeRoom(),
    during: { guard: ['own data'] },
  },
  {
    name: 'Redis evicting (allkeys-lru)',
    forgets: true,
    begin: ({ redis }) => redis.evict(),
    end: ({ redis }) => redis.makeRoom(),
    during: {
      callback: ['launch again', '503'],
      guard: ['session ended', '503'],
      refresh: ['session ended', '503'],
    },
    afterwards: FORGOTTEN,
  },
];

/** so long the slowest answer may take: far more than it does, far less than for ever */
const BOUND_MS = 15 * STORE_TIMEOUT_MS;

export function redisFaults(): void {
  describe.each(FAULTS)('$name', (fault) => {
    let stage: Stage;

    beforeAll(async () => {
      stage = await Stage.start({ isRedisBehindProxy: fault.isSlow === true });
    });
    afterAll(() => stage?.close());

    it.each(STEPS)('C-17 A9-4 during $name: an outage is no logout, and it ends by itself', async (step) => {
      const users = await stage.users(step.upTo);
      const act = (user: User) => step.act(stage, user);
      const spent = stage.ehr.tokenRequests.length;
      if (step.isRefresh) stage.expireTokens();
      if (!step.isUnderWay) await fault.begin(stage);
      const asked = step.isUnderWay ? users.map(() => stage.ehrProxy.requested('/oidc/token')) : [];
      if (step.isUnderWay) stage.ehrProxy.freeze();

      const answers = Promise.all(
        users.flatMap((user) => Array.from({ length: step.requestsPerUser }, () => act(user))),
      );
      if (step.isUnderWay) {
        await Promise.all(asked);
        await fault.begin(stage);
        await stage.ehrProxy.through();
      }
      const outcomes = await answers;

      await fault.end(stage);
      const afterwards = await stage.recovered(users, act);
      const slowestMs = Math.max(...outcomes.map(({ ms }) => ms));
      const names = outcomes.map(({ name }) => name);
      report({
        fault: fault.name,
        step: step.name,
        requests: outcomes.length,
        during: tally(names),
        slowestMs,
        afterwards: tally(afterwards),
      });
      expect(fault.during?.[step.name] ?? step.during).toEqual(expect.arrayContaining([...new Set(names)]));
      expect(fault.afterwards?.[step.name] ?? step.afterwards).toEqual(
        expect.arrayContaining([...new Set(afterwards)]),
      );
      expect(slowestMs).toBeLessThan(BOUND_MS);
      if (step.isUnderWay)
        expect(names.filter((name) => name === 'own data').length).toBeGreaterThanOrEqual(4);
      // No refresh token was spent and then lost: the next one is good, too.
      if (step.upTo === 'session' && !fault.forgets) {
        stage.expireTokens();
        expect(await stage.recovered(users, act)).toEqual(users.map(() => 'own data'));
      }
      const statuses = stage.ehr.tokenRequests.slice(spent).map(({ status }) => status);
      expect(new Set(statuses)).not.toContain(400);
      // whoever must log in again can
      expect(await stage.recovered(users, stage.relaunch)).toEqual(users.map(() => 'logged in'));
    });
  });
}
