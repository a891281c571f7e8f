import { Keyv } from 'keyv';
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
  const bounded = () =>
    new Keyv<string>({
      store: new QuickLRU<string, NonNullable<unknown>>({ maxSize: maxEntries }),
      throwOnErrors: true,
    });
  const sessions = bounded();
  const pending = bounded();
  const mutex = new KeyedMutex();
  const keyvOf = (key: string) => (key.startsWith(PENDING_PREFIX) ? pending : sessions);
  return {
    get: (key) => keyvOf(key).get<string>(key),
    set: async (key, value, ttlMs) => void (await keyvOf(key).set(key, value, ttlMs)),
    delete: async (key) => void (await keyvOf(key).delete(key)),
    take: (key) =>
      mutex.run(`take:${key}`, async () => {
        const value = await keyvOf(key).get<string>(key);
        await keyvOf(key).delete(key);
        return value;
      }),
    lock: (key, _ttlMs, run) => mutex.run(`lock:${key}`, run),
    close: () => Promise.resolve(),
    guarantees: { atomicTake: true, atomicLock: true, memoryOnly: true },
  };
}
