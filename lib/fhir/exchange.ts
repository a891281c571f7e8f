import { parseJson } from '../http/json.js';
import { SmartError } from '../smart-error.js';
import type { FhirHttpAnswer } from './fhir-http.js';
import { fhirUrl } from './fhir-url.js';
import { headersOf } from './request-options.js';
import type { FhirMethod, FhirReadOptions } from './request-options.js';
import { Tries } from './retry.js';

/** What the package itself knows of a call, and no caller says. */
export interface CallNature {
  /**
   * A page that the server has not linked to. What comes of it says nothing about the token, and it is not tried again.
   */
  isGuess?: boolean;
  /** though it is no GET */
  changesNothing?: boolean;
}

/** Sends one FHIR request; which token goes with it is the client's own matter. */
export type FhirExchange = (
  method: FhirMethod,
  target: string | URL,
  body: unknown,
  options: FhirReadOptions,
  nature?: CallNature,
) => Promise<FhirHttpAnswer | SmartError>;

/** A call that is ready to be sent. */
export interface PreparedCall {
  method: FhirMethod;
  url: URL;
  /** by lower-case name */
  headers: Record<string, string>;
  body: unknown;
  signal?: AbortSignal;
  tries: Tries;
  isRaw: boolean;
  isRevalidation?: boolean;
  /** a 401 is answered as it is: no token is renewed, no session ends */
  isGuess: boolean;
}

export type SendCall = (call: PreparedCall) => Promise<FhirHttpAnswer | SmartError>;

/** The answers of one launch that are kept. */
export interface ReadCache {
  /** milliseconds an answer may be old for a request with this option; undefined: it is not for the cache */
  ttlMs(option: FhirReadOptions['cache']): number | undefined;
  /** The kept answer, or the one that `send` brings. */
  read(call: PreparedCall, ttlMs: number, send: SendCall): Promise<FhirHttpAnswer | SmartError>;
  /** Forgets all, since something was written. Never rejects. */
  drop(): Promise<void>;
}

/**
 * What happens to a call before it is sent, the same for every client: its target is checked, a read that is under
 * way already is shared, and a cache is asked. A write makes an end of both.
 */
export function exchangeThrough(fhirBaseUrl: string, send: SendCall, cache?: ReadCache): FhirExchange {
  const underWay = new Map<string, Promise<FhirHttpAnswer | SmartError>>();
  return async (method, target, body, options, { isGuess = false, changesNothing = false } = {}) => {
    const call = prepared(fhirBaseUrl, method, target, body, options, isGuess);
    if (call instanceof SmartError) return call;
    if (method !== 'GET') {
      if (changesNothing || isSearch(call)) return send(call);
      try {
        return await send(call);
      } finally {
        // What was read while it was written may be from before.
        underWay.clear();
        await cache?.drop();
      }
    }
    const ttlMs = call.isRaw ? undefined : cache?.ttlMs(options.cache);
    const read = () => (cache && ttlMs !== undefined ? cache.read(call, ttlMs, send) : send(call));
    // Who can abort a read, or wants it fresh, has it alone; nobody else wants what comes of a guess.
    if (options.signal || options.cache === false || isGuess) return read();
    const key = keyOf(call, ttlMs, options);
    const same = underWay.get(key);
    if (same) return copyOf(await same);
    const answer = read().finally(() => {
      if (underWay.get(key) === answer) underWay.delete(key);
    });
    underWay.set(key, answer);
    return answer;
  };
}

function prepared(
  fhirBaseUrl: string,
  method: FhirMethod,
  target: string | URL,
  body: unknown,
  options: FhirReadOptions,
  isGuess: boolean,
): PreparedCall | SmartError {
  const url = fhirUrl(fhirBaseUrl, target);
  if (url instanceof SmartError) return url;
  const headers = headersOf(options.headers);
  if (headers instanceof SmartError) return headers;
  const tries = Tries.of(isGuess ? { ...options, retry: false } : options);
  if (tries instanceof SmartError) return tries;
  const { cache } = options;
  if (typeof cache === 'object' && !(cache.ttlMs >= 0)) {
    return new SmartError('invalid_request', 'cache.ttlMs must be milliseconds, zero or more');
  }
  const isRaw = options.as === 'text' || options.as === 'binary';
  return { method, url, headers, body, signal: options.signal, tries, isRaw, isGuess };
}

/** Reads with the same key have the same answer, in the same form and within the same bounds. */
function keyOf(
  { url, isRaw, headers }: PreparedCall,
  ttlMs: number | undefined,
  options: FhirReadOptions,
): string {
  return `${url.href}\n${JSON.stringify([isRaw, ttlMs, headers, options.timeout, options.retry])}`;
}

/** A search by POST changes nothing. */
function isSearch({ method, url }: PreparedCall): boolean {
  return method === 'POST' && url.pathname.endsWith('/_search');
}

/** Each caller has an object of its own: one may change it. */
function copyOf(answer: FhirHttpAnswer | SmartError): FhirHttpAnswer | SmartError {
  if (answer instanceof SmartError) return answer;
  if (answer.body !== undefined) return { ...answer, body: parseJson(answer.bytes) };
  return { ...answer, bytes: Buffer.from(answer.bytes) };
}
