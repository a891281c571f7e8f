import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import KeyvRedis, { createClient } from '@keyv/redis';
import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import { freePort } from '../../test/support/free-port.js';
import { describeWithRedis, describeWithRedisServer, startRedisServer } from '../../test/support/redis.js';
import type { RedisProcess } from '../../test/support/redis.js';
import { completeStorage } from './complete-storage.js';
import { isRedisAdapter } from './redis-storage.js';
import type { CompleteStorage } from './smart-storage.js';

type KeyvRedisClient = NonNullable<ConstructorParameters<typeof KeyvRedis>[0]>;

const MINUTE = 60_000;
const UNAVAILABLE = { error: 'store_unavailable', status: 503 };

await describeWithRedis('sessions in Redis', (redis) => {
  const storage = () => completeStorage(redis.keyv(), 2_000);

  const open: CompleteStorage[] = [];
  const opened = (store: CompleteStorage) => (open.push(store), store);

  afterEach(async () => {
    for (const store of open.splice(0)) await store.close();
    await redis.clear();
  });

  it('are kept under the namespace of the Keyv, as they were given', async () => {
    const store = storage();
    await store.set('smart:launch:a', 'value', MINUTE);
    expect(await store.get('smart:launch:a')).toBe('value');
    expect(await redis.entries()).toMatchObject([
      { key: `${redis.namespace}::smart:launch:a`, value: 'value' },
    ]);
    await store.delete('smart:launch:a');
    expect(await store.get('smart:launch:a')).toBeUndefined();
    expect(await redis.entries()).toEqual([]);
  });

  it('are found through a cache-manager Cache too', async () => {
    const store = completeStorage(createCache({ stores: [redis.keyv()] }), 2_000);
    await store.set('key', 'value', MINUTE);
    expect(await storage().take('key')).toBe('value');
    expect(store.guarantees).toEqual({ atomicTake: true, atomicLock: true, memoryOnly: false });
  });

  it('are kept in a KeyvRedis that no Keyv is around, too', async () => {
    const adapter = new KeyvRedis(redis.url, { namespace: redis.namespace });
    const store = completeStorage(adapter, 2_000);
    await store.set('key', 'value', MINUTE);
    expect(await storage().take('key')).toBe('value');
    expect(store.guarantees.atomicLock).toBe(true);
    await store.close();
  });

  it('are an outage and no logout where the client answers with buffers', async () => {
    await storage().set('key', 'value', MINUTE);
    // 36 is RESP's "$", a bulk string
    const client = createClient({ url: redis.url, commandOptions: { typeMapping: { 36: Buffer } } });
    const adapter = new KeyvRedis(client as KeyvRedisClient);
    const keyv = new Keyv({ store: adapter, namespace: redis.namespace, useKeyPrefix: false });
    const store = opened(completeStorage(keyv, 2_000));
    await expect(store.get('key')).rejects.toMatchObject(UNAVAILABLE);
    await expect(store.take('key')).rejects.toMatchObject(UNAVAILABLE);
  });

  it('are closed with the application: no late call connects again', async () => {
    const store = storage();
    await store.set('key', 'value', MINUTE);
    await store.close();
    await expect(store.get('key')).rejects.toMatchObject(UNAVAILABLE);
    await expect(store.lock('key', MINUTE, async () => 'ran')).rejects.toMatchObject(UNAVAILABLE);
  });

  it('have a time to live, every key, locks too', async () => {
    const store = storage();
    await store.set('whole', 'value', MINUTE);
    await store.set('fraction', 'value', MINUTE + 0.5);
    const [whole, fraction, locks] = await store.lock('a', MINUTE, async () => {
      const entries = await redis.entries();
      const ttlOf = (name: string) => entries.find(({ key }) => key.endsWith(`::${name}`))?.ttlMs;
      return [ttlOf('whole'), ttlOf('fraction'), ttlOf('lock:a')];
    });
    for (const ttl of [whole, fraction, locks]) {
      expect(ttl).toBeGreaterThan(0);
      expect(ttl).toBeLessThanOrEqual(MINUTE);
    }
  });

  it.each([0, -5, 0.2])('are not kept for ever by a time to live of %d ms', async (ttlMs) => {
    const store = storage();
    await store.set('key', 'value', ttlMs);
    expect((await redis.entries()).filter(({ ttlMs: left }) => left === -1)).toEqual([]);
  });

  it('A6-3 are taken by one of many takers on two connections', async () => {
    const [here, there] = [storage(), storage()];
    await here.set('key', 'value', MINUTE);
    const takers = Array.from({ length: 20 }, (_, index) => [here, there][index % 2]!.take('key'));
    expect((await Promise.all(takers)).filter((value) => value !== undefined)).toEqual(['value']);
    expect(await redis.entries()).toEqual([]);
  });

  it('A9-4 are locked by one holder at a time, on two connections', async () => {
    const [here, there] = [storage(), storage()];
    let inside = 0;
    const holders = Array.from({ length: 10 }, (_, index) =>
      [here, there][index % 2]!.lock('key', MINUTE, async () => {
        inside++;
        await here.get('other');
        await there.get('other');
        return inside--;
      }),
    );
    expect(await Promise.all(holders)).toEqual(Array(10).fill(1));
    expect(await redis.entries()).toEqual([]);
  });

  it('A9-4 are free again when a holder fails', async () => {
    const [here, there] = [storage(), storage()];
    const failing = here.lock('key', MINUTE, () => Promise.reject(new Error('failed')));
    await expect(failing).rejects.toThrow('failed');
    expect(await there.lock('key', MINUTE, async () => 'next')).toBe('next');
  });

  it('A9-4 are free again when the process of a holder died', async () => {
    const store = storage();
    const client = createClient({ url: redis.url });
    await client.connect();
    // what a process leaves behind that ended within its lock
    await client.set(`${redis.namespace}::lock:key`, 'somebody', { PX: 200 });
    client.destroy();
    const order: string[] = [];
    await store.lock('key', MINUTE, async () => {
      const entries = await redis.entries();
      order.push(...entries.map(({ value }) => (value === 'somebody' ? 'died' : 'next')));
    });
    expect(order).toEqual(['next']);
  });

  it('A9-4 stay locked by the next holder when one was too slow and lost the lock', async () => {
    const [slow, next] = [storage(), storage()];
    const log: string[] = [];
    const { promise: slowIsDone, resolve: slowEnds } = promised();
    const { promise: nextIsIn, resolve: nextEnters } = promised();
    const { promise: slowIsIn, resolve: slowEnters } = promised();
    const first = slow.lock('key', 50, async () => {
      slowEnters();
      await nextIsIn;
      log.push('slow out');
    });
    await slowIsIn;
    const second = next.lock('key', MINUTE, async () => {
      log.push('next in');
      nextEnters();
      await slowIsDone;
      log.push(`locks: ${(await redis.entries()).length}`);
    });
    await first;
    slowEnds();
    await second;
    expect(log).toEqual(['next in', 'slow out', 'locks: 1']);
  });

  it('C-17 are not waited for without end where a lock is never released', async () => {
    const [holder, waiter] = [storage(), storage()];
    const { promise: released, resolve: release } = promised();
    const { promise: isHeld, resolve: held } = promised();
    const holding = holder.lock('key', MINUTE, async () => (held(), released));
    await isHeld;
    let ran = false;
    await expect(waiter.lock('key', 1, async () => void (ran = true))).rejects.toMatchObject(UNAVAILABLE);
    expect(ran).toBe(false);
    release();
    await holding;
  });
});

