import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { withinDeadline } from './deadline.js';
import { KeyedMutex } from './keyed-mutex.js';
import type { CompleteStorage } from './smart-storage.js';

/** What is used of a node-redis client: single node, Sentinel and Cluster have it alike. */
interface RedisCommands {
  get(key: string): Promise<unknown>;
  set(key: string, value: string, options: { PX: number; NX?: boolean }): Promise<unknown>;
  getDel(key: string): Promise<unknown>;
  del(key: string): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/** `KeyvRedis` of `@keyv/redis`, by shape: the application brings its own copy. */
interface RedisAdapter {
  getClient(): Promise<RedisCommands>;
  createKeyPrefix(key: string, namespace?: string): string;
  namespace?: string;
  disconnect(): Promise<unknown>;
}

export function isRedisAdapter(value: unknown): value is RedisAdapter {
  const { getClient, createKeyPrefix } = (value ?? {}) as Partial<RedisAdapter>;
  return typeof getClient === 'function' && typeof createKeyPrefix === 'function';
}

const RELEASE_IF_MINE = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end`;

/**
 * Sessions in Redis, through the Keyv adapter's own connection. Commands go to the client directly: Keyv has
 * no GETDEL and no NX, and by default it turns a Redis that is down into "not found".
 */
export function redisStorage(adapter: RedisAdapter, timeoutMs: number): CompleteStorage {
  const mutex = new KeyedMutex();
  const redisKey = (key: string) => adapter.createKeyPrefix(key, adapter.namespace);
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);

  async function acquire(client: RedisCommands, key: string, ttlMs: number): Promise<string> {
    const owner = randomUUID();
    const giveUpAt = Date.now() + ttlMs + 1_000;
    for (let pause = 10; ; pause = Math.min(pause * 1.5, 100)) {
      const taken = await withinDeadline(client.set(key, owner, { NX: true, PX: ttlMs }), timeoutMs);
      if (taken !== null) return owner;
      if (Date.now() > giveUpAt) throw new Error('the lock was not released in time');
      await delay(pause);
    }
  }

  return {
    get: async (key) => text(await (await adapter.getClient()).get(redisKey(key))),
    set: async (key, value, ttlMs) => {
      await (await adapter.getClient()).set(redisKey(key), value, { PX: Math.max(1, Math.floor(ttlMs)) });
    },
    delete: async (key) => void (await (await adapter.getClient()).del(redisKey(key))),
    take: async (key) => text(await (await adapter.getClient()).getDel(redisKey(key))),
    // One waiter per process polls Redis; the others queue behind it.
    lock: (key, ttlMs, run) =>
      mutex.run(key, async () => {
        const client = await withinDeadline(adapter.getClient(), timeoutMs);
        const lockKey = redisKey(`lock:${key}`);
        const owner = await acquire(client, lockKey, ttlMs);
        try {
          return await run();
        } finally {
          // A lock that cannot be released now ends by its TTL.
          const release = client.eval(RELEASE_IF_MINE, { keys: [lockKey], arguments: [owner] });
          await withinDeadline(release, timeoutMs).catch(() => undefined);
        }
      }),
    close: async () => void (await adapter.disconnect()),
    guarantees: { atomicTake: true, atomicLock: true, memoryOnly: false },
  };
}
