import QuickLRU from 'quick-lru';
import { CachedReads } from './fhir/cached-reads.js';
import type { ReadCache } from './fhir/exchange.js';
import { completeStorage } from './session/complete-storage.js';
import { READS_PREFIX, entryKey, randomId } from './session/keys.js';
import type { LaunchRecord } from './session/launch-record.js';
import { memoryStorage } from './session/memory-storage.js';
import type { SealedBox } from './session/sealed-box.js';
import type { CompleteStorage, SmartStorageOption } from './session/smart-storage.js';

/** Where and how long a launch's reads are kept. */
export interface FhirCacheOptions {
  /** milliseconds an answer is used before the server is asked whether it changed. Default 30,000 */
  ttlMs?: number | undefined;
  /**
   * A Keyv, a cache-manager Cache or a SmartStorage; entries are encrypted as sessions are. Left out: in memory, at
   * most 500 answers
   */
  store?: SmartStorageOption | undefined;
  /** `false`: only requests that ask for it by `cache`. Default `true` */
  always?: boolean | undefined;
}

const DEFAULT_TTL_MS = 30_000;
const MAX_ENTRIES = 500;
/** longer than any entry lives */
const GENERATION_MS = 24 * 3_600_000;
const MAX_BLOCKED = 10_000;

/**
 * What launches read, kept for each launch by itself: an entry's key is made of the session's id and the launch's,
 * so that no other user, and no later launch, comes by it. All entries of a launch hang on a generation; a write
 * begins another, and what was kept before is never found again.
 */
export class LaunchReads {
  readonly #storage: CompleteStorage;
  readonly #ttlMs: number;
  readonly #always: boolean;
  /** launches whose entries could not be dropped */
  readonly #blocked = new QuickLRU<string, true>({ maxSize: MAX_BLOCKED, maxAge: GENERATION_MS });

  constructor(
    option: boolean | FhirCacheOptions | undefined,
    private readonly box: SealedBox,
    storeTimeoutMs: number,
  ) {
    const { ttlMs = DEFAULT_TTL_MS, store, always } = typeof option === 'object' ? option : {};
    this.#ttlMs = ttlMs;
    this.#always = typeof option === 'object' ? (always ?? true) : option === true;
    this.#storage = store === undefined ? memoryStorage(MAX_ENTRIES) : completeStorage(store, storeTimeoutMs);
  }

  /** @param id opens the launch's session: nobody else knows it */
  ofLaunch(id: string, { launchId, scope }: LaunchRecord): ReadCache {
    const owner = [id, launchId, scope];
    // made when something is read: most requests ask for a client and read little
    let made: string | undefined;
    const generationKey = () => (made ??= entryKey(READS_PREFIX, 'generation', ...owner));
    const isPlain = this.#storage.guarantees.memoryOnly;
    const generation = async () => {
      if (this.#blocked.has(generationKey())) return undefined;
      const known = await this.#storage.get(generationKey());
      if (known !== undefined) return known;
      const begun = randomId();
      await this.#storage.set(generationKey(), begun, GENERATION_MS);
      return begun;
    };
    return new CachedReads(
      {
        open: async () => {
          const of = await generation();
          if (of === undefined) return undefined;
          const keyOf = (name: string) => entryKey(READS_PREFIX, ...owner, of, name);
          return {
            get: async (name) => {
              const key = keyOf(name);
              const entry = await this.#storage.get(key);
              if (entry === undefined || isPlain) return entry;
              return this.box.open<string>(entry, key, id);
            },
            set: (name, value, ttlMs) => {
              const key = keyOf(name);
              return this.#storage.set(key, isPlain ? value : this.box.seal(value, key, id), ttlMs);
            },
          };
        },
        drop: async () => {
          try {
            // in memory nothing was kept that this process does not know of
            if (isPlain && (await this.#storage.get(generationKey())) === undefined) return;
            await this.#storage.set(generationKey(), randomId(), GENERATION_MS);
            this.#blocked.delete(generationKey());
          } catch {
            this.#blocked.set(generationKey(), true);
          }
        },
      },
      { ttlMs: this.#ttlMs, always: this.#always },
    );
  }

  async close(): Promise<void> {
    await this.#storage.close();
  }
}
