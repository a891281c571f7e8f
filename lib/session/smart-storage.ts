import type { Keyv } from 'keyv';

/**
 * Where sessions live: what a user implements. Values are opaque text, already encrypted. A method that
 * fails must reject: an outage answers 503, and a store that says `undefined` instead logs users out.
 *
 * `take` reads and deletes in one atomic step; `lock` runs `run` while nobody else holds the key, at most
 * `ttlMs` (then another may enter). A store without them works in one process only, and the module says so
 * at start.
 */
export interface SmartStorage {
  get(key: string): Promise<string | null | undefined>;
  /** @param ttlMs milliseconds until the entry may be dropped; left out: keep it */
  set(key: string, value: string, ttlMs?: number): Promise<unknown>;
  delete?(key: string): Promise<unknown>;
  take?(key: string): Promise<string | null | undefined>;
  lock?<T>(key: string, ttlMs: number, run: () => Promise<T>): Promise<T>;
}

/** A cache-manager `Cache`: its first store is used, since `cache.get` hides outages. */
export interface CacheWithStores {
  stores: Keyv[];
}

/** What the `storage` option takes. */
export type SmartStorageOption = SmartStorage | Keyv | CacheWithStores;

/** The storage as the package uses it: every method there. */
export interface CompleteStorage {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, ttlMs: number): Promise<void>;
  delete(key: string): Promise<void>;
  take(key: string): Promise<string | undefined>;
  lock<T>(key: string, ttlMs: number, run: () => Promise<T>): Promise<T>;
  /** ends the connection, where it is ours to end */
  close(): Promise<void>;
  /** what holds between processes that share the store */
  readonly guarantees: { atomicTake: boolean; atomicLock: boolean; memoryOnly: boolean };
}
