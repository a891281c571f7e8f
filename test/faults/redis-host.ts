import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@keyv/redis';
import { startRedisServer } from '../support/redis.js';
import type { RedisProcess } from '../support/redis.js';

/** A machine with a Redis on it that writes everything to its disk before it answers. */
export class RedisHost {
  readonly #folder = mkdtempSync(join(tmpdir(), 'redis-host-'));
  #server: RedisProcess | undefined;

  static async start(): Promise<RedisHost> {
    const host = new RedisHost();
    await host.restart();
    return host;
  }

  get port(): number {
    return this.#server!.port;
  }

  async kill(): Promise<void> {
    await this.#server?.close();
  }

  async restart(options: { empty?: boolean } = {}): Promise<void> {
    if (options.empty) rmSync(join(this.#folder, 'appendonlydir'), { recursive: true, force: true });
    const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--dir', this.#folder];
    this.#server = await startRedisServer({ port: this.#server?.port, options: durable });
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#server!.signal(name);
  }

  /** Out of memory: every write is refused. */
  async fill(): Promise<void> {
    await this.#configure({ maxmemory: '1', 'maxmemory-policy': 'noeviction' });
  }

  /** Out of memory, and what is there makes room for what comes. */
  async evict(): Promise<void> {
    await this.#configure({ 'maxmemory-policy': 'allkeys-lru', maxmemory: '1' });
  }

  async makeRoom(): Promise<void> {
    await this.#configure({ maxmemory: '0', 'maxmemory-policy': 'noeviction' });
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #configure(settings: Record<string, string>): Promise<void> {
    const client = createClient({ url: this.#server!.url });
    await client.connect();
    for (const [name, value] of Object.entries(settings)) await client.configSet(name, value);
    client.destroy();
  }
}
