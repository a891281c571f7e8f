import { isJsonObject } from '../http/json.js';
import type { JsonObject } from '../http/json.js';

/** A resource of a Bundle with the URL that names it there; '' where it has none. */
export interface BundleEntry {
  fullUrl: string;
  resource: JsonObject;
}

export function bundleEntries(bundle: JsonObject): BundleEntry[] {
  return objects(bundle.entry).flatMap(({ fullUrl, resource }) =>
    isJsonObject(resource) ? [{ fullUrl: text(fullUrl) ?? '', resource }] : [],
  );
}

/** Finds what references in a Bundle name, by fullUrl or by `Type/id` (FHIR R4 "Resolving references in Bundles"). */
export class BundleReferences<T extends object> {
  readonly #named = new Map<string, T | null>();

  add({ fullUrl, resource }: BundleEntry, target: T): void {
    const id = text(resource.id);
    const names = [fullUrl, id === null ? '' : `${String(resource.resourceType)}/${id}`];
    for (const name of new Set(names.filter(Boolean))) {
      // Two of one name, as in a bundle made of several: neither is meant for sure.
      this.#named.set(name, this.#named.has(name) ? null : target);
    }
  }

  /** @param from the fullUrl of the resource that has the reference */
  resolve(reference: unknown, from: string): T | null {
    const name = isJsonObject(reference) ? text(reference.reference) : null;
    if (name === null) return null;
    const isRelative = /^[A-Z][A-Za-z]+\/[^/]+$/.test(name);
    const base = isRelative ? /^(https?:\/\/.+\/)[A-Z][A-Za-z]+\/[^/]+$/.exec(from)?.[1] : undefined;
    const sibling = base === undefined ? undefined : this.#named.get(base + name);
    return sibling ?? this.#named.get(name) ?? null;
  }
}

export function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.flatMap((item) => text(item) ?? []) : [];
}

export function text(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value : null;
}
