import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { withinDeadline } from './deadline.js';
import { KeyedMutex } from './keyed-mutex.js';
import type { CompleteStorage } from './smart-storage.js';

/** What is used of a node-redis client: single node, Sentinel and Cluster have it alike. */
export interface RedisCommands {
  /** false: somebody closed it; a Redis that is away leaves it open */
  readonly isOpen: boolean;
  get(key: string): Promise<unknown>;
  set(key: string, value: string, options: { PX: number; NX?: boolean }): Promise<unknown>;
  getDel(key: string): Promise<unknown>;
  del(key: string): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/** `KeyvRedis` of `@keyv/redis`, by shape: the application brings its own copy. */
export interface RedisAdapter {
  getClient(): Promise<RedisCommands>;
  createKeyPrefix(key: string, namespace?: string): string;
  namespace?: string;
  disconnect(): Promise<unknown>;
}

export function isRedisAdapter(value: unknown): value is RedisAdapter {
  const { getClient, createKeyPrefix } = (value ?? {}) as Partial<RedisAdapter>;
  return typeof getClient === 'function' && typeof createKeyPrefix === 'function';
}

const RELEASE_AGAIN_MS = 1_000;
const RELEASE_IF_MINE = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end`;

/**
 * Sessions in Redis, through the Keyv adapter's own connection. Commands go to the client directly: Keyv has
 * no GETDEL and no NX, and by default it turns a Redis that is down into "not found".
 */
export function storageOverRedis(adapter: RedisAdapter, timeoutMs: number): CompleteStorage {
  const mutex = new KeyedMutex();
  const redisKey = (key: string) => adapter.createKeyPrefix(key, adapter.namespace);
  let failedAt = 0;
  let isClosed = false;
  let connecting: Promise<RedisCommands> | undefined;

  /** A call that was queued until after the end must not open the connection again. */
  const connected = async () => {
    if (isClosed) throw new Error('the storage is closed');
    // Together: the adapter hands a client that is still connecting to who comes second, and a Cluster then fails.
    connecting ??= adapter.getClient().finally(() => (connecting = undefined));
    return connecting;
  };

  /** Who waited behind an attempt that found no Redis does not wait for one of its own. */
  function queued<T>(key: string, enter: () => Promise<{ run: () => Promise<T> }>): Promise<T> {
    const queuedAt = Date.now();
    return mutex.run(key, async () => {
      if (failedAt > queuedAt) throw new Error('Redis did not answer the one before');
      const { run } = await enter().catch((error: unknown) => {
        failedAt = Date.now();
        throw error;
      });
      return run();
    });
  }

  async function acquire(client: RedisCommands, key: string, ttlMs: number): Promise<string> {
    const owner = randomUUID();
    const giveUpAt = Date.now() + ttlMs + timeoutMs;
    for (let pause = 10; ; pause = Math.min(pause * 1.5, 100)) {
      const taken = await withinDeadline(client.set(key, owner, { NX: true, PX: ttlMs }), timeoutMs).catch(
        (error: unknown) => {
          // A Redis that was silent may still take the lock, for somebody who no longer waits.
          void release(client, key, owner, giveUpAt);
          later(() => release(client, key, owner, giveUpAt));
          throw error;
        },
      );
      if (taken !== null) return owner;
      if (Date.now() > giveUpAt) throw new Error('the lock was not released in time');
      await delay(pause);
    }
  }

  /** One that cannot be released now is as soon as Redis is back, or ends by its TTL. */
  async function release(client: RedisCommands, key: string, owner: string, until: number): Promise<void> {
    // a client that somebody closed is not opened again
    if (isClosed || !client.isOpen) return;
    const released = client.eval(RELEASE_IF_MINE, { keys: [key], arguments: [owner] });
    await withinDeadline(released, timeoutMs).catch(() => {
      if (Date.now() < until) later(() => release(client, key, owner, until));
    });
  }

  function later(work: () => Promise<void>): void {
    setTimeout(() => void work(), RELEASE_AGAIN_MS).unref();
  }

  return {
    get: async (key) => text(await (await connected()).get(redisKey(key))),
    set: async (key, value, ttlMs) => {
      await (await connected()).set(redisKey(key), value, { PX: Math.max(1, Math.floor(ttlMs)) });
    },
    delete: async (key) => void (await (await connected()).del(redisKey(key))),
    take: async (key) => text(await (await connected()).getDel(redisKey(key))),
    // One waiter per process polls Redis; the others queue behind it.
    lock: (key, ttlMs, run) =>
      queued(key, async () => {
        const lockKey = redisKey(`lock:${key}`);
        const client = await withinDeadline(connected(), timeoutMs);
        const owner = await acquire(client, lockKey, ttlMs);
        const until = Date.now() + ttlMs;
        return { run: () => run().finally(() => release(client, lockKey, owner, until)) };
      }),
    close: async () => {
      isClosed = true;
      await adapter.disconnect();
    },
    guarantees: { atomicTake: true, atomicLock: true, memoryOnly: false },
  };
}

/** A client that is set up to answer with buffers would look like an empty store, and log everybody out. */
function text(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'string') return value;
  throw new Error('Redis answered with something that is not text');
}
