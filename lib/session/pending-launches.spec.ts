import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fakeClock } from '../../test/support/clock.js';
import { MapStorage } from '../../test/support/map-storage.js';
import { plainStorage } from './complete-storage.js';
import { PENDING_PREFIX, entryKey } from './keys.js';
import { memoryStorage } from './memory-storage.js';
import { PendingLaunches } from './pending-launches.js';
import type { PendingLaunch } from './pending-launches.js';
import { SealedBox } from './sealed-box.js';

const box = new SealedBox(['a secret of more than thirty-two characters']);
let clock: ReturnType<typeof fakeClock>;
let pending: PendingLaunches;

beforeEach(() => {
  clock = fakeClock();
  pending = new PendingLaunches(memoryStorage(), box);
});
afterEach(() => clock.restore());

function launch(changed: Partial<PendingLaunch> = {}): PendingLaunch {
  return {
    iss: 'https://ehr.example.org/fhir',
    clientId: 'growth-chart',
    server: { token_endpoint: 'https://ehr.example.org/token' },
    callbackUrl: 'https://app.example.com/cb',
    scope: 'launch',
    codeVerifier: 'canary-verifier',
    nonce: 'canary-nonce',
    startedAt: Date.now(),
    ...changed,
  };
}

describe('a launch in progress', () => {
  it('is there for the browser that started it', async () => {
    await pending.save('state-1', 'browser-1', launch());
    expect(await pending.take('state-1', 'browser-1')).toEqual(launch());
  });

  it('A6-2 is not there for another browser, which cannot use it up either', async () => {
    await pending.save('state-1', 'browser-1', launch());
    for (const [state, browser] of [
      ['state-1', 'browser-2'],
      ['state-1', ''],
      ['state-1b', 'rowser-1'],
      ['browser-1', 'state-1'],
      ['state-2', 'browser-1'],
    ] as const) {
      expect(await pending.take(state, browser)).toBeUndefined();
    }
    expect(await pending.take('state-1', 'browser-1')).toEqual(launch());
  });

  it('A6-2 is not opened by a browser that can write to the store', async () => {
    const storage = new MapStorage();
    pending = new PendingLaunches(plainStorage(storage), box);
    await pending.save('state-1', 'victim', launch());
    const entry = storage.entries.get(entryKey(PENDING_PREFIX, 'state-1', 'victim'))!;
    storage.entries.set(entryKey(PENDING_PREFIX, 'state-1', 'attacker'), entry);
    expect(await pending.take('state-1', 'attacker')).toBeUndefined();
  });

  it('A6-3 is taken once', async () => {
    await pending.save('state-1', 'browser-1', launch());
    expect(await pending.take('state-1', 'browser-1')).toBeDefined();
    expect(await pending.take('state-1', 'browser-1')).toBeUndefined();
  });

  it.each([
    ['in memory', () => memoryStorage()],
    ['in a store without take', () => plainStorage(new MapStorage())],
  ])('A6-3 is taken by one of two callbacks at once: %s', async (_where, storage) => {
    pending = new PendingLaunches(storage(), box);
    await pending.save('state-1', 'browser-1', launch());
    const both = [pending.take('state-1', 'browser-1'), pending.take('state-1', 'browser-1')];
    expect((await Promise.all(both)).filter((taken) => taken !== undefined)).toHaveLength(1);
  });

  it.each([
    ['in memory', () => memoryStorage()],
    ['in a store that keeps it', () => plainStorage(new MapStorage())],
  ])('A6-4 is gone after ten minutes: %s', async (_where, storage) => {
    pending = new PendingLaunches(storage(), box);
    await pending.save('state-1', 'browser-1', launch());
    await pending.save('state-2', 'browser-1', launch());
    clock.advance(10 * 60_000 - 1);
    expect(await pending.take('state-1', 'browser-1')).toBeDefined();
    clock.advance(1);
    expect(await pending.take('state-2', 'browser-1')).toBeUndefined();
  });

  it('A3-5 leaves the launches of other tabs alone', async () => {
    await pending.save('state-1', 'browser-1', launch({ scope: 'one' }));
    await pending.save('state-2', 'browser-1', launch({ scope: 'two' }));
    expect((await pending.take('state-1', 'browser-1'))?.scope).toBe('one');
    expect((await pending.take('state-2', 'browser-1'))?.scope).toBe('two');
  });

  it('C-20 shows neither state, browser nor verifier to who sees the store, and has a time to live', async () => {
    const storage = new MapStorage();
    await new PendingLaunches(plainStorage(storage), box).save('state-1', 'browser-1', launch());
    expect(storage.dump()).not.toMatch(/state-1|browser-1|canary|growth-chart/);
    expect(new Set([...storage.entries.values()].map(({ ttlMs }) => ttlMs))).toEqual(new Set([10 * 60_000]));
  });
});
