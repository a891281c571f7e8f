/** The type at a path: `PathValue<Patient, 'name.0.family'>` is `string | undefined`. */
export type PathValue<T, P extends string> = unknown extends T
  ? unknown
  : string extends P
    ? unknown
    : P extends ''
      ? T
      : P extends `${infer Key}.${infer Rest}`
        ? Key extends ''
          ? T extends readonly (infer Item)[]
            ? PathValue<Item, Rest>[]
            : undefined
          : PathValue<MemberOf<T, Key>, Rest>
        : MemberOf<T, P>;

type MemberOf<T, Key extends string> = T extends readonly (infer Item)[]
  ? Key extends `${number}`
    ? Item | undefined
    : undefined
  : T extends object
    ? Key extends keyof T
      ? T[Key]
      : unknown
    : undefined;

/**
 * The value at a path of dots, undefined where there is none. `a..b` is the `b` of every item of the list `a`. Only
 * own members count: `__proto__` and `constructor` lead nowhere.
 *
 * @example
 * getPath(patient, 'name.0.family'); // 'Nordmann'
 * getPath(patient, 'name..family'); // ['Nordmann', …]
 */
export function getPath<T, const P extends string = ''>(object: T, path?: P): PathValue<T, P> {
  return valueAt(object, (path ?? '').trim()) as PathValue<T, P>;
}

function valueAt(value: unknown, path: string): unknown {
  if (path === '') return value;
  const segments = path.split('.');
  let current = value;
  for (const [index, key] of segments.entries()) {
    if (key === '' && Array.isArray(current)) {
      const rest = segments.slice(index + 1).join('.');
      return current.map((item) => valueAt(item, rest));
    }
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined;
    current = (current as Record<string, unknown>)[key];
  }
  return current;
}
