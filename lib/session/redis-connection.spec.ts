import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { createCluster, createClient } from '@keyv/redis';
import { freePort } from '../../test/support/free-port.js';
import { describeWithRedis, describeWithRedisServer, startRedisServer } from '../../test/support/redis.js';
import { completeStorage, storageMistake } from './complete-storage.js';
import { redisStorage } from './redis-connection.js';
import type { CompleteStorage, SmartStorage } from './smart-storage.js';

const MINUTE = 60_000;
/** longer than a test may take: what ends before it does so by itself */
const NEVER = 10 * MINUTE;
const UNAVAILABLE = { error: 'store_unavailable', status: 503 };

const open: (() => unknown)[] = [];
const opened = (storage: SmartStorage): CompleteStorage => {
  const complete = completeStorage(storage, NEVER);
  open.push(() => complete.close());
  return complete;
};

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

await describeWithRedis('redisStorage', (redis) => {
  const { namespace } = redis;

  it('is a storage that takes and locks in Redis, every key under its namespace', async () => {
    const storage = redisStorage(redis.url, { namespace });
    expect(storageMistake(storage)).toBeUndefined();
    const complete = opened(storage);
    await complete.set('key', 'value', MINUTE);
    expect(complete.guarantees).toEqual({ atomicTake: true, atomicLock: true, memoryOnly: false });
    expect(await redis.entries()).toMatchObject([{ key: `${namespace}::key`, value: 'value' }]);
    expect(await complete.take('key')).toBe('value');
    expect(await redis.entries()).toEqual([]);
  });

  it('can be asked itself', async () => {
    const storage = redisStorage({ url: redis.url }, { namespace });
    opened(storage);
    await storage.set('key', 'value', 0.5);
    await storage.set('key', 'other', MINUTE);
    expect(await storage.get('key')).toBe('other');
    await storage.delete!('key');
    expect(await storage.get('key')).toBeNull();
  });

  it('answers everybody who comes while it connects', async () => {
    const storage = opened(redisStorage(redis.url, { namespace }));
    const answers = await Promise.all(Array.from({ length: 20 }, () => storage.get('none')));
    expect(answers).toEqual(Array(20).fill(undefined));
  });

  it('leaves a client open that came connected, and closes one that did not', async () => {
    const [connected, other] = [createClient({ url: redis.url }), createClient({ url: redis.url })];
    await connected.connect();
    open.push(() => connected.close());
    for (const client of [connected, other]) {
      const storage = completeStorage(redisStorage(client, { namespace }), 2_000);
      await storage.set('key', 'value', MINUTE);
      await storage.close();
      await expect(storage.get('key')).rejects.toMatchObject(UNAVAILABLE);
    }
    expect([connected.isOpen, other.isOpen]).toEqual([true, false]);
  });
});

describeWithRedisServer('redisStorage where Redis fails', () => {
  const started = async (port?: number) => {
    const server = await startRedisServer({ port });
    open.push(server.close);
    return server;
  };
  /** Resolves when the storage answers again. */
  const back = async (storage: CompleteStorage): Promise<void> => {
    for (;;) {
      const isBack = await storage.get('key').then(
        () => true,
        () => false,
      );
      if (isBack) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  it.each(['SIGKILL', 'SIGSTOP'] as const)('C-17 fails by itself, without a deadline: %s', async (signal) => {
    const server = await started();
    const storage = opened(redisStorage(server.url));
    await storage.set('key', 'value', MINUTE);
    server.signal(signal);
    for (const call of [
      () => storage.get('key'),
      () => storage.set('other', 'value', MINUTE),
      () => storage.take('key'),
      () => storage.lock('key', MINUTE, async () => 'ran'),
    ]) {
      await expect(call()).rejects.toMatchObject(UNAVAILABLE);
    }
    if (signal === 'SIGSTOP') server.signal('SIGCONT');
    else await started(server.port);
    await back(storage);
    expect(await storage.lock('key', MINUTE, async () => 'ran')).toBe('ran');
  });

  it('fails where Redis never was up, and serves as soon as it is', async () => {
    const port = await freePort('127.0.0.1');
    const storage = opened(redisStorage(`redis://127.0.0.1:${port}`));
    await expect(storage.get('key')).rejects.toMatchObject(UNAVAILABLE);
    await expect(storage.get('key')).rejects.toMatchObject(UNAVAILABLE);
    await started(port);
    await back(storage);
  });

  it('outlives a connection on which nothing happens', async () => {
    const server = await started();
    const client = createClient({ url: server.url });
    client.on('error', () => undefined);
    await client.connect();
    open.push(() => client.destroy());
    const storage = opened(redisStorage(server.url));
    await storage.get('key');
    const connections = async () => (await client.clientList()).length;
    const before = await connections();
    const pings = async () => /cmdstat_ping:calls=(\d+)/.exec(await client.info('commandstats'))?.[1];
    while (Number((await pings()) ?? 0) < 4) await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await connections()).toBe(before);
    expect(await storage.get('key')).toBeUndefined();
  });

  it('can be closed while Redis is silent', async () => {
    const server = await started();
    const storage = completeStorage(redisStorage(server.url), NEVER);
    await storage.set('key', 'value', MINUTE);
    server.signal('SIGSTOP');
    const call = storage.get('key').catch((error: unknown) => error);
    // the command is on its way
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    await storage.close();
    expect(await call).toMatchObject(UNAVAILABLE);
  });
});

describe('redisStorage with options that cannot be', () => {
  const ioredis = { connect: () => undefined, getdel: () => undefined };
  const replicas = createCluster({ rootNodes: [{ url: 'redis://127.0.0.1' }], useReplicas: true });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'give a URL'],
    ['null', null, 'give a URL'],
    ['a number', 6379, 'give a URL'],
    ['text that is no URL', 'redis:/:canary@[', 'check the URL'],
    ['a URL of something else', 'https://:canary@example.org', 'check the URL'],
    ['options without a server', { host: 'localhost' }, 'give url, rootNodes'],
    ['a client of another package', ioredis, 'give the URL instead'],
    ['a Cluster that reads from replicas', { rootNodes: [], useReplicas: true }, 'leave out useReplicas'],
    ['a client of such a Cluster', replicas, 'leave out useReplicas'],
    [
      'a Sentinel that reads from replicas',
      { name: 'main', sentinelRootNodes: [], replicaPoolSize: 1 },
      'replicaPoolSize',
    ],
  ])('G-7 says what to write instead: %s', (_what, given, fix) => {
    const make = () => redisStorage(given as string);
    expect(make).toThrow(expect.objectContaining({ error: 'invalid_configuration' }));
    expect(make).toThrow(fix);
    expect(make).not.toThrow('canary');
  });

  it('G-7 names the package to install where it is missing', async () => {
    jest.mock('@keyv/redis', () => {
      throw new Error('Cannot find module');
    });
    try {
      expect(() => redisStorage('redis://127.0.0.1')).toThrow('npm i @keyv/redis');
    } finally {
      jest.unmock('@keyv/redis');
    }
  });
});
