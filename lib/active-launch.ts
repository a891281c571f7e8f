import { parseFhirBaseUrl } from './ehr/fhir-base-url.js';
import type { LaunchRecord } from './session/launch-record.js';
import type { LaunchStore } from './session/launch-store.js';
import type { IndexedLaunch, SessionIndex } from './session/session-index.js';
import type { ResolvedOptions } from './smart-client-options.js';
import { SmartError } from './smart-error.js';

/**
 * The browser's session as SmartClient sees it. A plain session id is enough outside Nest; the functions let
 * a web framework keep the ids that SmartClient makes, in its cookies.
 */
export interface SmartSession {
  /** null: the browser has no session yet */
  sessionId: string | null;
  /** multi-launch: id of the Patient the caller works on */
  activePatient: string | null;
  /** multi-launch: the FHIR base it belongs to, needed where two EHRs use one patient id */
  activeIssuer?: string | null;
  /** ties a launch in progress to the browser that started it. Left out: the session id */
  browserId?: string | null;
  /** path the callback arrived at; with a redirect URL per EHR, answers that were mixed up are refused */
  callbackPath?: string;
  /** a launch starts: keep this id in the browser. Left out: a launch needs a session id */
  browserStarted?(browserId: string): void;
  /** a launch completed under a new session id: keep it in the browser. Left out: the session id stays */
  sessionStarted?(sessionId: string): void;
  /** the session has ended: forget it in the browser */
  sessionEnded?(): void;
}

interface Parts {
  launches: LaunchStore;
  sessions: SessionIndex;
  options: ResolvedOptions;
}

interface StoredLaunch {
  id: string;
  record: LaunchRecord;
}

const MAX_LAUNCHES = 50;
/** how long the other tabs' requests, sent with the old cookie, still find their launches */
const OLD_INDEX_MS = 60_000;

/**
 * The launch the caller means. Never another one: a caller that names a patient who was not launched in this
 * session gets an error and no data; who names none in multi-launch mode gets the launch without a patient, if
 * there is one.
 */
export async function activeLaunch(parts: Parts, session: SmartSession): Promise<StoredLaunch | SmartError> {
  const { launches, options } = parts;
  const { sessionId } = session;
  if (sessionId === null) return noSession();
  const id = options.enableMultiLaunch ? await indexedLaunch(parts, session, sessionId) : sessionId;
  if (id instanceof SmartError) return id;
  const record = await launches.read(id);
  if (!record) return noSession();
  if (launches.isOver(record)) {
    await launches.removeSame(id, record);
    return new SmartError(
      'session_expired',
      'The session reached its idle or absolute lifetime; launch again',
    );
  }
  const { activePatient, activeIssuer } = session;
  if (!isPatient(record.context.patient, activePatient) || !isIssuer(record.iss, activeIssuer)) {
    return unknownPatient();
  }
  return { id, record };
}

async function indexedLaunch(
  parts: Parts,
  session: SmartSession,
  sessionId: string,
): Promise<string | SmartError> {
  const { activePatient, activeIssuer } = session;
  const all = await parts.sessions.read(sessionId);
  if (all.length === 0) return noSession();
  const found = all.filter(({ patient, iss }) => patient === activePatient && isIssuer(iss, activeIssuer));
  const [first, ...others] = found;
  if (first && others.length === 0) return first.id;
  if (first) {
    return new SmartError('ambiguous_patient', 'Several EHRs launched this patient id; name the issuer too');
  }
  return activePatient === null
    ? new SmartError(
        'no_active_patient',
        'This session may hold several launches; name the patient of this one',
      )
    : unknownPatient();
}

/**
 * Adds a launch to the session, under its new id. A launch of the same patient at the same EHR is replaced.
 * When the EHR names another user than before, or none that could be compared, all launches of the session are
 * ended: somebody else may sit at the screen now.
 */
export async function addLaunch(
  parts: Parts,
  added: StoredLaunch,
  ids: { before: string | null; sessionId: string },
): Promise<void> {
  const { launches, sessions } = parts;
  const { iss, context, identity } = added.record;
  const launch: IndexedLaunch = {
    id: added.id,
    iss,
    patient: context.patient,
    user: identity && `${identity.iss} ${identity.sub}`,
  };
  const old = ids.before === null ? [] : await sessions.read(ids.before);
  const ofThisEhr = old.filter((other) => isIssuer(other.iss, iss));
  const isSameUser = ofThisEhr.every(({ user }) => user !== null && user === launch.user);
  const isReplaced = (other: IndexedLaunch) => ofThisEhr.includes(other) && other.patient === launch.patient;
  const kept = isSameUser ? old.filter((other) => !isReplaced(other)).slice(1 - MAX_LAUNCHES) : [];
  await sessions.write(ids.sessionId, [...kept, launch]);
  if (ids.before !== null && ids.before !== ids.sessionId) {
    if (kept.length) await sessions.write(ids.before, kept, OLD_INDEX_MS);
    else await sessions.remove(ids.before);
  }
  for (const { id } of old.filter((other) => !kept.includes(other))) {
    await launches.exclusive(id, () => launches.remove(id));
  }
}

function isPatient(patient: string | null, named: string | null): boolean {
  return named === null || patient === named;
}

function isIssuer(iss: string, named: string | null | undefined): boolean {
  if (!named) return true;
  return iss === named || parseFhirBaseUrl(iss)?.canonical === parseFhirBaseUrl(named)?.canonical;
}

function noSession(): SmartError {
  return new SmartError('no_session', 'There is no session; launch the app from the EHR');
}

function unknownPatient(): SmartError {
  return new SmartError('unknown_patient', 'The named patient was not launched in this session');
}
