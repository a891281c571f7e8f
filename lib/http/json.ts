/** Anything JSON can say. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue };

export type JsonObject = Record<string, unknown>;

/** deeper than any FHIR resource, and shallow enough for every recursive reader */
const MAX_DEPTH = 100;
/** bytes; what is larger is looked at before it is parsed, since what it becomes is many times larger */
const LARGE = 1024 * 1024;

/**
 * A JSON object (not an array, not null) or undefined, for documents that are merged and spread:
 * `__proto__` and `constructor` members are dropped, at every depth.
 */
export function parseJsonObject(body: Buffer | string): JsonObject | undefined {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  // a reviver recurses
  if (isTooDeep(bytes)) return undefined;
  const value = parse(bytes, (name, member) =>
    name === '__proto__' || name === 'constructor' ? undefined : member,
  );
  return isJsonObject(value) ? value : undefined;
}

/** Any JSON, undefined where it is none or nests too deep to be handled safely. A byte order mark is skipped. */
export function parseJson(body: Buffer): unknown {
  if (body.length > LARGE && isTooDeep(body)) return undefined;
  const value = parse(body);
  // What was parsed is read several times as fast as its text.
  return isDeeperThan(MAX_DEPTH, value) ? undefined : value;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(body: Buffer, reviver?: (name: string, member: unknown) => unknown): unknown {
  const start = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
  try {
    return JSON.parse(body.toString('utf8', start), reviver);
  } catch {
    return undefined;
  }
}

function isDeeperThan(depth: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth === 0) return true;
  if (Array.isArray(value)) {
    for (const item of value) if (isDeeperThan(depth - 1, item)) return true;
    return false;
  }
  // for-in, since Object.values makes a list for every object
  for (const name in value) if (isDeeperThan(depth - 1, (value as JsonObject)[name])) return true;
  return false;
}

const [QUOTE, BACKSLASH, OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = Buffer.from('"\\[]{}');

function isTooDeep(body: Buffer): boolean {
  let depth = 0;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at];
    if (byte === QUOTE) {
      for (at += 1; at < body.length && body[at] !== QUOTE; at += 1) if (body[at] === BACKSLASH) at += 1;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth += 1;
      if (depth > MAX_DEPTH) return true;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth -= 1;
    }
  }
  return false;
}
