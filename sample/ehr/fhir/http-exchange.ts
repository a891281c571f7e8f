import { FhirError } from './fhir-error.js';
import type { FhirRequest } from './fhir-exchange.js';
import { isObject } from './json.js';

/** What Express and Fastify requests have in common. */
export interface HttpRequest {
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body?: unknown;
}

export const JSON_TYPES = ['application/fhir+json', 'application/json-patch+json', 'application/json'];

const FORM_TYPE = 'application/x-www-form-urlencoded';

export const BASE_PATH = 'fhir';

/** Whether a URL path lies at or below the FHIR base. */
export function isFhirUrl(url: string): boolean {
  return new RegExp(`^/${BASE_PATH}(?:[/?]|$)`).test(url);
}

export function toFhirRequest(method: string, url: string, request: HttpRequest): FhirRequest {
  const [pathname = '', ...search] = url.split('?');
  const headers = flatHeaders(request.headers);
  const query = new URLSearchParams(search.join('?'));
  checkAccept(headers['accept'], query.get('_format'));
  const path = pathSegments(pathname);
  const hasBody = ['POST', 'PUT', 'PATCH'].includes(method);
  const isSearch = path.length === 2 && path[1] === '_search';
  if (hasBody && isSearch) {
    for (const [name, value] of formParameters(request.body)) query.append(name, value);
  }
  return {
    // the HTTP server leaves the body out of the answer to a HEAD
    method: method === 'HEAD' ? 'GET' : method,
    path,
    query,
    headers,
    ...(hasBody && !isSearch ? { body: jsonBody(method, headers['content-type'], request.body) } : {}),
  };
}

/** What a request with a token that is bound to a key says of that key (RFC 9449). */
export interface DpopProof {
  jwt: string;
  method: string;
  path: string;
}

export function accessToken(request: HttpRequest): string | null {
  const { authorization } = flatHeaders(request.headers);
  return /^(?:Bearer|DPoP) +(\S+)$/i.exec(authorization ?? '')?.[1] ?? null;
}

/** Undefined for a token that is shown as a Bearer token. */
export function dpopProof(method: string, url: string, request: HttpRequest): DpopProof | undefined {
  const { authorization, dpop } = flatHeaders(request.headers);
  if (!/^DPoP /i.test(authorization ?? '')) return undefined;
  return { jwt: dpop ?? '', method, path: url.split('?', 1)[0]! };
}

function pathSegments(pathname: string): string[] {
  try {
    return pathname.split('/').filter(Boolean).slice(1).map(decodeURIComponent);
  } catch {
    throw new FhirError(400, 'value', `malformed URL: ${pathname}`);
  }
}

function checkAccept(accept: string | undefined, format: string | null): void {
  const wanted = format ?? accept;
  if (wanted === undefined || wanted === '' || /json|\*\/\*|application\/\*/i.test(wanted)) return;
  throw new FhirError(406, 'not-supported', `answers are application/fhir+json, not ${wanted}`);
}

/** The body as `acceptFhirBodies` leaves it, text, or as another parser has read it already. */
function jsonBody(method: string, contentType: string | undefined, body: unknown): unknown {
  const mediaType = contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
  const accepted =
    method === 'PATCH' ? JSON_TYPES.slice(1) : JSON_TYPES.filter((type) => !/patch/.test(type));
  if (!accepted.includes(mediaType)) {
    const found = mediaType === '' ? 'no Content-Type' : mediaType;
    throw new FhirError(415, 'not-supported', `the body must be ${accepted.join(' or ')}, there is ${found}`);
  }
  if (typeof body !== 'string') return body;
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new FhirError(400, 'structure', `the body is not JSON: ${(error as Error).message}`);
  }
}

function formParameters(body: unknown): [string, string][] {
  if (typeof body === 'string') return [...new URLSearchParams(body)];
  if (!isObject(body)) return [];
  return Object.entries(body).flatMap(([name, value]) =>
    [value].flat().map((member): [string, string] => {
      if (typeof member === 'string') return [name, member];
      throw new FhirError(400, 'value', `malformed form parameter ${name} (expected ${FORM_TYPE})`);
    }),
  );
}

function flatHeaders(headers: HttpRequest['headers']): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}
