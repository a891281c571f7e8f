export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** Freezes a whole tree: a stored version is handed out uncopied and must never change. */
export function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}

/** A copy of the tree with every string replaced by what `replace` makes of it. */
export function mapStrings<T>(value: T, replace: (text: string, key: string) => string): T {
  const copy = (node: unknown, key: string): unknown => {
    if (typeof node === 'string') return replace(node, key);
    if (Array.isArray(node)) return node.map((member) => copy(member, key));
    if (!isObject(node)) return node;
    return Object.fromEntries(Object.entries(node).map(([name, member]) => [name, copy(member, name)]));
  };
  return copy(value, '') as T;
}

/** The values at a dotted element path; a repeating element on the way yields all its members. */
export function valuesAt(node: unknown, path: string): unknown[] {
  let values = [node];
  for (const name of path.split('.')) {
    values = values.flatMap((value) => (isObject(value) ? value[name] : undefined)).flat();
  }
  return values.filter((value) => value !== undefined && value !== null);
}
