/**
 * Issuer comparison (C-13, C-15): two FHIR bases are one when scheme, lower-cased host, port and path are
 * equal, one trailing slash aside. Text that means something else than it looks like (userinfo, fragment,
 * query, dot segments, backslashes, a trailing dot in the host) is no FHIR base at all.
 */
export interface FhirBaseUrl {
  /** the string to compare by */
  canonical: string;
  /** as it was written, without the query that was to be cut off */
  text: string;
  url: URL;
}

const MAX_LENGTH = 2_048;

export function parseFhirBaseUrl(
  text: string,
  options: { stripQuery?: boolean } = {},
): FhirBaseUrl | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const raw = options.stripQuery && !text.includes('#') ? text.split('?', 1)[0]! : text;
  // ASCII, no controls, space, quotes, backslash or percent-encoded dots and slashes; an IDN comes as punycode
  if (!/^https?:\/\/(?!\/)[\x21-\x7e]+$/i.test(raw) || /[\\"<>`{}|^]|%2e|%2f|%5c/i.test(raw)) {
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
    !isPlainAuthority(raw, url);
  if (suspicious || /\/\.{1,2}(\/|$)|\/\//.test(raw.slice(raw.indexOf('://') + 3))) return undefined;
  return { canonical: `${url.protocol}//${url.host}${url.pathname.replace(/\/$/, '')}`, text: raw, url };
}

/** Host and port as a URL parser writes them, letter case and the scheme's own port aside. */
function isPlainAuthority(raw: string, url: URL): boolean {
  const authority = /^https?:\/\/([^/]*)/i.exec(raw)?.[1]?.toLowerCase();
  const ownPort = url.protocol === 'https:' ? '443' : '80';
  return authority === url.host || authority === `${url.hostname}:${ownPort}`;
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
