import { parseResourceScope, splitScopes } from './scope.js';
import type { ResourceScope } from './scope.js';
import { scopeFromUri, scopeToUri } from './scope-uri.js';

const PERMISSIONS = [...'cruds'];
const V1_ACCESS: Readonly<Record<string, string>> = { rs: 'read', cud: 'write', cruds: '*' };

/**
 * A clinical scope as text, in the syntax of SMART 2.2 or of SMART 1. Undefined for what SMART 1 has no words for:
 * search constraints, and permissions other than `rs`, `cud` and `cruds`.
 *
 * @example
 * printScope({ level: 'patient', resourceType: 'Observation', permissions: 'rs', parameters: [] }); // patient/Observation.rs
 */
export function printScope(scope: ResourceScope): string;
export function printScope(scope: ResourceScope, version: 'v1' | 'v2'): string | undefined;
export function printScope(scope: ResourceScope, version: 'v1' | 'v2' = 'v2'): string | undefined {
  const { level, resourceType, parameters } = scope;
  // A server may refuse letters in another order, or take them for something else.
  const permissions = PERMISSIONS.filter((letter) => scope.permissions.includes(letter)).join('');
  if (version === 'v1') {
    const access = parameters.length === 0 ? V1_ACCESS[permissions] : undefined;
    return access && `${level}/${resourceType}.${access}`;
  }
  const query = parameters.length === 0 ? '' : `?${parameters.join('&')}`;
  return `${level}/${resourceType}.${permissions}${query}`;
}

/**
 * A space-separated list with its clinical scopes in the syntax of SMART 2.2: `.read` is `.rs`, `.write` is `.cud`,
 * `.*` is `.cruds`. Other scopes stay as they are, and URIs of scopes are read as in `scopesFromUris`.
 */
export function toV2Scopes(scopes: string): string {
  return joined(scopesOf(scopes).map((scope) => printed(scope, 'v2') ?? scope));
}

/**
 * A space-separated list with its clinical scopes in the syntax of SMART 1; undefined where SMART 1 cannot say one of
 * them. `.r` and `.s` apart are such: merge them first.
 */
export function toV1Scopes(scopes: string): string | undefined {
  const all = scopesOf(scopes).map((scope) => (parseResourceScope(scope) ? printed(scope, 'v1') : scope));
  return all.every((scope) => scope !== undefined) ? joined(all) : undefined;
}

/**
 * One list that grants what all the lists grant together, and nothing else: `.r` and `.s` of one type become `.rs`,
 * each scope comes once, in the order of its first. Scopes with other search constraints stay apart, since two
 * constraints are not one wider one.
 *
 * @example
 * mergeScopes('openid patient/Observation.r', 'patient/Observation.s openid'); // openid patient/Observation.rs
 */
export function mergeScopes(...scopes: string[]): string {
  const merged = new Map<string, ResourceScope | string>();
  for (const text of scopes.flatMap(scopesOf)) {
    const scope = parseResourceScope(text);
    // with a space, which no scope has
    const name = scope ? `${printScope({ ...scope, permissions: '' })} ` : text;
    const known = merged.get(name);
    if (scope && typeof known === 'object') known.permissions += scope.permissions;
    else merged.set(name, scope ?? text);
  }
  return joined([...merged.values()].map((scope) => (typeof scope === 'string' ? scope : printScope(scope))));
}

/**
 * A space-separated list as URIs: `http://smarthealthit.org/fhir/scopes/patient/*.rs`, and
 * `http://openid.net/specs/openid-connect-core-1_0#openid` (SMART 2.2 "URI representation of scopes"). A scope that
 * is a URI already stays as it is.
 */
export function scopesToUris(scopes: string): string {
  return joined(splitScopes(scopes).map(scopeToUri));
}

/** The scopes that a list of URIs stands for; scopes and URIs of somebody's own stay as they are. */
export function scopesFromUris(scopes: string): string {
  return joined(scopesOf(scopes));
}

function scopesOf(scopes: string): string[] {
  return splitScopes(scopes).map(scopeFromUri);
}

function printed(text: string, version: 'v1' | 'v2'): string | undefined {
  const scope = parseResourceScope(text);
  return scope && printScope(scope, version);
}

function joined(scopes: string[]): string {
  return [...new Set(scopes)].join(' ');
}
