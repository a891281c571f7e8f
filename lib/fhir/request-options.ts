import { SmartError } from '../smart-error.js';
import type { StandardSchema } from './standard-schema.js';

export type FhirMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Headers in any form: an object, a `Headers`, or pairs of name and value. */
export type FhirHeaders =
  Headers | Record<string, string | undefined> | Iterable<readonly [name: string, value: string]>;

/**
 * Further tries of one call. A 429 is tried again whatever the method, since a server that limits rates has done
 * nothing yet; a 503 only for GET, PUT and DELETE, and both only where `Retry-After` says when. A connection that
 * breaks is tried again once, at once, for GET, and for PUT and DELETE without `If-Match`.
 */
export interface RetryOptions {
  /** how often a request is sent at most, the first time included; 1 to 10. Default 2 */
  attempts?: number | undefined;
  /** milliseconds to wait at most, all waits of a call together; 0 to 60,000. Default 2,000 */
  maxDelayMs?: number | undefined;
}

/** What every call takes. */
export interface FhirRequestOptions {
  /** further headers; `Authorization` cannot be replaced */
  headers?: FhirHeaders | undefined;
  /** aborts the request and its waits (not a token refresh under way) */
  signal?: AbortSignal | undefined;
  /**
   * milliseconds for the whole call, further tries and the waits before them included (a token refresh has its own
   * time); 1 to 600,000. Default: `httpTimeoutMs` for each try
   */
  timeout?: number | undefined;
  /** further tries where the server asks to wait or the connection breaks; `false`: none */
  retry?: RetryOptions | false | undefined;
  /**
   * Reads of a launch: answer from this launch's cache what was read less than `ttlMs` ago; then ask the server
   * whether it changed (ETag). `true`: the `ttlMs` of `options.cache`. `false`: ask the server, and do not share the
   * answer to the same read under way
   */
  cache?: boolean | { ttlMs: number } | undefined;
}

/** What reads take besides: how the answer is given. */
export interface FhirReadOptions extends FhirRequestOptions {
  /** any Standard Schema (zod, valibot, arktype …): the answer is validated and typed by it */
  schema?: StandardSchema | undefined;
  /**
   * What the answer is: FHIR JSON (the default), text, or bytes with their content type. Of a `Binary` the last two
   * are its content, whether the server sends it as it is or in a Binary resource
   */
  as?: 'json' | 'text' | 'binary' | undefined;
  /** `true`: the answer as {@link FhirResponse}, with status and headers */
  includeResponse?: true | undefined;
}

/** What writes take besides. */
export interface FhirWriteOptions extends FhirRequestOptions {
  /** `true`: the answer as {@link FhirResponse}, with status and headers */
  includeResponse?: true | undefined;
}

/** What `create()` takes besides. */
export interface FhirCreateOptions extends FhirWriteOptions {
  /**
   * Creates nothing where this search finds a resource, which is answered instead (`If-None-Exist`); several found
   * are a `conflict`. E.g. `new URLSearchParams({ identifier: 'urn:system|value' })`
   */
  ifNoneExist?: string | URLSearchParams | undefined;
}

/** What `update()`, `patch()` and `delete()` take besides. */
export interface FhirChangeOptions extends FhirWriteOptions {
  /**
   * The version that is to be changed: `meta.versionId`, or an ETag (`If-Match`). When it is no longer the latest
   * nothing is changed, and the error is a `conflict`
   */
  ifMatch?: string | undefined;
}

/** A request as one object. */
export interface FhirRequest extends FhirReadOptions {
  /** path below the FHIR base, or a URL under it */
  url: string | URL;
  /** Default `GET` */
  method?: FhirMethod | undefined;
  /** a resource or other JSON; text, bytes (`content-type` in `headers`) and URLSearchParams are sent as they are */
  body?: unknown;
}

/** Options of which the compiler knows every name: a misspelt one does not compile. */
export type Exactly<O, Allowed> = O & { [Name in Exclude<keyof O, keyof Allowed>]: never };

const METHODS = new Set<unknown>(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);

/** A call's target, method, body and options, from either form of `request()`. */
export function readRequest(
  given: string | URL | FhirRequest,
  options: FhirReadOptions,
): (FhirRequest & { method: FhirMethod }) | SmartError {
  const isTarget = typeof given === 'string' || given instanceof URL;
  const request = isTarget
    ? { ...options, url: given, method: 'GET' as const, body: undefined }
    : { method: 'GET' as const, ...given, ...options };
  const { url, method, body } = request;
  if (typeof url !== 'string' && !(url instanceof URL)) {
    return new SmartError('invalid_request', 'The request has no url: give a path below the FHIR base');
  }
  if (!METHODS.has(method)) {
    return new SmartError('invalid_request', 'method must be GET, POST, PUT, PATCH or DELETE');
  }
  if (method === 'GET' && body !== undefined) {
    return new SmartError('invalid_request', 'A GET has no body; set method');
  }
  return request;
}

/** Headers by lower-case name, several values of one name joined. */
export function headersOf(given: FhirHeaders | undefined): Record<string, string> | SmartError {
  const headers: Record<string, string> = {};
  if (given === undefined) return headers;
  try {
    const pairs = Symbol.iterator in given ? given : Object.entries(given);
    for (const [given_, value] of pairs) {
      if (value === undefined) continue;
      const name = given_.toLowerCase();
      headers[name] = Object.hasOwn(headers, name) ? `${headers[name]}, ${value}` : value;
    }
    return headers;
  } catch {
    return new SmartError(
      'invalid_request',
      'headers must be an object, a Headers, or pairs of name and value',
    );
  }
}

/** An `If-Match` value from a version id, an ETag, or `*` (whatever version there is). */
export function etagOf(version: string): string {
  return version === '*' || /^(W\/)?"/.test(version) ? version : `W/"${version}"`;
}

/** Options with these headers, which the caller's own may replace. */
export function withHeaders<O extends FhirRequestOptions>(
  options: O,
  defaults: Record<string, string>,
): O | SmartError {
  const own = headersOf(options.headers);
  return own instanceof SmartError ? own : { ...options, headers: { ...defaults, ...own } };
}
