import type { JWK } from 'jose';
import type { JsonValue } from '../http/json.js';
import type { PinnedServer } from './launch-record.js';
import { BROWSER_PREFIX, PENDING_PREFIX, entryKey } from './keys.js';
import type { SealedBox } from './sealed-box.js';
import type { CompleteStorage } from './smart-storage.js';

/** A launch in progress: everything the callback needs, pinned when the browser was sent to the EHR. */
export interface PendingLaunch {
  iss: string;
  clientId: string;
  server: PinnedServer;
  callbackUrl: string;
  scope: string;
  /** absent only where PKCE is switched off */
  codeVerifier?: string;
  nonce?: string;
  /** the private key that the tokens must be bound to */
  dpopKey?: JWK;
  /** the patient and encounter that the launch must end with */
  expected?: { patient?: string; encounter?: string };
  /** the app's own, handed back at the callback */
  appData?: JsonValue;
  /** page of the app that the browser goes to, checked; left out: `redirectUrl` */
  returnUrl?: string;
  /** names of what was odd about the EHR and the request to it */
  findings?: string[];
  startedAt: number;
}

/** SMART sets no limit; ten minutes cover a login with a second factor. */
const LIFETIME_MS = 10 * 60_000;
const MAX_PER_BROWSER = 20;

/**
 * Launches in progress, one per `state`. State and browser together make the entry's key and its encryption
 * key: from another browser the entry is not wrong but not there, and nobody else can use it up.
 */
export class PendingLaunches {
  constructor(
    private readonly storage: CompleteStorage,
    private readonly box: SealedBox,
  ) {}

  async save(state: string, browserId: string, launch: PendingLaunch): Promise<void> {
    const key = entryKey(PENDING_PREFIX, state, browserId);
    await this.storage.set(key, this.box.seal(launch, key, state + browserId), LIFETIME_MS);
    await this.#remember(key, browserId);
  }

  /** Keeps a browser to its newest launches: who starts more than it can finish pushes out its own. */
  async #remember(key: string, browserId: string): Promise<void> {
    const listKey = entryKey(BROWSER_PREFIX, browserId);
    const entry = await this.storage.get(listKey);
    const known = (entry !== undefined && this.box.open<string[]>(entry, listKey, browserId)) || [];
    const keys = [...known, key];
    const dropped = keys.splice(0, Math.max(0, keys.length - MAX_PER_BROWSER));
    await this.storage.set(listKey, this.box.seal(keys, listKey, browserId), LIFETIME_MS);
    for (const old of dropped) await this.storage.delete(old);
  }

  /** Once: a second call finds nothing. */
  async take(state: string, browserId: string): Promise<PendingLaunch | undefined> {
    const key = entryKey(PENDING_PREFIX, state, browserId);
    const entry = await this.storage.take(key);
    const launch =
      entry === undefined ? undefined : this.box.open<PendingLaunch>(entry, key, state + browserId);
    // The store drops entries at their TTL; one that does not must not make a launch live longer.
    return launch && Date.now() - launch.startedAt < LIFETIME_MS ? launch : undefined;
  }
}
