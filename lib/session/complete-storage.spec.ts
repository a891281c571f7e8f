import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createClient } from '@keyv/redis';
import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import { fakeClock } from '../../test/support/clock.js';
import { MapStorage } from '../../test/support/map-storage.js';
import { completeStorage, storageMistake } from './complete-storage.js';
import type { CompleteStorage, SmartStorage, SmartStorageOption } from './smart-storage.js';

/** milliseconds: a call that answers does so in far less, one that never does ends soon */
const SOON = 50;
const UNAVAILABLE = { error: 'store_unavailable', status: 503 };

const storage = (option?: SmartStorageOption) => completeStorage(option, 2_000);

/** A store for Keyv that stopped working. */
class BrokenMap extends Map<string, string> {
  override get(): never {
    throw new Error('the disk is gone');
  }
  override set(): never {
    throw new Error('the disk is gone');
  }
  override delete(): never {
    throw new Error('the disk is gone');
  }
}

const calls: [string, (storage: CompleteStorage) => Promise<unknown>][] = [
  ['get', (store) => store.get('key')],
  ['set', (store) => store.set('key', 'value', 1_000)],
  ['delete', (store) => store.delete('key')],
  ['take', (store) => store.take('key')],
];

describe.each<[string, () => SmartStorageOption | undefined]>([
  ['nothing, which is memory', () => undefined],
  ['a Keyv', () => new Keyv()],
  ['a Keyv with a prefix of its own', () => new Keyv({ namespace: 'app', useKeyPrefix: false })],
  ['a cache-manager Cache', () => createCache()],
  ['a Cache with a Keyv', () => createCache({ stores: [new Keyv()] })],
  ['an object with get and set', () => minimal(new MapStorage())],
  ['an object with everything', () => new MapStorage()],
])('a storage made of %s', (_what, option) => {
  it('stores, reads, deletes', async () => {
    const store = storage(option());
    await store.set('key', 'value', 60_000);
    expect(await store.get('key')).toBe('value');
    await store.delete('key');
    expect(await store.get('key')).toBeUndefined();
    expect(await store.take('key')).toBeUndefined();
  });

  it('A6-3 gives an entry to one of many takers', async () => {
    const store = storage(option());
    await store.set('key', 'value', 60_000);
    const taken = await Promise.all(Array.from({ length: 10 }, () => store.take('key')));
    expect(taken.filter((value) => value !== undefined)).toEqual(['value']);
    expect(await store.get('key')).toBeUndefined();
  });

  it('A9-4 lets one holder of a lock in at a time, and the next one when a holder fails', async () => {
    const store = storage(option());
    let inside = 0;
    const holders = Array.from({ length: 5 }, (_, index) =>
      store.lock('key', 1_000, async () => {
        inside++;
        await store.get('key');
        if (index === 0) await Promise.resolve(inside--).then(() => Promise.reject(new Error('failed')));
        return inside--;
      }),
    );
    const results = await Promise.allSettled(holders);
    expect(results.map(({ status }) => status)).toEqual(['rejected', ...Array(4).fill('fulfilled')]);
    expect(results.slice(1)).toEqual(Array(4).fill({ status: 'fulfilled', value: 1 }));
  });
});

describe('a storage that keeps entries for a while', () => {
  let clock: ReturnType<typeof fakeClock>;

  beforeEach(() => {
    clock = fakeClock();
  });
  afterEach(() => clock.restore());

  it.each([
    ['memory', () => undefined],
    ['a Keyv', () => new Keyv()],
    ['a Cache', () => createCache()],
  ])('forgets them in time: %s', async (_what, option) => {
    const store = storage(option());
    await store.set('key', 'value', 1_000);
    clock.advance(1_001);
    expect(await store.get('key')).toBeUndefined();
  });

  it.each([
    [0.4, 1],
    [0, 1],
    [-5, 1],
    [1_500.7, 1_500],
  ])('is given a time to live that every store takes: %d', async (ttlMs, given) => {
    const map = new MapStorage();
    await storage(map).set('key', 'value', ttlMs);
    expect(map.entries.get('key')).toEqual({ value: 'value', ttlMs: given });
  });
});

