import { isObject } from './json.js';

export interface ResourceKey {
  type: string;
  id: string;
}

export const ID_PATTERN = /^[A-Za-z0-9\-.]{1,64}$/;

const RELATIVE_REFERENCE = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;

/** The resource a literal reference names on this server: relative, or absolute under `base`. */
export function parseReference(reference: string, base = ''): ResourceKey | null {
  const local =
    base !== '' && reference.startsWith(`${base}/`) ? reference.slice(base.length + 1) : reference;
  const match = RELATIVE_REFERENCE.exec(local);
  return match?.[1] && match[2] ? { type: match[1], id: match[2] } : null;
}

/** Every literal reference in a resource, contained resources included. */
export function referencesIn(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(referencesIn);
  if (!isObject(node)) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    key === 'reference' && typeof value === 'string' ? [value] : referencesIn(value),
  );
}
