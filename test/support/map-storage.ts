import type { SmartStorage } from '../../lib/session/smart-storage.js';

/** The least a user may give as `storage`; a test can look into it and take it down. */
export class MapStorage implements SmartStorage {
  readonly entries = new Map<string, { value: string; ttlMs: number | undefined }>();
  /** while set, every call rejects */
  isDown = false;
  /** names of the calls so far */
  readonly calls: string[] = [];
  #onTry: (() => void) | undefined;
  #onSet: (() => void) | undefined;

  async get(key: string): Promise<string | undefined> {
    this.#called('get');
    return this.entries.get(key)?.value;
  }

  async set(key: string, value: string, ttlMs?: number): Promise<void> {
    this.#called('set');
    this.entries.set(key, { value, ttlMs });
    this.#onSet?.();
  }

  async delete(key: string): Promise<void> {
    this.#called('delete');
    this.entries.delete(key);
  }

  /** Resolves at the next call, though it may fail. */
  tried(): Promise<void> {
    return new Promise((resolve) => {
      this.#onTry = resolve;
    });
  }

  /** Resolves when the next value is stored. */
  stored(): Promise<void> {
    return new Promise((resolve) => {
      this.#onSet = resolve;
    });
  }

  /** Everything it holds, as somebody would see it who got hold of it. */
  dump(): string {
    return JSON.stringify([...this.entries]);
  }

  #called(name: string): void {
    this.calls.push(name);
    this.#onTry?.();
    if (this.isDown) throw new Error('the store is down');
  }
}
