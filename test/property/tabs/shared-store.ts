import type { SmartStorage } from 'nestjs-smart-on-fhir';

/** Resolves after some turns of the event loop; how many is the test's to decide. */
export type Pause = () => Promise<void>;

interface Lock {
  owner: object;
  released: Promise<void>;
  release: () => void;
}

/** A store that several processes share, as Redis is: atomic, each call after a pause, entries gone at their time. */
export class SharedStore {
  readonly entries = new Map<string, { value: string; expiresAt: number }>();
  readonly #locks = new Map<string, Lock>();

  /** waits before and after every call */
  pause: Pause = () => Promise.resolve();

  /** The store as one process sees it, until it crashes. */
  connect(): { storage: SmartStorage; crash(): void } {
    const owner = {};
    let isGone = false;
    const during = async <T>(work: () => T): Promise<T> => {
      await this.pause();
      if (isGone) throw new Error('the process is gone');
      const result = work();
      await this.pause();
      return result;
    };
    const storage: SmartStorage = {
      get: (key) => during(() => this.#get(key)),
      set: (key, value, ttlMs) =>
        during(() => void this.entries.set(key, { value, expiresAt: Date.now() + (ttlMs ?? Infinity) })),
      delete: (key) => during(() => this.entries.delete(key)),
      take: (key) =>
        during(() => {
          const value = this.#get(key);
          this.entries.delete(key);
          return value;
        }),
      lock: async (key, _ttlMs, run) => {
        await during(() => undefined);
        for (let held = this.#locks.get(key); held; held = this.#locks.get(key)) await held.released;
        if (isGone) throw new Error('the process is gone');
        const { release } = this.#hold(key, owner);
        return run().finally(release);
      },
    };
    return {
      storage,
      crash: () => {
        isGone = true;
        // its locks end by their TTL
        for (const lock of [...this.#locks.values()]) if (lock.owner === owner) lock.release();
      },
    };
  }

  #get(key: string): string | undefined {
    const entry = this.entries.get(key);
    return entry && entry.expiresAt > Date.now() ? entry.value : undefined;
  }

  #hold(key: string, owner: object): Lock {
    let resolve = (): void => undefined;
    const released = new Promise<void>((done) => (resolve = done));
    const lock: Lock = {
      owner,
      released,
      release: () => {
        if (this.#locks.get(key) === lock) this.#locks.delete(key);
        resolve();
      },
    };
    this.#locks.set(key, lock);
    return lock;
  }
}
