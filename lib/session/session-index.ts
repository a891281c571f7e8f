import { INDEX_PREFIX, entryKey } from './keys.js';
import type { SessionLifetime } from './launch-store.js';
import type { SealedBox } from './sealed-box.js';
import type { CompleteStorage } from './smart-storage.js';

/** One launch of a session: where its record lies and what names it. */
export interface IndexedLaunch {
  /** opens the record in the launch store; secret */
  id: string;
  iss: string;
  patient: string | null;
  /** who launched, as `iss sub` of the id_token; null without one */
  user: string | null;
}

/** The launches of a session, for multi-launch mode: a few tabs, each with its own patient. */
export class SessionIndex {
  constructor(
    private readonly storage: CompleteStorage,
    private readonly box: SealedBox,
    private readonly lifetime: SessionLifetime,
  ) {}

  async read(sessionId: string): Promise<IndexedLaunch[]> {
    const key = entryKey(INDEX_PREFIX, sessionId);
    const entry = await this.storage.get(key);
    return (entry !== undefined && this.box.open<IndexedLaunch[]>(entry, key, sessionId)) || [];
  }

  async write(
    sessionId: string,
    launches: IndexedLaunch[],
    ttlMs = this.lifetime.absoluteTimeoutMs,
  ): Promise<void> {
    const key = entryKey(INDEX_PREFIX, sessionId);
    await this.storage.set(key, this.box.seal(launches, key, sessionId), ttlMs);
  }

  async remove(sessionId: string): Promise<void> {
    await this.storage.delete(entryKey(INDEX_PREFIX, sessionId));
  }
}
