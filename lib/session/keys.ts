import { createHash, randomBytes } from 'node:crypto';

/** Prefix of the entries of launches in progress. */
export const PENDING_PREFIX = 'smart:pending:';
/** Prefix of the entries that list a browser's launches in progress. */
export const BROWSER_PREFIX = 'smart:pending:browser:';
/** Prefix of the entries that hold a completed launch with its tokens. */
export const LAUNCH_PREFIX = 'smart:launch:';
/** Prefix of the entries that list a session's launches in multi-launch mode. */
export const INDEX_PREFIX = 'smart:session:';
/** Prefix of the entries that say which session ids a browser was given a moment ago. */
export const RECENT_PREFIX = 'smart:session:recent:';

/** Prefix of the entries that hold what a launch read. */
export const READS_PREFIX = 'smart:reads:';

/** The one entry that health checks write. */
export const HEALTH_KEY = 'smart:health';

/** A store entry's key: a hash, so that a dump of the store opens no session. */
export function entryKey(prefix: string, ...parts: string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:${part}`);
  return prefix + hash.digest('base64url');
}

/** 256 random bits, base64url (43 characters): session ids, browser ids. */
export function randomId(): string {
  return randomBytes(32).toString('base64url');
}
