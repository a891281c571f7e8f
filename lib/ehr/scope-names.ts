import type { KnownFhirServerSwitches } from './known-fhir-server.js';

type Named = Pick<KnownFhirServerSwitches, 'scopeNames'>;

/** SMART scopes in the words of this server (`scopeNames`). */
export function serverScopes(scope: string, { scopeNames = {} }: Named): string {
  return renamed(scope, new Map(Object.entries(scopeNames)));
}

/** This server's scopes in the words of SMART. */
export function smartScopes(scope: string, { scopeNames = {} }: Named): string {
  return renamed(scope, new Map(Object.entries(scopeNames).map(([smart, own]) => [own, smart])));
}

function renamed(scope: string, names: Map<string, string>): string {
  if (names.size === 0) return scope;
  return scope
    .split(/\s+/)
    .map((name) => names.get(name) ?? name)
    .join(' ');
}
