const RASTER_IMAGE = /^data:image\/(?:png|jpeg|gif|webp);base64,[a-z0-9+/]+={0,2}$/i;

/**
 * A logo that an `<img>` may show: an https URL, or an inline PNG, JPEG, GIF or WebP. Inline SVG is dropped, since
 * a page that opens it, or puts it into its own markup, runs its scripts.
 */
export function logoUrl(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (RASTER_IMAGE.test(value)) return value;
  return parsed(value, (url) => url.protocol === 'https:')?.href;
}

/** A page for a person to open. */
export function pageUrl(value: unknown): string | undefined {
  return parsed(value, ({ protocol }) => protocol === 'https:' || protocol === 'http:')?.href;
}

/** A FHIR base as it was written; http is for development. */
export function endpointAddress(value: unknown): string | undefined {
  const isSecure = ({ protocol, hostname }: URL) =>
    protocol === 'https:' || (protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname));
  // `new URL` takes white space out of the middle, too
  return typeof value === 'string' && /^\S+$/.test(value) && parsed(value, isSecure) ? value : undefined;
}

function parsed(value: unknown, isAllowed: (url: URL) => boolean): URL | undefined {
  if (typeof value !== 'string' || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  return isAllowed(url) && !url.username && !url.password ? url : undefined;
}
