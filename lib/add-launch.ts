import { isIssuer } from './active-launch.js';
import type { StoredLaunch } from './active-launch.js';
import { withLaunch } from './session/launch-history.js';
import type { LaunchStore } from './session/launch-store.js';
import type { IndexedLaunch, RecentIds, SessionIndex, SessionLaunches } from './session/session-index.js';
import { SmartError } from './smart-error.js';

interface Parts {
  launches: LaunchStore;
  sessions: SessionIndex;
  /** more than one EHR may launch the app */
  severalIssuers: boolean;
}

/** The browser that a launch completed in. */
export interface CompletedIn {
  /** the session id that the callback was sent with */
  before: string | null;
  /** the one that its answer sets */
  sessionId: string;
  /** null: nothing but the session id tells browsers apart */
  browserId: string | null;
  /** when the callback arrived, epoch ms */
  arrivedAt: number;
}

/** What a launch is added to. */
interface Joined extends SessionLaunches {
  /** nothing shows that the user of the launch is the one of the session: its launches end */
  isOthers?: true;
  /** ids that end with this callback */
  replaced: string[];
  /** ids of callbacks at the same moment, one of which the browser may keep instead of this one's */
  siblings: string[];
}

const MAX_LAUNCHES = 50;
const MAX_AT_ONCE = 10;
const NONE_RECENT: RecentIds = { sessionIds: [], at: 0 };

/**
 * Stores a launch and adds it to the session, under its new id. A launch of the same patient at the same EHR is
 * replaced. When the EHR names another user than before, or none that could be compared, all launches of the
 * session are ended: somebody else may sit at the screen now. Users of different EHRs cannot be compared: a launch at
 * a second EHR leaves those of the first alone.
 */
export async function addLaunch(
  parts: Parts,
  added: StoredLaunch,
  browser: CompletedIn,
): Promise<SmartError | undefined> {
  const { launches, sessions } = parts;
  const lockId = browser.browserId ?? browser.before;
  const add = () => addToSession(parts, added, browser);
  const ended = lockId === null ? await add() : await sessions.exclusive(lockId, add);
  if (ended instanceof SmartError) return ended;
  // Outside of the lock: a refresh of one of them may be under way, which waits for its EHR.
  for (const { id } of ended) await launches.exclusive(id, () => launches.remove(id));
  return undefined;
}

async function addToSession(
  parts: Parts,
  { id, record }: StoredLaunch,
  browser: CompletedIn,
): Promise<IndexedLaunch[] | SmartError> {
  const { sessions, launches, severalIssuers } = parts;
  const { iss, context, identity } = record;
  const user = identity && `${identity.iss} ${identity.sub}`;
  const launch: IndexedLaunch = { id, iss, patient: context.patient, user };
  const joined = await joinedSession(sessions, launch, browser);
  if (joined instanceof SmartError) return joined;
  const { launches: old, replaced, siblings } = joined;
  const ofThisEhr = old.filter((other) => isIssuer(other.iss, iss));
  const isSameUser =
    !joined.isOthers && ofThisEhr.every((other) => other.user !== null && other.user === user);
  const isReplaced = (other: IndexedLaunch) => ofThisEhr.includes(other) && other.patient === launch.patient;
  const kept = isSameUser ? old.filter((other) => !isReplaced(other)).slice(1 - MAX_LAUNCHES) : [];
  const history = severalIssuers ? withLaunch(joined.history, launch) : undefined;
  await launches.write(id, record);
  const current = [...siblings, browser.sessionId].slice(-MAX_AT_ONCE);
  for (const sessionId of current) await sessions.write(sessionId, { launches: [...kept, launch], history });
  for (const sessionId of replaced) {
    if (kept.length) await sessions.retire(sessionId, { launches: kept, history });
    else await sessions.remove(sessionId);
  }
  const isMoved = browser.before !== browser.sessionId;
  const recentOf = browser.browserId ?? browser.before;
  if (isMoved && recentOf !== null) await sessions.rememberRecent(recentOf, current);
  return old.filter((other) => !kept.includes(other));
}

/**
 * The session that the callback was sent with, or, where another callback of this browser replaced it a moment
 * ago, that one's. Only the user whom the EHR named there joins it: who merely knew the old id, or planted it,
 * must not come to the launches that were made since.
 */
async function joinedSession(
  sessions: SessionIndex,
  launch: IndexedLaunch,
  { before, sessionId, browserId, arrivedAt }: CompletedIn,
): Promise<Joined | SmartError> {
  const session = before === null ? undefined : await sessions.read(before);
  const recentOf = browserId ?? before;
  const isMoved = recentOf !== null && before !== sessionId;
  const { sessionIds: recent, at } = (isMoved && (await sessions.recentOf(recentOf))) || NONE_RECENT;
  if (session && !session.isReplaced) {
    const others = recent.includes(before!) ? recent : [before!];
    return { ...session, replaced: others.filter((id) => id !== sessionId), siblings: [] };
  }
  const latest = recent.length ? await sessions.read(recent.at(-1)!) : undefined;
  if (!latest || latest.isReplaced) {
    return { launches: [], history: session?.history, replaced: [], siblings: [] };
  }
  const known = session?.launches ?? [];
  const isKnown = ({ id }: IndexedLaunch) => known.some((other) => other.id === id);
  const added = latest.launches.filter((other) => !isKnown(other));
  if (added.every(({ user }) => user !== null && user === launch.user)) {
    return { ...latest, replaced: [], siblings: recent };
  }
  // One after the other, the newer launch is of who sits at the screen now.
  if (arrivedAt > at) return { ...latest, isOthers: true, replaced: recent, siblings: [] };
  return new SmartError(
    'invalid_state',
    'Another launch of this browser completed at the same time, and nothing shows that one user made both; launch the app again',
  );
}
