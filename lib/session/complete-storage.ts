import type { Keyv } from 'keyv';
import { storeUnavailable, withinDeadline } from './deadline.js';
import { KeyedMutex } from './keyed-mutex.js';
import { memoryStorage } from './memory-storage.js';
import { isRedisAdapter, storageOverRedis } from './redis-storage.js';
import type { CacheWithStores, CompleteStorage, SmartStorage, SmartStorageOption } from './smart-storage.js';

/** A call to the store that is over, for who counts them. A `lock` is the wait for it, without the work inside. */
export interface StoreCall {
  operation: 'get' | 'set' | 'delete' | 'take' | 'lock';
  durationMs: number;
  isFailed: boolean;
}

/**
 * The storage a user gave, with every method there and every call bounded: a store that is down or silent
 * rejects with `store_unavailable` (503) instead of looking like a logout.
 */
export function completeStorage(
  option: SmartStorageOption | undefined,
  timeoutMs: number,
  onCall: (call: StoreCall) => void = () => undefined,
): CompleteStorage {
  return observed(withDeadline(storageOf(option, timeoutMs), timeoutMs), onCall);
}

function storageOf(option: SmartStorageOption | undefined, timeoutMs: number): CompleteStorage {
  if (option === undefined) return memoryStorage();
  if (isCache(option)) return { ...storageOf(option.stores[0], timeoutMs), close: () => Promise.resolve() };
  // a KeyvRedis that was not wrapped in a Keyv is a Redis all the same
  if (isRedisAdapter(option)) return storageOverRedis(option, timeoutMs);
  if (!isKeyv(option)) return plainStorage(option);
  // Every call reports its own failure; an event nobody listens to would end the process.
  option.on('error', () => undefined);
  const adapter: unknown = option.store;
  if (isRedisAdapter(adapter)) return storageOverRedis(adapter, timeoutMs);
  const storage = { ...plainStorage(keyvStorage(option)), close: () => option.disconnect() };
  const isInMemory = adapter instanceof Map;
  return isInMemory
    ? { ...storage, guarantees: { atomicTake: true, atomicLock: true, memoryOnly: true } }
    : storage;
}

/** Why a value cannot be a storage, and what to give instead; undefined where it can. */
export function storageMistake(value: unknown): string | undefined {
  const fix = 'give a Keyv, a cache-manager Cache, or an object with get(key) and set(key, value, ttlMs)';
  if (typeof value === 'string') return `storage is a string: write redisStorage('redis://…')`;
  if (typeof value !== 'object' || value === null) return `storage is none: ${fix}`;
  if (isCache(value)) return value.stores.length > 0 ? undefined : 'storage is a Cache without a store';
  if (value instanceof Map)
    return 'storage is a Map, which forgets nothing: leave it out to keep sessions in memory';
  if ('sendCommand' in value) {
    return 'storage is a Redis client: wrap it, redisStorage(client)';
  }
  const isStorage = (['get', 'set'] as const).every(
    (name) => typeof (value as Partial<SmartStorage>)[name] === 'function',
  );
  return isStorage ? undefined : `storage is none: ${fix}`;
}

function isCache(value: object): value is CacheWithStores {
  return Array.isArray((value as Partial<CacheWithStores>).stores);
}

/** By shape, not by class: the application may have a Keyv of its own. */
function isKeyv(value: object): value is Keyv {
  return 'store' in value && 'opts' in value;
}

function keyvStorage(keyv: Keyv): SmartStorage {
  // Without it Keyv answers `undefined` when its store is down, and that reads as "logged out".
  keyv.throwOnErrors = true;
  return {
    get: (key) => keyv.get<string>(key),
    set: async (key, value, ttlMs) => {
      if (!(await keyv.set(key, value, ttlMs))) throw new Error('the store did not keep the value');
    },
    delete: (key) => keyv.delete(key),
  };
}

