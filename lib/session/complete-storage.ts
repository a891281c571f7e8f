import type { Keyv } from 'keyv';
import { withinDeadline } from './deadline.js';
import { KeyedMutex } from './keyed-mutex.js';
import { memoryStorage } from './memory-storage.js';
import { isRedisAdapter, redisStorage } from './redis-storage.js';
import type { CacheWithStores, CompleteStorage, SmartStorage, SmartStorageOption } from './smart-storage.js';

/**
 * The storage a user gave, with every method there and every call bounded: a store that is down or silent
 * rejects with `store_unavailable` (503) instead of looking like a logout.
 */
export function completeStorage(option: SmartStorageOption | undefined, timeoutMs: number): CompleteStorage {
  return withDeadline(storageOf(option, timeoutMs), timeoutMs);
}

function storageOf(option: SmartStorageOption | undefined, timeoutMs: number): CompleteStorage {
  if (option === undefined) return memoryStorage();
  if (isCache(option)) return { ...storageOf(option.stores[0], timeoutMs), close: () => Promise.resolve() };
  if (!isKeyv(option)) return plainStorage(option);
  // Every call reports its own failure; an event nobody listens to would end the process.
  option.on('error', () => undefined);
  const adapter: unknown = option.store;
  return isRedisAdapter(adapter)
    ? redisStorage(adapter, timeoutMs)
    : { ...plainStorage(keyvStorage(option)), close: () => option.disconnect() };
}

/** Whether a value can be a storage at all, for the check of the options at start. */
export function isStorageOption(value: unknown): value is SmartStorageOption {
  if (typeof value !== 'object' || value === null) return false;
  if (isCache(value)) return value.stores.length > 0;
  return (['get', 'set'] as const).every(
    (name) => typeof (value as Partial<SmartStorage>)[name] === 'function',
  );
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
  const get = async (key: string) => (await storage.get(key)) || undefined;
  return {
    get,
    set: async (key, value, ttlMs) => void (await storage.set(key, value, Math.max(1, Math.floor(ttlMs)))),
    delete: remove,
    take: async (key) => {
      if (storage.take) return (await storage.take(key)) || undefined;
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

function withDeadline(storage: CompleteStorage, timeoutMs: number): CompleteStorage {
  const bounded = <T>(work: Promise<T>) => withinDeadline(work, timeoutMs);
  return {
    get: (key) => bounded(storage.get(key)),
    set: (key, value, ttlMs) => bounded(storage.set(key, value, ttlMs)),
    delete: (key) => bounded(storage.delete(key)),
    take: (key) => bounded(storage.take(key)),
    // The work inside has deadlines of its own; waiting for it ends with the holder's TTL.
    lock: (key, ttlMs, run) => storage.lock(key, ttlMs, run),
    close: () => bounded(storage.close()),
    guarantees: storage.guarantees,
  };
}