describe('a storage that fails', () => {
  it.each(calls)('is 503 and no logout, a Keyv whose store fails: %s', async (_name, call) => {
    await expect(call(storage(new Keyv({ store: new BrokenMap() })))).rejects.toMatchObject(UNAVAILABLE);
  });

  it('is 503 where a Keyv says that it did not keep the value', async () => {
    const store = new (class extends Map<string, string> {
      override set(): never {
        return false as never;
      }
    })();
    const setting = storage(new Keyv({ store })).set('key', 'value', 1_000);
    await expect(setting).rejects.toMatchObject(UNAVAILABLE);
  });

  it.each(calls)('is 503 and no logout, a Cache whose store fails: %s', async (_name, call) => {
    const cache = createCache({ stores: [new Keyv({ store: new BrokenMap() })] });
    await expect(call(storage(cache))).rejects.toMatchObject(UNAVAILABLE);
  });

  it.each(calls)('is 503 and no logout, an object that rejects: %s', async (_name, call) => {
    const map = new MapStorage();
    map.isDown = true;
    await expect(call(storage(map))).rejects.toMatchObject(UNAVAILABLE);
  });

  it.each(calls)('C-17 is 503 at the deadline where it never answers: %s', async (_name, call) => {
    const never = () => new Promise<never>(() => undefined);
    const silent: SmartStorage = { get: never, set: never, delete: never, take: never };
    await expect(call(completeStorage(silent, SOON))).rejects.toMatchObject(UNAVAILABLE);
  });

  it('C-17 is 503 at the deadline where a Keyv never answers', async () => {
    const store = new (class extends Map<string, string> {
      override get(): never {
        return new Promise<never>(() => undefined) as never;
      }
    })();
    await expect(completeStorage(new Keyv({ store }), SOON).get('key')).rejects.toMatchObject(UNAVAILABLE);
  });

  it.each<[string, unknown]>([
    ['an object', { value: 'text' }],
    ['a buffer', Buffer.from('text')],
    ['a number', 7],
  ])('is 503 and no logout where it answers with %s', async (_what, answer) => {
    const odd = { ...minimal(new MapStorage()), get: async () => answer, take: async () => answer };
    const store = storage(odd as unknown as SmartStorage);
    await expect(store.get('key')).rejects.toMatchObject(UNAVAILABLE);
    await expect(store.take('key')).rejects.toMatchObject(UNAVAILABLE);
  });

  it('A9-4 lets no write that came too late for its caller land after a newer one', async () => {
    const landed: string[] = [];
    const ends: (() => void)[] = [];
    const slow: SmartStorage = {
      ...minimal(new MapStorage()),
      set: async (_key, value) => {
        await new Promise<void>((resolve) => ends.push(resolve));
        landed.push(value);
      },
      delete: async () => void landed.push('deleted'),
    };
    const store = completeStorage(slow, SOON);
    await expect(store.set('key', 'late', 1_000)).rejects.toMatchObject(UNAVAILABLE);
    const deleting = store.delete('key');
    await store.delete('other');
    expect(landed).toEqual(['deleted']);
    ends[0]!();
    await deleting;
    expect(landed).toEqual(['deleted', 'late', 'deleted']);
  });

  it('C-17 is not waited for without end by who wants a lock, and runs nothing afterwards', async () => {
    const entries: (() => Promise<unknown>)[] = [];
    const held: SmartStorage = {
      ...minimal(new MapStorage()),
      lock: <T>(_key: string, _ttlMs: number, run: () => Promise<T>) =>
        new Promise<T>((resolve, reject) => entries.push(() => run().then(resolve, reject))),
    };
    let ran = false;
    const waiting = completeStorage(held, SOON).lock('key', SOON, async () => void (ran = true));
    await expect(waiting).rejects.toMatchObject(UNAVAILABLE);
    await entries[0]!();
    expect(ran).toBe(false);
  });

  it('C-19 does not say what was stored where', async () => {
    const map = new MapStorage();
    map.isDown = true;
    const failure: unknown = await storage(map)
      .set('canary-key', 'canary-value', 1)
      .catch((error: unknown) => error);
    expect(JSON.stringify(failure) + String((failure as Error).cause)).not.toContain('canary');
  });
});

