import QuickLRU from 'quick-lru';
import { SmartError } from '../smart-error.js';

const MAX_BASES = 1_000;
/** every request asks for its base, and parsing it is a good part of what a request costs */
const bases = new QuickLRU<string, URL>({ maxSize: MAX_BASES });

/** The FHIR base with a slash at its end. */
function baseOf(fhirBaseUrl: string): URL {
  let base = bases.get(fhirBaseUrl);
  if (!base) bases.set(fhirBaseUrl, (base = new URL(`${fhirBaseUrl.replace(/\/+$/, '')}/`)));
  return base;
}

/** dots, also before a path parameter; escapes of slashes, percent signs and controls; `%c0%ae`, a dot to some */
const CLIMBS = /^(\.|%2e){1,2}((;|%3b).*)?$|%2f|%5c|%25|%[01][\da-f]|%7f|%c[01]/i;

/**
 * The URL of a FHIR request. A path is relative to the FHIR base; an absolute URL must lie under it, since
 * the access token is for this server and for nobody else (SMART 2.2 "Access FHIR API").
 */
export function fhirUrl(fhirBaseUrl: string, target: string | URL): URL | SmartError {
  const text = String(target);
  if (text === '') return emptyPath();
  const base = baseOf(fhirBaseUrl);
  if (isPlainReference(text)) return new URL(base.href + text);
  const isAbsolute = /^[a-z][a-z0-9+.-]*:/i.test(text);
  if (!isAbsolute && (text.startsWith('//') || text.includes('\\'))) return refused();
  // `new URL` takes tabs and line breaks out, and what is left may be something else
  if (/[\x00-\x1f]/.test(text)) return refused();
  // next links of some servers begin at the root of the host: /fhir/Patient?page=2
  const root = base.pathname.slice(0, -1);
  const isFromRoot = root !== '' && (text.startsWith(`${root}/`) || text.startsWith(`${root}?`));
  const below = isFromRoot ? base.origin + text : base.href + text.replace(/^\//, '');
  let url: URL;
  try {
    url = new URL(isAbsolute ? text : below);
  } catch {
    return refused();
  }
  const path = (isAbsolute ? text.replace(/^[^:]+:\/\/[^/?#]*/, '') : text).split(/[?#]/, 1)[0]!;
  // `new URL` resolves dot segments, servers decode slashes; a path with them wants to be somewhere else
  const climbs = path.split('/').some((segment) => CLIMBS.test(segment));
  const under = url.origin === base.origin && `${url.pathname}/`.startsWith(base.pathname);
  const unset = path.split('/').find((segment) => segment === 'null' || segment === 'undefined');
  if (unset) return new SmartError('invalid_request', `The path holds "${unset}" where an id should be`);
  if (climbs || !under || url.username || url.password || url.hash || text.includes('#')) return refused();
  return url;
}

/** `Patient/1`, as most requests have it: nothing in it that could lead elsewhere */
function isPlainReference(text: string): boolean {
  return /^[A-Z][A-Za-z]*\/[A-Za-z0-9][A-Za-z0-9-]{0,63}$/.test(text) && !/\/(null|undefined)$/.test(text);
}

function emptyPath(): SmartError {
  return new SmartError(
    'invalid_request',
    'The path is empty: give one below the FHIR base, such as Patient/1',
  );
}

function refused(): SmartError {
  return new SmartError(
    'invalid_request',
    'The target is not under the FHIR base of this client, so the access token is not sent there',
  );
}

/** `Patient/1` with the id encoded, or an error: ids may come from users. */
export function referencePath(resourceType: string, id: string): string | SmartError {
  if (!/^[A-Z][A-Za-z]{0,63}$/.test(resourceType)) {
    return new SmartError('invalid_request', 'The resource type is not one of FHIR');
  }
  if (id === '') {
    return new SmartError('invalid_request', `The id is missing: ${resourceType} alone names no resource`);
  }
  if (!/^[A-Za-z0-9\-.]{1,64}$/.test(id) || id === '.' || id === '..') {
    return new SmartError('invalid_request', `The id is not a FHIR id (${resourceType}/…)`);
  }
  return `${resourceType}/${id}`;
}

/** `Patient/{id}`: what a log or an error may say of a path. Queries, ids and anything unusual are left out. */
export function describePath(url: URL, fhirBaseUrl: string): string {
  const segments = segmentsOf(url, fhirBaseUrl);
  const described = segments.map((segment, index) =>
    /^(\$[a-z-]+|_[a-z]+)$/.test(segment) || (index % 2 === 0 && /^[A-Z][A-Za-z]+$/.test(segment))
      ? segment
      : '{id}',
  );
  return described.join('/') || 'the FHIR base';
}

/** A resource that a URL names, as it is written there. */
export interface Instance {
  type: string;
  id: string;
  versionId?: string;
}

/** The one resource that a URL names (`Patient/1`, `Patient/1/_history/2`), or undefined: a search, an operation … */
export function instanceOf(url: URL, fhirBaseUrl: string): Instance | undefined {
  const [type = '', id = '', history, versionId, ...others] = segmentsOf(url, fhirBaseUrl).map(decoded);
  if (!/^[A-Z][A-Za-z]*$/.test(type) || !/^[^$_]/.test(id) || others.length > 0) return undefined;
  if (history === undefined) return { type, id };
  return history === '_history' && versionId !== undefined ? { type, id, versionId } : undefined;
}

function segmentsOf(url: URL, fhirBaseUrl: string): string[] {
  return url.pathname.slice(baseOf(fhirBaseUrl).pathname.length).split('/').filter(Boolean);
}

function decoded(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
