import type { SmartErrorCode } from './smart-error.js';

/** Something an operator counts. Codes and the server's name only: no ids, no tokens, no addresses. */
export type SmartEvent =
  /** a browser was sent to the EHR */
  | { type: 'launch'; server: string }
  /** a launch completed and its session was stored */
  | { type: 'login'; server: string }
  | { type: 'refresh'; server: string }
  | { type: 'logout'; server: string }
  /** `fhir.patient.search` left out this many resources that are not about the patient of the launch */
  | { type: 'foreign_results'; server: string; resourceType: string; count: number }
  /** `server` is absent where none is known, e.g. for an unknown issuer */
  | { type: 'failure'; during: 'launch' | 'login' | 'refresh'; code: SmartErrorCode; server?: string };
