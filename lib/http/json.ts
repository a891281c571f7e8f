export type JsonObject = Record<string, unknown>;

/** A JSON object (not an array, not null) or undefined; `__proto__` and `constructor` members are dropped. */
export function parseJsonObject(body: Buffer | string): JsonObject | undefined {
  let value: unknown;
  try {
    value = JSON.parse(typeof body === 'string' ? body : body.toString('utf8'), (key, member: unknown) =>
      key === '__proto__' || key === 'constructor' ? undefined : member,
    );
  } catch {
    return undefined;
  }
  return isJsonObject(value) ? value : undefined;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
