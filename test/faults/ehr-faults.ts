import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { report, tally } from './fault-table.js';
import { HTTP_TIMEOUT_MS, MINUTE, Stage } from './stage.js';
import type { Outcome, User } from './stage.js';

interface EhrFault {
  name: string;
  /** what a request that needs the EHR is answered with; undefined: as ever */
  status: '502' | '504' | undefined;
  begin(stage: Stage): Promise<void> | void;
  /** what came to the EHR is carried out, and nobody ever hears of it */
  isAnswerLost?: boolean;
}

interface Step {
  name: string;
  upTo: 'launch' | 'callback' | 'session';
  requestsPerUser: number;
  /** before the fault begins */
  prepare?(stage: Stage): void;
  act(stage: Stage, user: User): Promise<Outcome>;
  usual: string;
  needsEhr: boolean;
  isRefresh?: boolean;
  /** where it is not as usual */
  afterwards?(fault: EhrFault): string;
}

const STEPS: Step[] = [
  {
    name: 'launch',
    upTo: 'launch',
    requestsPerUser: 1,
    // what was discovered is remembered for ten minutes
    prepare: ({ clock }) => clock.advance(11 * MINUTE),
    act: (stage, user) => stage.launch(user),
    usual: 'at the EHR',
    needsEhr: true,
  },
  {
    name: 'callback',
    upTo: 'callback',
    requestsPerUser: 1,
    act: (stage, user) => stage.callback(user),
    usual: 'logged in',
    needsEhr: true,
    afterwards: () => 'launch again',
  },
  {
    name: 'guard',
    upTo: 'session',
    requestsPerUser: 5,
    act: (stage, user) => stage.guard(user),
    usual: 'own data',
    needsEhr: false,
  },
  {
    name: 'read',
    upTo: 'session',
    requestsPerUser: 5,
    act: (stage, user) => stage.read(user),
    usual: 'own data',
    needsEhr: true,
  },
  {
    name: 'refresh, token still good',
    upTo: 'session',
    requestsPerUser: 5,
    prepare: (stage) => stage.ageTokens(),
    act: (stage, user) => stage.guard(user),
    usual: 'own data',
    needsEhr: false,
    isRefresh: true,
    // the one token that can be lost: rotated by an EHR whose answer never came
    afterwards: ({ isAnswerLost }) => (isAnswerLost ? 'session ended' : 'own data'),
  },
  {
    name: 'refresh, token expired',
    upTo: 'session',
    requestsPerUser: 5,
    prepare: (stage) => stage.expireTokens(),
    act: (stage, user) => stage.guard(user),
    usual: 'own data',
    needsEhr: true,
    isRefresh: true,
    afterwards: ({ isAnswerLost }) => (isAnswerLost ? 'session ended' : 'own data'),
  },
];

const FAULTS: EhrFault[] = [
  { name: 'EHR killed', status: '502', begin: ({ ehrProxy }) => ehrProxy.cut() },
  { name: 'EHR frozen', status: '504', begin: ({ ehrProxy }) => ehrProxy.freeze() },
  {
    name: 'EHR slower than httpTimeoutMs',
    status: '504',
    begin: ({ ehrProxy }) => ehrProxy.slow(0.8 * HTTP_TIMEOUT_MS),
  },
  { name: 'EHR slow', status: undefined, begin: ({ ehrProxy }) => ehrProxy.slow(HTTP_TIMEOUT_MS / 20) },
  {
    name: 'EHR acts, its answer is lost',
    status: '504',
    isAnswerLost: true,
    begin: ({ ehrProxy }) => ehrProxy.holdAnswers(),
  },
];

/** so long the slowest answer may take: far more than it does, far less than for ever */
const BOUND_MS = 8 * HTTP_TIMEOUT_MS;

export function ehrFaults(): void {
  describe.each(FAULTS)('$name', (fault) => {
    let stage: Stage;

    beforeAll(async () => {
      stage = await Stage.start({ isRedisBehindProxy: false });
    });
    afterAll(() => stage?.close());

    it.each(STEPS)('A9-8 C-17 during $name: the user is told, and keeps the session', async (step) => {
      const users = await stage.users(step.upTo);
      const act = (user: User) => step.act(stage, user);
      step.prepare?.(stage);
      await fault.begin(stage);

      const outcomes = await Promise.all(
        users.flatMap((user) => Array.from({ length: step.requestsPerUser }, () => act(user))),
      );

      if (fault.isAnswerLost) await stage.ehrProxy.cut();
      await stage.ehrProxy.through();
      // what a refresh brought, or lost, shows when the next one is due
      if (step.isRefresh) stage.expireTokens();
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
      const during = (step.needsEhr && fault.status) || step.usual;
      expect(new Set(names)).toEqual(new Set([during]));
      expect(new Set(afterwards)).toEqual(new Set([step.afterwards?.(fault) ?? step.usual]));
      expect(slowestMs).toBeLessThan(BOUND_MS);
      expect(await stage.recovered(users, stage.relaunch)).toEqual(users.map(() => 'logged in'));
    });
  });
}
