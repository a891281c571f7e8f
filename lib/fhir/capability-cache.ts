import QuickLRU from 'quick-lru';

const MAX_SERVERS = 200;

/** CapabilityStatements by FHIR base: what a server can do is no user's secret. */
export class CapabilityCache {
  readonly #statements: QuickLRU<string, { resourceType: string }>;

  /** @param ttlMs milliseconds a statement is remembered */
  constructor(ttlMs: number) {
    this.#statements = new QuickLRU({ maxSize: MAX_SERVERS, maxAge: ttlMs });
  }

  get(fhirBaseUrl: string): { resourceType: string } | undefined {
    return this.#statements.get(fhirBaseUrl);
  }

  /** Frozen to its depths, since everybody gets the same object. */
  remember<T extends { resourceType: string }>(fhirBaseUrl: string, statement: T): T {
    const frozen = frozenDeep(statement);
    this.#statements.set(fhirBaseUrl, frozen);
    return frozen;
  }
}

function frozenDeep<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) frozenDeep(member);
  return Object.freeze(value);
}
