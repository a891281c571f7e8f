import 'reflect-metadata';

/**
 * Jest's VM realm breaks `structuredClone(x).constructor === Object`, which oidc-provider
 * relies on when it reads a client's inline JWKS. A clone made inside the realm mends it.
 */
function clone(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clone);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, clone(member)]));
  }
  return value;
}

globalThis.structuredClone = clone as typeof structuredClone;
