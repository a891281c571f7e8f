/** create, read, update, delete, search: the letters of a SMART v2 scope. */
export type Permission = 'c' | 'r' | 'u' | 'd' | 's';

export interface ResourceScope {
  context: 'patient' | 'user' | 'system';
  /** a resource type, or `*` */
  type: string;
  permissions: ReadonlySet<Permission>;
  /** the search parameters of a granular scope, such as `category=vital-signs` */
  constraint: URLSearchParams | null;
}

const RESOURCE_SCOPE = /^(patient|user|system)\/([A-Z][A-Za-z]+|\*)\.([a-z*]+)(?:\?(.+))?$/;

/** v1 suffixes, in the letters of v2. */
const V1: Record<string, string> = { read: 'rs', write: 'cud', '*': 'cruds' };

/** Reads a SMART v1 or v2 resource scope; null for any other scope, `openid` say, and for a malformed one. */
export function parseResourceScope(scope: string): ResourceScope | null {
  const match = RESOURCE_SCOPE.exec(scope);
  const [, context, type, suffix, constraint] = match ?? [];
  if (!context || !type || !suffix) return null;
  const letters = Object.hasOwn(V1, suffix) ? (V1[suffix] ?? '') : suffix;
  // v2 fixes the order of the letters, and each comes at most once
  if (!/^c?r?u?d?s?$/.test(letters)) return null;
  return {
    context: context as ResourceScope['context'],
    type,
    permissions: new Set([...letters] as Permission[]),
    constraint: constraint === undefined ? null : new URLSearchParams(constraint),
  };
}
