const MAX_LENGTH = 2_000;

/**
 * The URL of a page of the app itself, for a path that somebody asked to be sent back to, or `undefined` for
 * anything that is not plainly one: no route may become a redirector to elsewhere (RFC 9700 4.11).
 *
 * @param redirectUrl whose origin is the app's
 */
export function returnUrl(path: string, redirectUrl: string): string | undefined {
  if (path.length > MAX_LENGTH || !isPlainPath(path)) return undefined;
  const app = new URL(redirectUrl);
  const url = new URL(path, app);
  // dot segments may leave two slashes in front, which a page that takes the path for itself reads as a host
  return url.origin === app.origin && !url.pathname.startsWith('//') ? url.href : undefined;
}

/** From one slash on, in visible ASCII; nothing that some parser would take for a host or a line break. */
function isPlainPath(path: string): boolean {
  return /^\/(?![/\\]|%2f|%5c)[\x21-\x7e]*$/i.test(path) && !/\\|%[01][0-9a-f]|%7f/i.test(path);
}
