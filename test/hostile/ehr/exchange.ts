import type { IncomingHttpHeaders, ServerResponse } from 'node:http';

export type Json = Record<string, unknown>;

/** What a path of the EHR is for. */
export type Endpoint =
  | 'discovery'
  | 'openid'
  | 'authorize'
  | 'token'
  | 'jwks'
  | 'revocation'
  | 'introspection'
  | 'style'
  | 'fhir'
  | 'other';

/** A request as the EHR saw it. */
export interface Seen {
  endpoint: Endpoint;
  method: string;
  /** below the tenant's root, e.g. `/fhir/Patient/p1` */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: string;
  /** the body read as a form */
  form: URLSearchParams;
}

/** An answer; a body that is no text and no Buffer is sent as JSON. */
export interface Answer {
  status: number;
  headers?: Record<string, string | string[]>;
  body?: unknown;
}

export function ok(body: unknown): Answer {
  return { status: 200, body };
}

/** An OAuth error (RFC 6749 5.2). */
export function oauthError(error: string, status = 400): Answer {
  return { status, body: { error } };
}

export function send(response: ServerResponse, { status, headers, body }: Answer): void {
  const isRaw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
  response.writeHead(status, { ...(isRaw ? {} : { 'content-type': 'application/json' }), ...headers });
  response.end(isRaw ? body : JSON.stringify(body));
}