describeWithRedisServer('a Redis that is down', () => {
  let server: RedisProcess;
  let store: CompleteStorage;
  const open: (() => Promise<unknown>)[] = [];

  const start = async () => {
    server = await startRedisServer();
    store = completeStorage(new Keyv(new KeyvRedis(server.url)), 1_000);
    open.push(() => store.close().catch(() => undefined), server.close);
    await store.set('key', 'value', MINUTE);
  };
  const everyCallIsUnavailable = async () => {
    const calls = await Promise.allSettled([
      store.get('key'),
      store.set('key', 'other', MINUTE),
      store.delete('key'),
      store.take('key'),
      store.lock('key', MINUTE, async () => 'ran'),
    ]);
    expect(calls).toMatchObject(Array(5).fill({ status: 'rejected', reason: UNAVAILABLE }));
  };

  afterEach(async () => {
    for (const close of open.splice(0)) await close();
  });

  it.each(['SIGKILL', 'SIGSTOP'] as const)('C-17 is 503, at once or at the deadline: %s', async (signal) => {
    await start();
    server.signal(signal);
    await everyCallIsUnavailable();
    await everyCallIsUnavailable();
  });

  it('is 503 where it never was up', async () => {
    store = completeStorage(new Keyv(new KeyvRedis(`redis://127.0.0.1:${await freePort()}`)), 250);
    open.push(() => store.close().catch(() => undefined));
    await everyCallIsUnavailable();
  });

  it('is 503 where it never was up and a lock is the first that is wanted', async () => {
    store = completeStorage(new Keyv(new KeyvRedis(`redis://127.0.0.1:${await freePort()}`)), 250);
    open.push(() => store.close().catch(() => undefined));
    await expect(store.lock('key', MINUTE, async () => 'ran')).rejects.toMatchObject(UNAVAILABLE);
  });

  it.each(['SIGKILL', 'SIGSTOP'] as const)(
    'C-17 does not keep the answer of who holds a lock: %s',
    async (signal) => {
      await start();
      const answer = store.lock('key', MINUTE, async () => (server.signal(signal), 'answer'));
      expect(await answer).toBe('answer');
    },
  );

  it('C-17 keeps nobody waiting for a lock longer than the first who waits', async () => {
    await start();
    server.signal('SIGSTOP');
    let ran = 0;
    const waiting = Array.from({ length: 100 }, () => store.lock('key', MINUTE, async () => ran++));
    const results = await Promise.allSettled(waiting);
    expect(results).toMatchObject(Array(100).fill({ status: 'rejected' }));
    expect(ran).toBe(0);
  });

  it('keeps no lock that was taken when it woke up, for somebody who no longer waits', async () => {
    await start();
    server.signal('SIGSTOP');
    await expect(store.lock('key', MINUTE, async () => 'ran')).rejects.toMatchObject(UNAVAILABLE);
    server.signal('SIGCONT');
    expect(await store.lock('key', 500, async () => 'ran')).toBe('ran');
  });

  it('A9-4 C-17 frees a lock as soon as it is back, though it could not be told before', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'redis-'));
    const options = ['--appendonly', 'yes', '--appendfsync', 'always', '--dir', folder];
    server = await startRedisServer({ options });
    store = completeStorage(new Keyv(new KeyvRedis(server.url)), 300);
    await store.lock('key', MINUTE, () => server.close());
    server = await startRedisServer({ port: server.port, options });
    open.push(
      () => store.close().catch(() => undefined),
      server.close,
      async () => rmSync(folder, { recursive: true }),
    );
    const lock = async (): Promise<string> => {
      const [owner] = await Promise.allSettled([store.lock('key', MINUTE / 4, async () => 'free')]);
      return owner.status === 'fulfilled' ? owner.value : lock();
    };
    expect(await lock()).toBe('free');
  });

  it('serves again when it is back', async () => {
    await start();
    server.signal('SIGSTOP');
    await expect(store.get('key')).rejects.toMatchObject(UNAVAILABLE);
    server.signal('SIGCONT');
    expect(await store.get('key')).toBe('value');
    expect(await store.lock('key', MINUTE, async () => 'ran')).toBe('ran');
  });
});

describe('isRedisAdapter', () => {
  it.each<[string, unknown, boolean]>([
    ['a KeyvRedis', new KeyvRedis('redis://127.0.0.1:6379'), true],
    ['a Map', new Map(), false],
    ['a Redis client', { get: () => undefined, set: () => undefined }, false],
    ['nothing', undefined, false],
    ['null', null, false],
  ])('knows it by shape, from whatever copy of the package: %s', (_what, value, expected) => {
    expect(isRedisAdapter(value)).toBe(expected);
  });
});

function promised(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => undefined as void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
