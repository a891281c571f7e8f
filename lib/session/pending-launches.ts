import type { PinnedServer } from './launch-record.js';
import { PENDING_PREFIX, entryKey } from './keys.js';
import type { SealedBox } from './sealed-box.js';
import type { CompleteStorage } from './smart-storage.js';

/** A launch in progress: everything the callback needs, pinned when the browser was sent to the EHR. */
export interface PendingLaunch {
  iss: string;
  clientId: string;
  server: PinnedServer;
  callbackUrl: string;
  scope: string;
  codeVerifier: string;
  nonce?: string;
  startedAt: number;
}

/** SMART sets no limit; ten minutes cover a login with a second factor. */
const LIFETIME_MS = 10 * 60_000;

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
