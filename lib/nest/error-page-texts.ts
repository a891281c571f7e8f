import type { SmartErrorCode } from '../smart-error.js';

const OPEN_AGAIN = 'Open the app again from the EHR.';
const TRY_SHORTLY = 'Try again shortly. If it happens again, tell your IT department.';
const TELL_IT = 'Tell your IT department, with the code and the reference below.';
const NOT_SET_UP = `The app is not set up correctly for this EHR. ${TELL_IT}`;
const EHR_SILENT = `The EHR does not answer at the moment. ${TRY_SHORTLY}`;
const LOGIN_FAILED = `The login at the EHR did not succeed. ${OPEN_AGAIN} If it happens again, tell your IT department.`;
const ANSWER_UNUSABLE = `The EHR answered with data that this app cannot use. ${TELL_IT}`;

/** What happened and what to do, for the person at the screen; the error's own message is for developers. */
export const PAGE_TEXTS: Readonly<Record<SmartErrorCode, string>> = {
  invalid_configuration: NOT_SET_UP,
  invalid_launch_request: `The app was not opened the way an EHR does it. ${OPEN_AGAIN} If it happens again, tell your IT department.`,
  too_many_launches: 'The app is being opened very often at the moment. Try again in a minute.',
  unknown_issuer: `This app is not set up for the EHR it was opened from. ${TELL_IT}`,
  discovery_failed: `The app could not find out how to log in at the EHR. ${TRY_SHORTLY}`,
  discovery_timeout: EHR_SILENT,
  invalid_state: `This attempt to open the app took too long, was used already, or another one began at the same moment. ${OPEN_AGAIN}`,
  invalid_callback: LOGIN_FAILED,
  access_denied: `Access was refused, by you or by the EHR. ${OPEN_AGAIN} If you should have access, tell your IT department.`,
  authorization_failed: LOGIN_FAILED,
  issuer_mismatch: `For your safety the login was stopped: its answer did not come from the EHR the app was opened from. ${OPEN_AGAIN} If it happens again, tell your IT department.`,
  token_request_failed: `The EHR did not let the app in. ${OPEN_AGAIN} If it happens again, tell your IT department.`,
  invalid_token_response: ANSWER_UNUSABLE,
  invalid_id_token: `The EHR’s answer about who you are could not be trusted, so the app was not opened. ${TELL_IT}`,
  missing_patient_context:
    'The EHR did not say which patient the app is for. Open the app again from the patient’s chart.',
  no_session: `You are not logged in to this app. ${OPEN_AGAIN}`,
  session_expired: `Your session has ended. ${OPEN_AGAIN}`,
  no_active_patient:
    'The app does not know which of your open patients is meant. Open the app again from the patient’s chart.',
  unknown_patient: 'This patient was not opened in the app. Open the app again from the patient’s chart.',
  ambiguous_patient:
    'The app does not know which of your open patients is meant. Open the app again from the patient’s chart.',
  patient_changed:
    'For your patients’ safety the session was ended: the EHR named another patient than before. Open the app again from the patient’s chart.',
  csrf_rejected: `For your safety this was not done: the request did not come from the app itself. ${OPEN_AGAIN}`,
  insufficient_scope: `The EHR did not give the app the access that this page needs. ${TELL_IT}`,
  missing_context:
    'The EHR did not tell the app what this page needs, such as the patient or the visit. Open the app again from the patient’s chart.',
  store_unavailable: `The app cannot reach its own data at the moment. ${TRY_SHORTLY}`,
  ehr_unavailable: `The EHR cannot be reached at the moment. ${TRY_SHORTLY}`,
  ehr_timeout: EHR_SILENT,
  aborted: 'The request was cancelled. Try again.',
  invalid_request: `The app asked for something that is not possible. ${TELL_IT}`,
  fhir_request_failed: `The EHR refused what the app asked for. ${TRY_SHORTLY}`,
  conflict: 'Somebody else changed this in the meantime. Load the page again before you change it.',
  invalid_fhir_response: ANSWER_UNUSABLE,
  schema_mismatch: ANSWER_UNUSABLE,
};

/** In place of the text of `invalid_state`, where the launch's cookie did not come back. */
export const COOKIE_TEXT = `The browser did not send the cookie that the app set when it was opened. It may block cookies in frames, or the app was opened under another address. ${OPEN_AGAIN} If it happens again, tell your IT department.`;
