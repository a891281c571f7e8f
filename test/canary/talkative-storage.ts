import type { SmartStorage } from '../../lib/session/smart-storage.js';
import type { Secrets } from './secrets.js';

/** A store that, when it is down, says what it was asked and more. */
export class TalkativeStorage implements SmartStorage {
  readonly #entries = new Map<string, string>();
  isDown = false;

  constructor(private readonly secrets: Secrets) {}

  async get(key: string): Promise<string | undefined> {
    this.#check('get', key);
    return this.#entries.get(key);
  }

  async set(key: string, value: string): Promise<void> {
    this.#check('set', key, value);
    this.#entries.set(key, value);
  }

  async delete(key: string): Promise<void> {
    this.#check('del', key);
    this.#entries.delete(key);
  }

  dump(): string {
    return JSON.stringify([...this.#entries]);
  }

  #check(...command: string[]): void {
    if (!this.isDown) return;
    const message = `${command.join(' ')}: READONLY ${this.secrets.quotation()}`;
    throw Object.assign(new Error(message), {
      code: 'ECONNREFUSED',
      command,
      secrets: this.secrets.quotation(),
    });
  }
}
