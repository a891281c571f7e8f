import type { ServerResponse } from 'node:http';
import type { JWK } from 'jose';
import type { Answer, Endpoint, Json, Seen } from './exchange.js';
import type { ProfileName } from './profiles.js';
import type { Tenant } from './tenant.js';

type Changed<T> = T | Promise<T>;

/**
 * What an EHR does differently from a good one. Each hook is given what a good EHR would say and answers what
 * this one says; hooks that are left out change nothing.
 */
export interface Misbehaviour {
  /** the SMART configuration */
  discovery?(document: Json, ehr: Tenant): unknown;
  /** `{issuer}/.well-known/openid-configuration` */
  openid?(document: Json, ehr: Tenant): unknown;
  /** parameters of the authorization response */
  callback?(parameters: Record<string, string>, ehr: Tenant): Record<string, string> | URLSearchParams;
  /** the token response of a code grant */
  token?(body: Json, ehr: Tenant, request: Seen): Changed<Json>;
  /** the token response of a refresh */
  refresh?(body: Json, ehr: Tenant, request: Seen): Changed<Json>;
  /** claims of the id_token */
  claims?(claims: Json, ehr: Tenant): Json;
  /** a refresh brings an id_token only where this hook is given */
  refreshClaims?(claims: Json, ehr: Tenant): Json;
  /** protected header of the id_token */
  header?(header: Json, ehr: Tenant): Json;
  /** the id_token itself, once it is signed */
  idToken?(jwt: string, ehr: Tenant): Changed<string>;
  /** the keys of the JWKS */
  jwks?(keys: JWK[], ehr: Tenant): unknown[];
  /** the answer of an endpoint, whatever made it */
  answer?: Partial<Record<Endpoint, (answer: Answer, ehr: Tenant, request: Seen) => Changed<Answer>>>;
  /** answers in place of the endpoint, which then does nothing: codes and tokens stay unspent */
  instead?: Partial<Record<Endpoint, (ehr: Tenant, request: Seen) => Answer | undefined>>;
  /** the endpoint’s connection, raw: nothing is sent but what this sends */
  transport?: Partial<Record<Endpoint, (response: ServerResponse, ehr: Tenant, request: Seen) => void>>;
}

/** Where a user meets the outcome: at one of the app’s routes, or at the EHR’s own page. */
export type Stage = 'launch' | 'ehr' | 'callback' | 'data';

export interface Expectation {
  at: Stage;
  status: number;
  /** code of the SmartError */
  error?: string;
  /** part of the message */
  message?: string;
  /** how many requests the EHR gets, by endpoint. A refused launch gets no FHIR request unless this says so */
  calls?: Partial<Record<Endpoint, number>>;
  /**
   * whether there is a session afterwards; `unreachable`: there is, and the EHR cannot renew it now. Left out:
   * only where data came through
   */
  session?: boolean | 'unreachable';
  /** part of what the last visit shows */
  shows?: unknown;
}

/** One row of a table: what the EHR does, and what must come of it. */
export interface Fault extends Misbehaviour {
  /** ids of conformance.md, e.g. `B-12` or `C-2 B-25` */
  id: string;
  name: string;
  expect: Expectation;
  /** how the app is registered. Left out: `basic` */
  profile?: ProfileName;
  /** the handle of the launch; null: the app is launched standalone. Left out: `launch-1` */
  launch?: string | null;
  /** guarded routes visited after the launch. Left out: `/api/patient` */
  visits?: string[];
  /** milliseconds that pass between the launch and each visit */
  later?: number;
}

/** A launch that nothing is wrong with. */
export const ACCEPTED: Expectation = { at: 'data', status: 200 };

/** No session, no FHIR request. */
export function refused(
  error: string,
  status = 502,
  calls: Expectation['calls'] = {},
  message?: string,
): Expectation {
  return { at: 'callback', status, error, calls: { fhir: 0, ...calls }, ...(message && { message }) };
}

/** Refused before the browser is sent to the EHR. */
export function notLaunched(error = 'discovery_failed', status = 502, message?: string): Expectation {
  const calls = { authorize: 0, token: 0, fhir: 0 };
  return { at: 'launch', status, error, calls, ...(message && { message }) };
}
