import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import KeyvRedis, { createClient } from '@keyv/redis';
import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { Keyv } from 'keyv';
import { freePort } from './free-port.js';

const URL_OF_TESTS = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';

/** A Redis server for tests, with a key namespace of this run's own. */
export class TestRedis {
  readonly namespace = `test-${randomUUID()}`;
  readonly #client;
  readonly #keyvs: Keyv[] = [];

  constructor(readonly url: string) {
    this.#client = clientOf(url);
  }

  async open(): Promise<void> {
    await this.#client.connect();
  }

  /** A Keyv as an application makes it; each has a connection of its own, as another process would. */
  keyv(): Keyv {
    const store = new KeyvRedis(this.url);
    const keyv = new Keyv({ store, namespace: this.namespace, useKeyPrefix: false });
    keyv.on('error', () => undefined);
    this.#keyvs.push(keyv);
    return keyv;
  }

  /** The keys of this run, each with its value and the milliseconds it still lives (-1: for ever). */
  async entries(): Promise<{ key: string; value: string; ttlMs: number }[]> {
    const keys = await this.#client.keys(`${this.namespace}*`);
    const entries = keys.sort().map(async (key) => ({
      key,
      value: (await this.#client.get(key)) ?? '',
      ttlMs: await this.#client.pTTL(key),
    }));
    return Promise.all(entries);
  }

  async clear(): Promise<void> {
    const keys = await this.#client.keys(`${this.namespace}*`);
    if (keys.length) await this.#client.del(keys);
  }

  async close(): Promise<void> {
    if (!this.#client.isOpen) return;
    await this.clear();
    await Promise.all(this.#keyvs.map((keyv) => keyv.disconnect()));
    this.#client.destroy();
  }
}

function clientOf(url: string) {
  const client = createClient({ url, socket: { connectTimeout: 2_000, reconnectStrategy: false } });
  client.on('error', () => undefined);
  return client;
}

async function answers(url: string): Promise<boolean> {
  const client = clientOf(url);
  try {
    await client.connect();
    client.destroy();
    return true;
  } catch {
    return false;
  }
}

/** A redis-server of the test's own, which it may kill or freeze. */
export interface RedisProcess {
  url: string;
  port: number;
  /** SIGKILL: gone. SIGSTOP: connections stay open and nothing answers */
  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void;
  close(): Promise<void>;
}

/** @param given `options` are those of redis-server, e.g. `['--appendonly', 'yes', '--dir', folder]` */
export async function startRedisServer(
  given: { port?: number; configuration?: string; options?: string[] } = {},
): Promise<RedisProcess> {
  const port = given.port ?? (await freePort());
  const place = ['--port', String(port), '--bind', '127.0.0.1'];
  // the first argument may be a file
  const defaults = given.configuration
    ? [given.configuration, ...place]
    : [...place, '--save', '', '--appendonly', 'no'];
  const server = spawn('redis-server', [...defaults, ...(given.options ?? [])], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('exit', () => reject(new Error('redis-server did not start')));
    server.stdout.on('data', (text: Buffer) => {
      if (/Ready to accept connections|Running mode=sentinel/.test(text.toString())) resolve();
    });
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    signal: (name) => void server.kill(name),
    close: async () => {
      server.kill('SIGKILL');
      await exited;
    },
  };
}

/** `describe` where a Redis answers. Elsewhere the tests are skipped with a line that says so; in CI they fail. */
export async function describeWithRedis(name: string, tests: (redis: TestRedis) => void): Promise<void> {
  if (await answers(URL_OF_TESTS)) {
    return describe(name, () => {
      const redis = new TestRedis(URL_OF_TESTS);
      beforeAll(() => redis.open());
      afterAll(() => redis.close());
      tests(redis);
    });
  }
  skipped(name, `no Redis answers at ${URL_OF_TESTS}`);
}

/** `describe` where the tests can start a redis-server of their own. */
export function describeWithRedisServer(name: string, tests: () => void): void {
  if (isInstalled('redis-server')) return describe(name, tests);
  skipped(name, 'there is no redis-server to start');
}

/** The same where redis-cli can make a Cluster of them, too. */
export function describeWithRedisCli(name: string, tests: () => void): void {
  if (isInstalled('redis-server') && isInstalled('redis-cli')) return describe(name, tests);
  skipped(name, 'there is no redis-server or no redis-cli');
}

function isInstalled(program: string): boolean {
  return spawnSync(program, ['--version']).status === 0;
}

function skipped(name: string, reason: string): void {
  if (process.env.CI === 'true') throw new Error(`${name}: ${reason}`);
  process.stdout.write(`skipped: ${name} (${reason})\n`);
  it.skip(name, () => undefined);
}