/** Adds what the storage lacks, within this process. */
export function plainStorage(storage: SmartStorage): CompleteStorage {
  const mutex = new KeyedMutex();
  const remove = async (key: string): Promise<void> => {
    if (storage.delete) await storage.delete(key);
    else await storage.set(key, '', 1);
  };
  const get = async (key: string) => text(await storage.get(key));
  return {
    get,
    set: async (key, value, ttlMs) => void (await storage.set(key, value, Math.max(1, Math.floor(ttlMs)))),
    delete: remove,
    take: async (key) => {
      if (storage.take) return text(await storage.take(key));
      return mutex.run(`take:${key}`, async () => {
        const value = await get(key);
        if (value !== undefined) await remove(key);
        return value;
      });
    },
    lock: (key, ttlMs, run) => (storage.lock ? storage.lock(key, ttlMs, run) : mutex.run(`lock:${key}`, run)),
    close: () => Promise.resolve(),
    guarantees: {
      atomicTake: typeof storage.take === 'function',
      atomicLock: typeof storage.lock === 'function',
      memoryOnly: false,
    },
  };
}

/** An empty entry is none; anything but text is a store that does not keep what it is given. */
function text(value: unknown): string | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw new Error('the store answered with something that is not text');
}

/** a write that has not come back after so many deadlines holds up its key no longer */
const LOST_AFTER_DEADLINES = 15;

function withDeadline(storage: CompleteStorage, timeoutMs: number): CompleteStorage {
  const order = new KeyedMutex();
  const bounded = <T>(work: Promise<T>) => withinDeadline(work, timeoutMs);
  // A write that came too late for its caller still arrives at the store. The next write of the same key waits
  // for it, so that the older value (a spent refresh token, a session that was ended) never lands last.
  const lostAfterMs = LOST_AFTER_DEADLINES * timeoutMs;
  const ordered = <T>(key: string, write: () => Promise<T>) =>
    bounded(order.run(key, () => withinDeadline(write(), lostAfterMs, { isForgotten: true })));
  return {
    get: (key) => bounded(storage.get(key)),
    set: (key, value, ttlMs) => ordered(key, () => storage.set(key, value, ttlMs)),
    delete: (key) => ordered(key, () => storage.delete(key)),
    take: (key) => ordered(key, () => storage.take(key)),
    lock: (key, ttlMs, run) => entered(storage, key, ttlMs, timeoutMs, run),
    close: () => bounded(storage.close()),
    guarantees: storage.guarantees,
  };
}

function observed(storage: CompleteStorage, onCall: (call: StoreCall) => void): CompleteStorage {
  const started = (operation: StoreCall['operation']) => {
    const startedAt = performance.now();
    return (isFailed: boolean) => onCall({ operation, durationMs: performance.now() - startedAt, isFailed });
  };
  const timed = async <T>(operation: StoreCall['operation'], call: () => Promise<T>): Promise<T> => {
    const over = started(operation);
    try {
      const result = await call();
      over(false);
      return result;
    } catch (error) {
      over(true);
      throw error;
    }
  };
  return {
    get: (key) => timed('get', () => storage.get(key)),
    set: (key, value, ttlMs) => timed('set', () => storage.set(key, value, ttlMs)),
    delete: (key) => timed('delete', () => storage.delete(key)),
    take: (key) => timed('take', () => storage.take(key)),
    lock: async (key, ttlMs, run) => {
      const over = started('lock');
      let isIn = false;
      try {
        return await storage.lock(key, ttlMs, () => {
          isIn = true;
          over(false);
          return run();
        });
      } catch (error) {
        if (!isIn) over(true);
        throw error;
      }
    },
    close: () => storage.close(),
    guarantees: storage.guarantees,
  };
}

/** Waiting for a lock ends when its holder's time and a deadline are over; the work inside has its own. */
async function entered<T>(
  storage: CompleteStorage,
  key: string,
  ttlMs: number,
  timeoutMs: number,
  run: () => Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let isTooLate = false;
  const waiting = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      isTooLate = true;
      reject(storeUnavailable(new Error('the lock was not to be had in time')));
    }, ttlMs + timeoutMs);
  });
  const locked = storage.lock(key, ttlMs, () => {
    clearTimeout(timer);
    // who waited has been answered by now
    if (isTooLate) return Promise.reject(new Error('too late'));
    return run();
  });
  try {
    return await Promise.race([locked, waiting]);
  } finally {
    clearTimeout(timer);
  }
}
