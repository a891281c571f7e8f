import { setTimeout as delay } from 'node:timers/promises';
import { storeUnavailable, withinDeadline } from './deadline.js';
import { checkedRedisClient, makeRedisClient, mistake } from './redis-client.js';
import type { RedisClient, RedisOptions } from './redis-client.js';
import type { RedisAdapter, RedisCommands } from './redis-storage.js';
import type { SmartStorage } from './smart-storage.js';

/** What a client is used for here: the commands of the storage, and its life. */
interface LiveClient extends RedisClient, RedisCommands {
  close(): Promise<unknown>;
  on(event: string, listener: (error: unknown) => void): unknown;
  /** of a Cluster: another one with the same options */
  duplicate?(): LiveClient;
  /** of a Cluster */
  slots?: unknown;
}

/** so long the first callers wait for the first connection */
const FIRST_CONNECTION_MS = 1_000;
const CLOSE_MS = 1_000;
const RENEWAL_MS = 5_000;

/** A connection to Redis that answers or fails, and is there again when Redis is. */
class RedisConnection implements RedisAdapter, SmartStorage {
  #client: LiveClient;
  /** who opened it closes it: a client that came connected belongs to the application */
  #isOurs: boolean | undefined;
  #opening: { done: Promise<void>; until: number } | undefined;
  #isRenewing = false;
  #isClosed = false;

  constructor(
    client: RedisClient,
    readonly namespace: string,
  ) {
    this.#client = client as LiveClient;
    this.#listen(this.#client);
  }

  createKeyPrefix(key: string): string {
    return `${this.namespace}::${key}`;
  }

  async getClient(): Promise<RedisCommands> {
    this.#isOurs ??= !this.#client.isOpen;
    if (this.#client.isOpen && !this.#opening) return this.#client;
    this.#opening ??= { done: this.#open(), until: performance.now() + FIRST_CONNECTION_MS };
    const { done, until } = this.#opening;
    await withinDeadline(done, Math.max(0, until - performance.now()));
    return this.#client;
  }

  async get(key: string): Promise<string | null> {
    return (await (await this.getClient()).get(this.createKeyPrefix(key))) as string | null;
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    const PX = Math.max(1, Math.floor(ttlMs));
    await (await this.getClient()).set(this.createKeyPrefix(key), value, { PX });
  }

  async delete(key: string): Promise<void> {
    await (await this.getClient()).del(this.createKeyPrefix(key));
  }

  async disconnect(): Promise<void> {
    this.#isClosed = true;
    if (this.#isOurs && this.#client.isOpen) await closed(this.#client);
  }

  async #open(): Promise<void> {
    const client = this.#client;
    try {
      await client.connect();
    } catch (error) {
      // a Sentinel that was not found stays half open
      await destroyed(client);
      throw storeUnavailable(error);
    } finally {
      this.#opening = undefined;
    }
  }

  #listen(client: LiveClient): void {
    // Every call reports its own failure; an event nobody listens to would end the process.
    client.on('error', () => undefined);
    if (client.slots && client.duplicate) client.on('node-error', () => void this.#renew(client));
  }

  /**
   * node-redis asks where a Cluster's slots are when a node sends it elsewhere; a master that died sends nobody
   * anywhere, so its slots would stay lost after another node took them over.
   */
  async #renew(client: LiveClient): Promise<void> {
    if (this.#isRenewing || this.#isClosed || client !== this.#client) return;
    this.#isRenewing = true;
    const next = client.duplicate!();
    try {
      this.#listen(next);
      await withinDeadline(next.connect(), RENEWAL_MS);
      if (this.#isClosed) throw new Error('closed meanwhile');
      this.#client = next;
      const wasOurs = this.#isOurs;
      this.#isOurs = true;
      if (wasOurs) await closed(client);
    } catch {
      // a node is still away: its next failure comes soon
      await destroyed(next);
    } finally {
      this.#isRenewing = false;
    }
  }
}

/** Lets running commands end, for a moment. */
async function closed(client: LiveClient): Promise<void> {
  const late = delay(CLOSE_MS, undefined, { ref: false });
  await Promise.race([client.close(), late]).catch(() => undefined);
  await destroyed(client);
}

async function destroyed(client: LiveClient): Promise<void> {
  try {
    if (client.isOpen) await client.destroy();
  } catch {
    // it closed meanwhile
  }
}

/**
 * Sessions in Redis, for the option `storage`: a URL, or a client or the options of node-redis for one server, Sentinel
 * or Cluster. A Redis that is down or silent is answered with 503 at once, and used again as soon as it is back.
 *
 * From a URL or options it makes a client with the settings for that, and closes it with the app. A client that is
 * connected already keeps its own settings and stays open. Needs `@keyv/redis` (`npm i @keyv/redis`), unless it is
 * given a client.
 *
 * @param options.namespace first part of every key, `smart-on-fhir` by default
 * @throws SmartError `invalid_configuration`
 * @example
 * SmartOnFhirModule.forRoot({ client, storage: redisStorage('rediss://user:password@redis.example.org') })
 * redisStorage({ rootNodes: [{ url: 'redis://10.0.0.1:6379' }, { url: 'redis://10.0.0.2:6379' }] })
 * redisStorage({ name: 'main', sentinelRootNodes: [{ host: '10.0.0.1', port: 26379 }] })
 */
export function redisStorage(
  redis: string | RedisOptions | RedisClient,
  options: { namespace?: string } = {},
): SmartStorage {
  return new RedisConnection(clientOf(redis), options.namespace ?? 'smart-on-fhir');
}

function clientOf(redis: unknown): RedisClient {
  if (typeof redis === 'string') return makeRedisClient({ url: redis });
  if (typeof redis !== 'object' || redis === null) {
    throw mistake('give a URL, e.g. redis://127.0.0.1:6379, or a client or options of node-redis');
  }
  if ('connect' in redis) return checkedRedisClient(redis as RedisClient);
  if ('url' in redis || 'rootNodes' in redis || 'sentinelRootNodes' in redis)
    return makeRedisClient(redis as RedisOptions);
  throw mistake('the options name no server: give url, rootNodes, or name and sentinelRootNodes');
}
