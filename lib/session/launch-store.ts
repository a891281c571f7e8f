import QuickLRU from 'quick-lru';
import { storeUnavailable } from './deadline.js';
import { LAUNCH_PREFIX, entryKey } from './keys.js';
import type { LaunchRecord } from './launch-record.js';
import type { SealedBox } from './sealed-box.js';
import type { CompleteStorage } from './smart-storage.js';

/** How long a session lives, in milliseconds. */
export interface SessionLifetime {
  idleTimeoutMs: number;
  absoluteTimeoutMs: number;
}

const LOCK_MARGIN_MS = 5_000;
const SAVE_AGAIN_MS = 1_000;
const MAX_UNSAVED = 10_000;

/**
 * Completed launches by the id that opens them: the session id, or in multi-launch mode an id that the
 * session's index names.
 */
export class LaunchStore {
  readonly #unsaved = new QuickLRU<string, { id: string; record: LaunchRecord }>({ maxSize: MAX_UNSAVED });
  readonly #underWay = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(
    private readonly storage: CompleteStorage,
    private readonly box: SealedBox,
    private readonly lifetime: SessionLifetime,
    /** the longest a task under the lock may take */
    private readonly taskTimeoutMs: number,
  ) {}

  async read(id: string): Promise<LaunchRecord | undefined> {
    const key = entryKey(LAUNCH_PREFIX, id);
    const unsaved = this.#unsaved.get(key);
    if (unsaved) return unsaved.record;
    const entry = await this.storage.get(key);
    return entry === undefined ? undefined : this.box.open<LaunchRecord>(entry, key, id);
  }

  async write(id: string, record: LaunchRecord): Promise<void> {
    const key = entryKey(LAUNCH_PREFIX, id);
    await this.storage.set(key, this.box.seal(record, key, id), this.#ttlMs(record));
    this.#unsaved.delete(key);
  }

  /**
   * Writes what must not be lost: a rotated refresh token exists nowhere else. A store that is down gets it
   * as soon as it is back; until then this process serves from memory.
   */
  async writeSurely(id: string, record: LaunchRecord): Promise<void> {
    const key = entryKey(LAUNCH_PREFIX, id);
    this.#unsaved.set(key, { id, record });
    try {
      await this.write(id, record);
    } catch {
      this.#saveLater(id, key, record);
    }
  }

  async remove(id: string): Promise<void> {
    const key = entryKey(LAUNCH_PREFIX, id);
    await this.storage.delete(key);
    // Only now: until the store has let go of it, the older record there must not come back into use.
    this.#unsaved.delete(key);
  }

  /** Removes this launch, and leaves a later one alone that took its place. */
  async removeSame(id: string, launch: LaunchRecord): Promise<void> {
    await this.exclusive(id, async () => {
      if ((await this.read(id))?.launchId === launch.launchId) await this.remove(id);
    });
  }

  /** Runs the task while no other request, in this process or another, changes this launch. */
  async exclusive<T>(id: string, task: () => Promise<T>): Promise<T> {
    return this.#locked(id, async () => {
      // What waits in memory may be older than what another process stored meanwhile.
      await this.#save(id).catch(() => undefined);
      return task();
    });
  }

  /** Resolves when the refreshes and changes that are under way now are over, and stored. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#underWay]);
  }

  /** The end of the process: what waits in memory is stored now or never. */
  async close(): Promise<void> {
    await this.settled();
    this.#isClosed = true;
    const waiting = [...this.#unsaved].map(([, { id }]) => this.#locked(id, () => this.#save(id)));
    await Promise.allSettled(waiting);
  }

  isOver(record: LaunchRecord, now = Date.now()): boolean {
    return this.#ttlMs(record, now) <= 0;
  }

  async #locked<T>(id: string, task: () => Promise<T>): Promise<T> {
    const key = entryKey(LAUNCH_PREFIX, id);
    const work = this.storage.lock(key, this.taskTimeoutMs + LOCK_MARGIN_MS, task);
    this.#underWay.add(work);
    try {
      return await work;
    } catch (error) {
      throw storeUnavailable(error);
    } finally {
      this.#underWay.delete(work);
    }
  }

  #saveLater(id: string, key: string, record: LaunchRecord): void {
    const timer = setTimeout(() => {
      if (this.#isClosed || this.#unsaved.peek(key)?.record !== record || this.isOver(record)) return;
      this.#locked(id, () => this.#save(id)).catch(() => this.#saveLater(id, key, record));
    }, SAVE_AGAIN_MS);
    timer.unref();
  }

  /**
   * Stores what waits in memory, under the lock. A launch that another process ended or refreshed while this
   * one did not reach the store must not come back: its refresh token is spent.
   */
  async #save(id: string): Promise<void> {
    const key = entryKey(LAUNCH_PREFIX, id);
    const record = this.#unsaved.peek(key)?.record;
    if (!record) return;
    const entry = await this.storage.get(key);
    const stored = entry === undefined ? undefined : this.box.open<LaunchRecord>(entry, key, id);
    if (this.#unsaved.peek(key)?.record !== record) return;
    const isLatest = stored?.launchId === record.launchId && stored.issuedAt <= record.issuedAt;
    if (isLatest) await this.write(id, record);
    else this.#unsaved.delete(key);
  }

  #ttlMs(record: LaunchRecord, now = Date.now()): number {
    const { idleTimeoutMs, absoluteTimeoutMs } = this.lifetime;
    return Math.min(record.seenAt + idleTimeoutMs, record.startedAt + absoluteTimeoutMs) - now;
  }
}
