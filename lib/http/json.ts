/** Anything JSON can say. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue };

export type JsonObject = Record<string, unknown>;

/** deeper than any FHIR resource, and shallow enough for every recursive reader */
const MAX_DEPTH = 100;

/**
 * A JSON object (not an array, not null) or undefined, for documents that are merged and spread:
 * `__proto__` and `constructor` members are dropped, at every depth.
 */
export function parseJsonObject(body: Buffer | string): JsonObject | undefined {
  const value = parse(typeof body === 'string' ? Buffer.from(body) : body, (name, member) =>
    name === '__proto__' || name === 'constructor' ? undefined : member,
  );
  return isJsonObject(value) ? value : undefined;
}

/** Any JSON, undefined where it is none or nests too deep to be handled safely. A byte order mark is skipped. */
export function parseJson(body: Buffer): unknown {
  return parse(body);
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(body: Buffer, reviver?: (name: string, member: unknown) => unknown): unknown {
  const start = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
  if (isTooDeep(body)) return undefined;
  try {
    return JSON.parse(body.toString('utf8', start), reviver);
  } catch {
    return undefined;
  }
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