describe('what a storage can do between processes', () => {
  const take = async () => undefined;
  const lock = <T>(_key: string, _ttlMs: number, run: () => Promise<T>) => run();
  const inProcess = { atomicTake: true, atomicLock: true, memoryOnly: true };
  const otherStore = { get: () => undefined, set: () => true, delete: () => true, clear: () => undefined };
  const none = { atomicTake: false, atomicLock: false, memoryOnly: false };

  it.each<[string, SmartStorageOption, CompleteStorage['guarantees']]>([
    ['a Keyv in memory', new Keyv(), inProcess],
    ['a Cache in memory', createCache(), inProcess],
    ['a Keyv over another store', new Keyv({ store: otherStore }), none],
    ['get and set', minimal(new MapStorage()), none],
    [
      'take and lock',
      { ...minimal(new MapStorage()), take, lock },
      { ...none, atomicTake: true, atomicLock: true },
    ],
    [
      'take and lock left undefined',
      { ...minimal(new MapStorage()), take: undefined, lock: undefined },
      none,
    ],
  ])('is known: %s', (_what, option, guarantees) => {
    expect(storage(option).guarantees).toEqual(guarantees);
  });

  it('is left to a storage that brings its own', async () => {
    const seen: string[] = [];
    const own: SmartStorage = {
      ...minimal(new MapStorage()),
      take: async (key) => void seen.push(`take ${key}`),
      lock: (key, ttlMs, run) => (seen.push(`lock ${key} ${ttlMs}`), run()),
    };
    expect(await storage(own).take('key')).toBeUndefined();
    expect(await storage(own).lock('key', 5_000, async () => 'done')).toBe('done');
    expect(seen).toEqual(['take key', 'lock key 5000']);
  });

  it.each([null, ''])('reads %j as nothing', async (value) => {
    const empty: SmartStorage = {
      ...minimal(new MapStorage()),
      get: async () => value,
      take: async () => value,
    };
    expect(await storage(empty).get('key')).toBeUndefined();
    expect(await storage(empty).take('key')).toBeUndefined();
  });
});

describe('the end of a storage', () => {
  class ClosingMap extends Map<string, string> {
    isClosed = false;
    async disconnect(): Promise<void> {
      this.isClosed = true;
    }
  }

  it.each<[string, (keyv: Keyv) => SmartStorageOption, boolean]>([
    ['closes the Keyv it was given', (keyv) => keyv, true],
    ['leaves a Cache to the application', (keyv) => createCache({ stores: [keyv] }), false],
  ])('%s', async (_what, option, isClosed) => {
    const store = new ClosingMap();
    await storage(option(new Keyv({ store }))).close();
    expect(store.isClosed).toBe(isClosed);
  });
});

describe('the storage option', () => {
  it.each<[string, unknown, string]>([
    ['text', 'redis://localhost', "redisStorage('redis:"],
    ['a Redis client', createClient({}), 'redisStorage(client)'],
    ['a Map', new Map(), 'leave it out'],
    ['a Cache without stores', { stores: [] }, 'without a store'],
    ['null', null, 'give a Keyv'],
  ])('G-7 that is wrong is told what to write instead: %s', (_what, option, fix) => {
    expect(storageMistake(option)).toContain(fix);
  });

  it.each<[string, unknown, boolean]>([
    ['a Keyv', new Keyv(), true],
    ['a Cache', createCache(), true],
    ['an object with get and set', minimal(new MapStorage()), true],
    ['an instance of a class', new MapStorage(), true],
    ['a Cache without stores', { stores: [] }, false],
    ['an object without set', { get: () => undefined }, false],
    ['an object', {}, false],
    ['null', null, false],
    ['text', 'redis://localhost', false],
  ])('is checked: %s', (_what, option, valid) => {
    expect(storageMistake(option) === undefined).toBe(valid);
  });
});

function minimal(map: MapStorage): Pick<SmartStorage, 'get' | 'set'> {
  return { get: (key) => map.get(key), set: (key, value, ttlMs) => map.set(key, value, ttlMs) };
}
