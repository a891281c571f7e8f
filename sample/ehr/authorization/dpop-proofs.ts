import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import type { DpopProof } from '../fhir/index.js';
import { DPOP_ALGORITHMS } from './provider-configuration.js';

const LIFETIME_SECONDS = 60;

/** Checks the proofs that come with FHIR requests (RFC 9449 4.3 and 7). */
export class DpopProofs {
  readonly #seen = new Map<string, number>();

  constructor(private readonly origin: string) {}

  /** Thumbprint of the key that a proof was signed with; null: it does not prove this request and this token. */
  async keyOf({ jwt, method, path }: DpopProof, token: string): Promise<string | null> {
    try {
      const { payload, protectedHeader } = await jwtVerify(jwt, EmbeddedJWK, {
        typ: 'dpop+jwt',
        algorithms: [...DPOP_ALGORITHMS],
        maxTokenAge: LIFETIME_SECONDS,
        requiredClaims: ['jti'],
      });
      const { htm, htu, ath, jti } = payload;
      const hash = createHash('sha256').update(token).digest('base64url');
      if (htm !== method || htu !== this.origin + path || ath !== hash || !this.#isFirst(jti!)) return null;
      return await calculateJwkThumbprint(protectedHeader.jwk!);
    } catch {
      return null;
    }
  }

  #isFirst(jti: string): boolean {
    const now = Date.now();
    for (const [old, until] of this.#seen) if (until < now) this.#seen.delete(old);
    if (this.#seen.has(jti)) return false;
    this.#seen.set(jti, now + LIFETIME_SECONDS * 1000);
    return true;
  }
}
