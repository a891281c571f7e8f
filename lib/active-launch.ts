import { parseFhirBaseUrl } from './ehr/fhir-base-url.js';
import type { LaunchRecord } from './session/launch-record.js';
import type { LaunchStore } from './session/launch-store.js';
import { isAmbiguous } from './session/launch-history.js';
import type { SessionIndex } from './session/session-index.js';
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
  activeIssuer?: string | null | undefined;
  /** ties a launch in progress to the browser that started it. Left out: the session id */
  browserId?: string | null | undefined;
  /** path the callback arrived at; with a redirect URL per EHR, answers that were mixed up are refused */
  callbackPath?: string | undefined;
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

/** A launch with the id that opens it in the store. */
export interface StoredLaunch {
  id: string;
  record: LaunchRecord;
}

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
  if (activePatient !== null && !activeIssuer && isAmbiguous(record.history, activePatient)) {
    return ambiguousPatient();
  }
  return { id, record };
}

async function indexedLaunch(
  parts: Parts,
  session: SmartSession,
  sessionId: string,
): Promise<string | SmartError> {
  const { activePatient, activeIssuer } = session;
  const { launches = [], history } = (await parts.sessions.read(sessionId)) ?? {};
  if (launches.length === 0) return noSession();
  const found = launches.filter(
    ({ patient, iss }) => patient === activePatient && isIssuer(iss, activeIssuer),
  );
  // Though one may be left: a tab of the other EHR does not know that its own launch ended.
  if (found.length > 1 || (!activeIssuer && isAmbiguous(history, activePatient))) return ambiguousPatient();
  const [first] = found;
  if (first) return first.id;
  return activePatient === null
    ? new SmartError(
        'no_active_patient',
        'This session may hold several launches; name the patient of this one',
      )
    : unknownPatient();
}

function isPatient(patient: string | null, named: string | null): boolean {
  return named === null || patient === named;
}

export function isIssuer(iss: string, named: string | null | undefined): boolean {
  if (!named) return true;
  return iss === named || parseFhirBaseUrl(iss)?.canonical === parseFhirBaseUrl(named)?.canonical;
}

function noSession(): SmartError {
  return new SmartError('no_session', 'There is no session; launch the app from the EHR');
}

function ambiguousPatient(): SmartError {
  return new SmartError('ambiguous_patient', 'Several EHRs launched this patient id; name the issuer too');
}

function unknownPatient(): SmartError {
  return new SmartError('unknown_patient', 'The named patient was not launched in this session');
}
