import QuickLRU from 'quick-lru';
import { KeyedMutex } from './keyed-mutex.js';
import { PENDING_PREFIX } from './keys.js';
import type { CompleteStorage } from './smart-storage.js';

const MAX_ENTRIES = 10_000;

/**
 * The default store: in this process, at most 10,000 sessions and 10,000 launches in progress. The two are
 * bounded apart, so that launches nobody finishes cannot push out the sessions of people at work.
 */
export function memoryStorage(maxEntries = MAX_ENTRIES): CompleteStorage {
  const sessions = new QuickLRU<string, string>({ maxSize: maxEntries });
  const pending = new QuickLRU<string, string>({ maxSize: maxEntries });
  const mutex = new KeyedMutex();
  const partOf = (key: string) => (key.startsWith(PENDING_PREFIX) ? pending : sessions);
  const take = (key: string) => {
    const value = partOf(key).get(key);
    partOf(key).delete(key);
    return value;
  };
  return {
    get: (key) => Promise.resolve(partOf(key).get(key)),
    set: async (key, value, ttlMs) => void partOf(key).set(key, value, { maxAge: ttlMs }),
    delete: async (key) => void partOf(key).delete(key),
    // nothing else runs in between
    take: (key) => Promise.resolve(take(key)),
    lock: (key, _ttlMs, run) => mutex.run(`lock:${key}`, run),
    close: () => Promise.resolve(),
    guarantees: { atomicTake: true, atomicLock: true, memoryOnly: true },
  };
}
