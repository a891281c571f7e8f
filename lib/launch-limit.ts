import { SmartError } from './smart-error.js';

const MINUTE_MS = 60_000;

/**
 * A ceiling on launches started in this process: each costs a discovery look-up and store entries before
 * anybody has shown who they are.
 */
export class LaunchLimit {
  #windowStart = 0;
  #started = 0;

  constructor(private readonly perMinute: number) {}

  /** `too_many_launches` when this minute's are used up. */
  take(now = Date.now()): SmartError | undefined {
    if (now - this.#windowStart >= MINUTE_MS || now < this.#windowStart) {
      this.#windowStart = now;
      this.#started = 0;
    }
    this.#started += 1;
    if (this.#started <= this.perMinute) return undefined;
    return new SmartError('too_many_launches', 'Too many launches at once; try again in a minute', {
      retryAfterMs: this.#windowStart + MINUTE_MS - now,
    });
  }
}
