/**
 * Issuer comparison (C-13, C-15): two FHIR bases are one when scheme, lower-cased host, port and path are
 * equal, one trailing slash aside. Text that means something else than it looks like (userinfo, fragment,
 * query, dot segments, backslashes, a trailing dot in the host) is no FHIR base at all.
 */
export interface FhirBaseUrl {
  /** the string to compare by */
  canonical: string;
  url: URL;
}

export function parseFhirBaseUrl(
  text: string,
  options: { stripQuery?: boolean } = {},
): FhirBaseUrl | undefined {
  const raw = options.stripQuery ? withoutQuery(text) : text;
  // ASCII, no controls, space, quotes, backslash or percent-encoded dots and slashes; an IDN comes as punycode
  if (
    raw.length > 2048 ||
    !/^https?:\/\/(?!\/)[\x21-\x7e]+$/i.test(raw) ||
    /[\\"<>`{}|^]|%2e|%2f|%5c/i.test(raw)
  ) {
    return undefined;
  }
  let url: URL;
  try {
    url = new URL(raw);
  } catch {
    return undefined;
  }
  const suspicious =
    raw.includes('@') ||
    raw.includes('?') ||
    raw.includes('#') ||
    url.hostname.endsWith('.') ||
    !url.hostname;
  if (suspicious || /\/\.{1,2}(\/|$)|\/\//.test(raw.slice(raw.indexOf('://') + 3))) return undefined;
  return { canonical: `${url.protocol}//${url.host}${url.pathname.replace(/\/$/, '')}`, url };
}

/** Without the query, unless a fragment follows: with a fragment it is no FHIR base. */
export function withoutQuery(text: string): string {
  const start = text.indexOf('?');
  return start === -1 || text.includes('#', start) ? text : text.slice(0, start);
}

/** `new URL(path, base)` that keeps the base's path, with exactly one slash between. */
export function underFhirBase(fhirBaseUrl: string, path: string): URL {
  return new URL(`${fhirBaseUrl.replace(/\/+$/, '')}/${path}`);
}

export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  return (
    host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
  );
}
