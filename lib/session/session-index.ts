import { INDEX_PREFIX, RECENT_PREFIX, entryKey } from './keys.js';
import { storeUnavailable } from './deadline.js';
import type { LaunchHistory } from './launch-history.js';
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

/** The launches of a session, and those it had. */
export interface SessionLaunches {
  launches: IndexedLaunch[];
  history?: LaunchHistory;
}

/** Epoch ms; sealed along, so that a store which forgets nothing does not make a session live longer. */
interface Expiring {
  expiresAt: number;
}

interface SessionEntry extends SessionLaunches, Expiring {
  /** a newer id took its place: it shows what it showed, for a minute, and no callback goes on from it */
  isReplaced?: true;
}

/** Session ids that a browser was given a moment ago; it keeps one of them. */
export interface RecentIds {
  sessionIds: string[];
  /** epoch ms */
  at: number;
}

/** how long the other tabs' requests, sent with the old cookie, still find their launches */
const REPLACED_MS = 60_000;
/** how long a callback that was sent with the old cookie may take until it is stored */
const RECENT_MS = 60_000;

/** The launches of a session, for multi-launch mode: a few tabs, each with its own patient. */
export class SessionIndex {
  constructor(
    private readonly storage: CompleteStorage,
    private readonly box: SealedBox,
    private readonly lifetime: SessionLifetime,
    /** the longest that adding a launch may hold the others up, in milliseconds */
    private readonly lockMs: number,
  ) {}

  /** Undefined where there is none, or its time is over. */
  async read(sessionId: string): Promise<SessionEntry | undefined> {
    return this.#read<SessionEntry>(entryKey(INDEX_PREFIX, sessionId), sessionId);
  }

  async write(sessionId: string, session: SessionLaunches): Promise<void> {
    const { launches, history } = session;
    const key = entryKey(INDEX_PREFIX, sessionId);
    await this.#write(key, sessionId, this.lifetime.absoluteTimeoutMs, { launches, history });
  }

  /** Lets an id that was replaced show these launches for a minute more. */
  async retire(sessionId: string, session: SessionLaunches): Promise<void> {
    const { launches, history } = session;
    const key = entryKey(INDEX_PREFIX, sessionId);
    await this.#write(key, sessionId, REPLACED_MS, { launches, history, isReplaced: true });
  }

  async remove(sessionId: string): Promise<void> {
    await this.storage.delete(entryKey(INDEX_PREFIX, sessionId));
  }

  /** The ids that callbacks of this browser gave its session within the last minute, and when the last did. */
  async recentOf(browserId: string): Promise<RecentIds | undefined> {
    return this.#read<RecentIds & Expiring>(entryKey(RECENT_PREFIX, browserId), browserId);
  }

  async rememberRecent(browserId: string, sessionIds: string[]): Promise<void> {
    const recent: RecentIds = { sessionIds, at: Date.now() };
    await this.#write(entryKey(RECENT_PREFIX, browserId), browserId, RECENT_MS, recent);
  }

  /** Runs the task while no other callback of this browser adds its launch. */
  async exclusive<T>(browserId: string, task: () => Promise<T>): Promise<T> {
    try {
      return await this.storage.lock(entryKey(RECENT_PREFIX, browserId), this.lockMs, task);
    } catch (error) {
      throw storeUnavailable(error);
    }
  }

  async #read<T extends Expiring>(key: string, id: string): Promise<T | undefined> {
    const text = await this.storage.get(key);
    const entry = text === undefined ? undefined : this.box.open<T>(text, key, id);
    return entry && entry.expiresAt > Date.now() ? entry : undefined;
  }

  async #write(key: string, id: string, ttlMs: number, entry: object): Promise<void> {
    const expiresAt = Date.now() + ttlMs;
    await this.storage.set(key, this.box.seal({ ...entry, expiresAt }, key, id), ttlMs);
  }
}
