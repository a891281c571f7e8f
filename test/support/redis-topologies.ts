import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.js';
import { startRedisServer } from './redis.js';
import type { RedisProcess } from './redis.js';

/** Several servers that are one Redis; a master can be killed, and a replica takes over. */
export interface RedisTopology {
  /** options for node-redis: of `createCluster()` or `createSentinel()` */
  options:
    { rootNodes: { url: string }[] } | { name: string; sentinelRootNodes: { host: string; port: number }[] };
  /** kills a master and resolves when a replica is in its place */
  failOver(): Promise<void>;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
const NODE_TIMEOUT_MS = '1000';

/** A Cluster of three masters, each with a replica. */
export async function startRedisCluster(): Promise<RedisTopology> {
  const folder = mkdtempSync(join(tmpdir(), 'redis-cluster-'));
  const nodes: RedisProcess[] = [];
  for (let index = 0; index < 6; index += 1) {
    const port = await clusterPort();
    const own = ['--cluster-enabled', 'yes', '--cluster-config-file', join(folder, `${port}.conf`)];
    const fast = ['--cluster-node-timeout', NODE_TIMEOUT_MS, '--cluster-replica-validity-factor', '0'];
    nodes.push(await startRedisServer({ port, options: [...own, ...fast, ...ownFolder(folder, port)] }));
  }
  const [first, second, third] = nodes as [RedisProcess, RedisProcess, RedisProcess];
  const addresses = nodes.map(({ port }) => `${HOST}:${port}`);
  cli(first, '--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes');
  const isWhole = (node: RedisProcess) => cli(node, 'cluster', 'info').includes('cluster_state:ok');
  const hasReplica = (node: RedisProcess) => /state=online/.test(cli(node, 'info', 'replication'));
  await until(() => nodes.every(isWhole) && [first, second, third].every(hasReplica));
  return {
    options: { rootNodes: nodes.map(({ url }) => ({ url })) },
    failOver: async () => {
      await first.close();
      const isFailed = () => cli(second, 'cluster', 'nodes').includes('master,fail ');
      await until(() => isFailed() && isWhole(second) && isWhole(third));
    },
    close: () => closed(nodes, folder),
  };
}

/** A master with a replica, and one Sentinel that watches them. */
export async function startRedisSentinel(): Promise<RedisTopology> {
  const folder = mkdtempSync(join(tmpdir(), 'redis-sentinel-'));
  const start = async (...options: string[]) => {
    const port = await freePort(HOST);
    return startRedisServer({ port, options: [...ownFolder(folder, port), ...options] });
  };
  const master = await start();
  const replica = await start('--replicaof', HOST, String(master.port));
  await until(() => /state=online/.test(cli(master, 'info', 'replication')));
  const port = await freePort(HOST);
  const configuration = join(folder, 'sentinel.conf');
  writeFileSync(
    configuration,
    `dir ${folder}
sentinel monitor main ${HOST} ${master.port} 1
sentinel down-after-milliseconds main 500
sentinel failover-timeout main 2000
`,
  );
  const sentinel = await startRedisServer({ port, configuration, options: ['--sentinel'] });
  const masterOf = () => cli(sentinel, 'sentinel', 'get-master-addr-by-name', 'main');
  await until(() => cli(sentinel, 'sentinel', 'replicas', 'main').includes(String(replica.port)));
  return {
    options: { name: 'main', sentinelRootNodes: [{ host: HOST, port }] },
    failOver: async () => {
      await master.close();
      await until(() => masterOf().includes(String(replica.port)));
    },
    close: () => closed([sentinel, replica, master], folder),
  };
}

function ownFolder(folder: string, port: number): string[] {
  return ['--dir', folder, '--dbfilename', `${port}.rdb`, '--repl-diskless-sync-delay', '0'];
}

/** A node also listens on its port + 10,000. */
async function clusterPort(): Promise<number> {
  for (;;) {
    const port = await freePort(HOST);
    if (port < 55_000) return port;
  }
}

function cli(node: RedisProcess, ...command: string[]): string {
  const { stdout, stderr, status } = spawnSync('redis-cli', ['-p', String(node.port), ...command], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`redis-cli ${command.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

/** These servers say only when asked how far they are. */
async function until(isTrue: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 60_000;
  while (!isTrue()) {
    if (performance.now() > giveUpAt) throw new Error('The Redis servers did not find together');
    await delay(100);
  }
}

async function closed(nodes: RedisProcess[], folder: string): Promise<void> {
  await Promise.all(nodes.map((node) => node.close()));
  rmSync(folder, { recursive: true, force: true });
}
