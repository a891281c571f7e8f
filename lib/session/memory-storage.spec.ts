import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fakeClock } from '../../test/support/clock.js';
import { INDEX_PREFIX, LAUNCH_PREFIX, PENDING_PREFIX } from './keys.js';
import { memoryStorage } from './memory-storage.js';

let clock: ReturnType<typeof fakeClock>;

beforeEach(() => {
  clock = fakeClock();
});
afterEach(() => clock.restore());

describe('the store in memory', () => {
  it('keeps values until their time is up', async () => {
    const storage = memoryStorage();
    await storage.set('key', 'value', 1_000);
    clock.advance(999);
    expect(await storage.get('key')).toBe('value');
    clock.advance(2);
    expect(await storage.get('key')).toBeUndefined();
    expect(await storage.take('key')).toBeUndefined();
  });

  it('forgets what is deleted, and what never was there', async () => {
    const storage = memoryStorage();
    await storage.set('key', 'value', 1_000);
    await storage.delete('key');
    await storage.delete('other');
    expect(await storage.get('key')).toBeUndefined();
  });

  it('A6-3 gives an entry to one of many takers', async () => {
    const storage = memoryStorage();
    await storage.set(`${PENDING_PREFIX}a`, 'value', 1_000);
    const takers = Array.from({ length: 10 }, () => storage.take(`${PENDING_PREFIX}a`));
    expect((await Promise.all(takers)).filter((value) => value !== undefined)).toEqual(['value']);
    expect(await storage.get(`${PENDING_PREFIX}a`)).toBeUndefined();
  });

  it('lets one holder of a lock in at a time', async () => {
    const storage = memoryStorage();
    let inside = 0;
    const holders = Array.from({ length: 5 }, () =>
      storage.lock('key', 1_000, async () => {
        inside++;
        await storage.get('key');
        return inside--;
      }),
    );
    expect(await Promise.all(holders)).toEqual([1, 1, 1, 1, 1]);
  });

  it('C-26 holds no more than its bound of launches in progress, and drops the oldest', async () => {
    const storage = memoryStorage(10);
    for (let index = 0; index < 100; index++) {
      await storage.set(`${PENDING_PREFIX}${index}`, 'value', 60_000);
    }
    const kept = [];
    for (let index = 0; index < 100; index++) kept.push(await storage.get(`${PENDING_PREFIX}${index}`));
    expect(kept[0]).toBeUndefined();
    expect(kept[99]).toBe('value');
    // the cache under it keeps up to two generations
    expect(kept.filter((value) => value !== undefined).length).toBeLessThanOrEqual(20);
  });

  it('C-26 loses no session to launches that nobody finishes', async () => {
    const storage = memoryStorage(10);
    await storage.set(`${LAUNCH_PREFIX}a`, 'session', 60_000);
    await storage.set(`${INDEX_PREFIX}a`, 'index', 60_000);
    for (let index = 0; index < 1_000; index++) {
      await storage.set(`${PENDING_PREFIX}${index}`, 'value', 60_000);
    }
    expect(await storage.get(`${LAUNCH_PREFIX}a`)).toBe('session');
    expect(await storage.get(`${INDEX_PREFIX}a`)).toBe('index');
  });

  it('drops sessions that nobody uses first', async () => {
    const storage = memoryStorage(10);
    await storage.set('busy', 'value', 60_000);
    for (let index = 0; index < 100; index++) {
      await storage.set(`idle-${index}`, 'value', 60_000);
      expect(await storage.get('busy')).toBe('value');
    }
    expect(await storage.get('idle-0')).toBeUndefined();
  });

  it('says what it can and cannot do', () => {
    expect(memoryStorage().guarantees).toEqual({ atomicTake: true, atomicLock: true, memoryOnly: true });
  });
});
