import { SmartError } from '../smart-error.js';

/** dots, also before a path parameter; escapes of slashes, percent signs and controls; `%c0%ae`, a dot to some */
const CLIMBS = /^(\.|%2e){1,2}((;|%3b).*)?$|%2f|%5c|%25|%[01][\da-f]|%7f|%c[01]/i;

/**
 * The URL of a FHIR request. A path is relative to the FHIR base; an absolute URL must lie under it, since
 * the access token is for this server and for nobody else (SMART 2.2 "Access FHIR API").
 */
export function fhirUrl(fhirBaseUrl: string, target: string | URL): URL | SmartError {
  const text = String(target);
  const base = new URL(`${fhirBaseUrl.replace(/\/+$/, '')}/`);
  const isAbsolute = /^[a-z][a-z0-9+.-]*:/i.test(text);
  if (!isAbsolute && (text === '' || text.startsWith('//') || text.includes('\\'))) return refused();
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
  if (!/^[A-Za-z0-9\-.]{1,64}$/.test(id) || id === '.' || id === '..') {
    return new SmartError('invalid_request', `The id is not a FHIR id (${resourceType}/…)`);
  }
  return `${resourceType}/${id}`;
}

/** `Patient/{id}`: what a log or an error may say of a path. Queries, ids and anything unusual are left out. */
export function describePath(url: URL, fhirBaseUrl: string): string {
  const base = new URL(`${fhirBaseUrl.replace(/\/+$/, '')}/`).pathname;
  const segments = url.pathname.slice(base.length).split('/').filter(Boolean);
  const described = segments.map((segment, index) =>
    /^(\$[a-z-]+|_[a-z]+)$/.test(segment) || (index % 2 === 0 && /^[A-Z][A-Za-z]+$/.test(segment))
      ? segment
      : '{id}',
  );
  return described.join('/') || 'the FHIR base';
}
