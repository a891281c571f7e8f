import { SmartError } from '../smart-error.js';

/**
 * The URL of a FHIR request. A path is relative to the FHIR base; an absolute URL must lie under it, since
 * the access token is for this server and for nobody else (SMART 2.2 "Access FHIR API").
 */
export function fhirUrl(fhirBaseUrl: string, target: string | URL): URL | SmartError {
  const text = String(target);
  const base = new URL(`${fhirBaseUrl.replace(/\/+$/, '')}/`);
  const isAbsolute = /^[a-z][a-z0-9+.-]*:/i.test(text);
  if (!isAbsolute && (text === '' || text.startsWith('//') || text.includes('\\'))) return refused();
  let url: URL;
  try {
    url = isAbsolute ? new URL(text) : new URL(base.href + text.replace(/^\//, ''));
  } catch {
    return refused();
  }
  const path = (isAbsolute ? text.replace(/^[^:]+:\/\/[^/?#]*/, '') : text).split(/[?#]/, 1)[0]!;
  // `new URL` resolves dot segments, and some servers those behind an escaped slash; a path that needs it
  // wants to be somewhere else than it says
  const climbs = path.split(/\/|\\|%2f|%5c/i).some((segment) => /^(\.|%2e){1,2}$/i.test(segment));
  const under = url.origin === base.origin && `${url.pathname}/`.startsWith(base.pathname);
  if (climbs || !under || url.username || url.password || url.hash || text.includes('#')) return refused();
  return url;
}

function refused(): SmartError {
  return new SmartError(
    'invalid_request',
    'The target is not under the FHIR base of this launch, so the access token is not sent there',
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
