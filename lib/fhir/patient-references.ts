import { isJsonObject } from '../http/json.js';

/** Types that are a patient, or stand for people who may be. */
const PERSONS = ['Patient', 'Person', 'RelatedPerson', 'Group'];

/** What stands at the end of a path, whatever it is. */
export function valuesAt(value: unknown, path: readonly string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, path));
  if (value === undefined || value === null) return [];
  const [name, ...rest] = path;
  if (name === undefined) return [value];
  return isJsonObject(value) && Object.hasOwn(value, name) ? valuesAt(value[name], rest) : [];
}

/** The text of a Reference, or none. */
export function literalOf(reference: unknown): string {
  return isJsonObject(reference) && typeof reference.reference === 'string' ? reference.reference : '';
}

/** Whether it is a person's, or does not say whose: an identifier alone, `urn:uuid:…`, what is no Reference. */
export function mayBePerson(reference: unknown, within: object): boolean {
  const type = typeNamed(reference, within);
  return type === undefined || PERSONS.includes(type);
}

/** Whether another patient than this is in a resource, or is referred to from anywhere in it. */
export function namesAnotherPatient(
  node: unknown,
  within: object,
  isThis: (literal: string) => boolean,
): boolean {
  if (Array.isArray(node)) return node.some((item) => namesAnotherPatient(item, within, isThis));
  if (!isJsonObject(node)) return false;
  if (node.resourceType === 'Patient') return true;
  const isReference = typeof node.reference === 'string' || isJsonObject(node.identifier);
  if (isReference && typeNamed(node, within) === 'Patient' && !isThis(literalOf(node))) return true;
  return Object.values(node).some((member) => namesAnotherPatient(member, within, isThis));
}

/** The type of what a reference points at, where it says so. */
function typeNamed(reference: unknown, within: object): string | undefined {
  if (!isJsonObject(reference)) return undefined;
  const literal = literalOf(reference);
  if (literal.startsWith('#')) return containedType(literal.slice(1), within);
  if (/(^|\/)Patient([/?]|$)/.test(literal)) return 'Patient';
  const [, conditional] = /^([A-Z][A-Za-z]*)\?/.exec(literal) ?? [];
  const [, read] = /(?:^|\/)([A-Z][A-Za-z]*)\/[\w.-]+(?:\/_history\/[\w.-]+)?$/.exec(literal) ?? [];
  const { type } = reference;
  return conditional ?? read ?? (typeof type === 'string' && /^[A-Z]\w*$/.test(type) ? type : undefined);
}

/** `#` alone is the resource itself, which was looked at. */
function containedType(id: string, within: object): string | undefined {
  const { contained } = within as { contained?: unknown };
  const named = Array.isArray(contained)
    ? contained.filter((inside) => isJsonObject(inside) && inside.id === id)
    : [];
  const [{ resourceType } = {}] = named as { resourceType?: unknown }[];
  return named.length === 1 && typeof resourceType === 'string' ? resourceType : undefined;
}
