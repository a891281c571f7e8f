import { createRequire } from 'node:module';
import { SmartError } from '../smart-error.js';

/** A client of node-redis 5: `createClient()`, `createSentinel()` or `createCluster()`, connected or not. */
export interface RedisClient {
  readonly isOpen: boolean;
  connect(): Promise<unknown>;
  destroy(): unknown;
}

/** Options of `createClient()` */
export interface RedisNodeOptions {
  /** `redis[s]://[[username][:password]@][host][:port][/database]` */
  url: string;
  socket?: object;
  [option: string]: unknown;
}

/** Options of `createSentinel()` */
export interface RedisSentinelOptions {
  /** what the Sentinels call the group of servers */
  name: string;
  sentinelRootNodes: { host: string; port: number }[];
  nodeClientOptions?: object;
  sentinelClientOptions?: object;
  [option: string]: unknown;
}

/** Options of `createCluster()` */
export interface RedisClusterOptions {
  rootNodes: object[];
  defaults?: object;
  [option: string]: unknown;
}

export type RedisOptions = RedisNodeOptions | RedisSentinelOptions | RedisClusterOptions;

type MakeClient = (options: object) => RedisClient;
type NodeRedis = Record<'createClient' | 'createSentinel' | 'createCluster', MakeClient>;

const CONNECT_TIMEOUT_MS = 1_000;
/** a server that says nothing for so long is given up; the pings keep an idle connection */
const SOCKET_TIMEOUT_MS = 1_500;
const PING_INTERVAL_MS = 500;
const MAX_RECONNECT_MS = 1_000;

/** Left to itself node-redis waits for ever for a Redis that is down or silent, and gives up after a silence. */
const FAIL_FAST = {
  disableOfflineQueue: true,
  pingInterval: PING_INTERVAL_MS,
  socket: {
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    reconnectStrategy: (retries: number) =>
      Math.min(50 * 2 ** retries, MAX_RECONNECT_MS) + Math.random() * PING_INTERVAL_MS,
  },
};

/** @throws SmartError `invalid_configuration` */
export function makeRedisClient(options: RedisOptions): RedisClient {
  if (readsReplicas(options)) throw staleReads();
  const { createClient, createSentinel, createCluster } = nodeRedis();
  try {
    if (isCluster(options)) {
      return createCluster({ ...options, defaults: failFast(options.defaults) });
    }
    if (isSentinel(options)) {
      return createSentinel({
        ...options,
        nodeClientOptions: failFast(options.nodeClientOptions),
        sentinelClientOptions: failFast(options.sentinelClientOptions),
      });
    }
    return createClient(failFast(options));
  } catch (error) {
    // Node's error for a URL that is none repeats it, password and all.
    throw mistake(`the options are refused by node-redis (${(error as Error).name}): check the URL`);
  }
}

/** @throws SmartError `invalid_configuration` where it is no client, or one that cannot keep sessions */
export function checkedRedisClient(client: RedisClient): RedisClient {
  const isNodeRedis = (['getDel', 'eval', 'close'] as const).every(
    (name) => typeof (client as unknown as Record<string, unknown>)[name] === 'function',
  );
  if (!isNodeRedis) throw mistake('the client is none of node-redis 5: give the URL instead');
  const { _options: options } = client as { _options?: object };
  if (options && readsReplicas(options)) throw staleReads();
  return client;
}

function isCluster(options: RedisOptions): options is RedisClusterOptions {
  return 'rootNodes' in options;
}

function isSentinel(options: RedisOptions): options is RedisSentinelOptions {
  return 'sentinelRootNodes' in options;
}

function failFast(given: object = {}): object {
  const { socket } = given as { socket?: object };
  return { ...FAIL_FAST, ...given, socket: { ...FAIL_FAST.socket, ...socket } };
}

/** A replica lags behind: it would hand out a refresh token that was spent, or a session that was ended. */
function readsReplicas(options: object): boolean {
  const { useReplicas, replicaPoolSize } = options as { useReplicas?: boolean; replicaPoolSize?: number };
  return useReplicas === true || (replicaPoolSize ?? 0) > 0;
}

function staleReads(): SmartError {
  return mistake('reads from replicas bring back spent tokens: leave out useReplicas and replicaPoolSize');
}

/** The application's own copy, which it installs for Redis alone. */
function nodeRedis(): NodeRedis {
  try {
    return createRequire(import.meta.url)('@keyv/redis') as NodeRedis;
  } catch {
    throw mistake('the Redis client is not installed: npm i @keyv/redis');
  }
}

export function mistake(sentence: string): SmartError {
  return new SmartError('invalid_configuration', `redisStorage: ${sentence}`);
}
