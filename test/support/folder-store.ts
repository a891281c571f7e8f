import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyvStoreAdapter } from 'keyv';

/** A store for Keyv that is neither memory nor Redis: one file per entry, which other processes see. */
export class FolderStore implements KeyvStoreAdapter {
  namespace?: string;
  opts = {};

  constructor(private readonly folder: string) {}

  async get<Value>(key: string): Promise<Value | undefined> {
    return readFile(this.#path(key), 'utf8').then(
      (text) => text as Value,
      () => undefined,
    );
  }

  async set(key: string, value: unknown): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    await writeFile(this.#path(key), String(value));
  }

  async delete(key: string): Promise<boolean> {
    return rm(this.#path(key)).then(
      () => true,
      () => false,
    );
  }

  async clear(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  on(): this {
    return this;
  }

  /** What is in the files, as somebody would see it who got hold of the disk. */
  async dump(): Promise<string[]> {
    const names = await readdir(this.folder);
    return Promise.all(names.map((name) => readFile(join(this.folder, name), 'utf8')));
  }

  #path(key: string): string {
    return join(this.folder, encodeURIComponent(key));
  }
}
