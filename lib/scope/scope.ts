import { scopeFromUri } from './scope-uri.js';

/** A clinical scope of SMART 2.2 ("Scopes for requesting FHIR Resources"), v1 scopes read as v2. */
export interface ResourceScope {
  level: 'patient' | 'user' | 'system';
  /** resource type or `*` */
  resourceType: string;
  /** subset of `cruds`, in that order */
  permissions: string;
  /** search constraint as sorted `name=value` pairs; empty: unconstrained */
  parameters: string[];
}

const V2 = /^(patient|user|system)\/(\*|[A-Z][A-Za-z]*)\.(c?r?u?d?s?)(?:\?(.+))?$/;
const V1 = /^(patient|user|system)\/(\*|[A-Z][A-Za-z]*)\.(read|write|\*)$/;
const V1_PERMISSIONS: Record<string, string> = { read: 'rs', write: 'cud', '*': 'cruds' };

/**
 * A clinical scope, of SMART 1 or 2, also in its URI form. Undefined for everything else: `openid`, `launch/patient`,
 * typos.
 */
export function parseResourceScope(text: string): ResourceScope | undefined {
  const scope = scopeFromUri(text);
  const v1 = V1.exec(scope);
  if (v1) {
    const [, level, resourceType, access] = v1;
    return {
      level: level as ResourceScope['level'],
      resourceType: resourceType!,
      permissions: V1_PERMISSIONS[access!]!,
      parameters: [],
    };
  }
  const v2 = V2.exec(scope);
  if (!v2 || v2[3] === '') return undefined;
  const [, level, resourceType, permissions, query] = v2;
  const parameters = query === undefined ? [] : query.split('&');
  if (parameters.some((parameter) => !/^[^=]+=.+$/.test(parameter))) return undefined;
  return {
    level: level as ResourceScope['level'],
    resourceType: resourceType!,
    permissions: permissions!,
    parameters: parameters.sort(),
  };
}

/** Scopes of a list that are meant to be clinical and are none, e.g. `patient/Patient.sr`: no server grants them. */
export function malformedScopes(scope: string): string[] {
  return splitScopes(scope).filter(
    (item) => /^(patient|user|system)\//.test(item) && parseResourceScope(item) === undefined,
  );
}

/** Scopes of a space-separated list, once each, in order. */
export function splitScopes(scope: string): string[] {
  return [...new Set(scope.split(/\s+/).filter((item) => item !== ''))];
}

/** Scopes as they may be shown: without constraints, which may name a patient (`?patient=Patient/1`). */
export function unconstrained(scopes: Iterable<string>): string[] {
  return [...new Set(Array.from(scopes, (scope) => scope.split('?')[0]!))];
}

/**
 * A set of granted scopes that can be asked what it covers. Scopes add up: `.r` and `.s` cover `.rs`, `*`
 * covers every type; `user/` does not cover `patient/`, and a constrained scope
 * (`patient/Observation.rs?category=…`) does not cover the unconstrained one. Scopes written as URIs are read as the
 * scopes they stand for.
 *
 * @example
 * fhir.scopes.covers('patient/Observation.rs')
 */
export class SmartScopes {
  readonly #granted: readonly string[];
  readonly #resources: ResourceScope[];

  constructor(scope: string | readonly string[]) {
    const granted = typeof scope === 'string' ? splitScopes(scope) : scope;
    this.#granted = Object.freeze([...new Set(granted.map(scopeFromUri))]);
    this.#resources = this.#granted.map(parseResourceScope).filter((parsed) => parsed !== undefined);
  }

  /** Whether the scope, or every one of a space-separated list, is granted. */
  covers(scope: string): boolean {
    return this.missing(scope).length === 0;
  }

  /** The scopes that are asked for and not granted; of a clinical scope only the permissions that lack. */
  missing(...scopes: string[]): string[] {
    return scopes.flatMap(splitScopes).flatMap((scope) => this.#missing(scope));
  }

  /** Whether any scope of this level is granted; `patient` scopes need a patient in context. */
  hasLevel(level: ResourceScope['level']): boolean {
    return this.#resources.some((granted) => granted.level === level);
  }

  toArray(): string[] {
    return [...this.#granted];
  }

  toString(): string {
    return this.#granted.join(' ');
  }

  toJSON(): string[] {
    return this.toArray();
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#granted[Symbol.iterator]();
  }

  #missing(scope: string): string[] {
    const needed = parseResourceScope(scope);
    if (!needed) return this.#granted.includes(scopeFromUri(scope)) ? [] : [scope];
    const lacking = [...needed.permissions]
      .filter((permission) => !this.#grants(needed, permission))
      .join('');
    if (lacking === '') return [];
    const query = needed.parameters.length ? `?${needed.parameters.join('&')}` : '';
    return [`${needed.level}/${needed.resourceType}.${lacking}${query}`];
  }

  #grants(needed: ResourceScope, permission: string): boolean {
    return this.#resources.some(
      (granted) =>
        granted.level === needed.level &&
        (granted.resourceType === '*' || granted.resourceType === needed.resourceType) &&
        granted.permissions.includes(permission) &&
        // an unconstrained grant covers every constraint; a constrained one only the very same
        (granted.parameters.length === 0 ||
          (granted.parameters.length === needed.parameters.length &&
            granted.parameters.every((parameter, index) => parameter === needed.parameters[index]))),
    );
  }
}
