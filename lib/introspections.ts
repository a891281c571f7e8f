import { createHash } from 'node:crypto';
import QuickLRU from 'quick-lru';
import type { Registration } from './ehr/registrations.js';
import type { HttpClient } from './http/http-client.js';
import { scopesFromUris } from './scope/scope-language.js';
import type { PinnedServer } from './session/launch-record.js';
import { SmartError } from './smart-error.js';
import { introspectToken } from './token/introspection.js';
import type { Introspection } from './token/introspection.js';

const MAX_AGE_MS = 60_000;
const MAX_REMEMBERED = 1_000;
/** a launch context may be large, and a thousand of them are kept */
const MAX_LENGTH = 16 * 1024;

/**
 * Introspections, each remembered for a minute at most and never longer than its token lives (RFC 7662 4). Only a
 * token that is good: one that is not, and an endpoint that failed, is asked about anew.
 */
export class Introspections {
  readonly #known = new QuickLRU<string, string>({ maxSize: MAX_REMEMBERED });

  constructor(private readonly http: HttpClient) {}

  async of(
    token: string,
    registration: Registration,
    server: PinnedServer,
  ): Promise<Introspection | SmartError> {
    const name = nameOf([server.introspection_endpoint ?? '', registration.clientId, token]);
    const known = this.#known.get(name);
    if (known !== undefined) return JSON.parse(known) as Introspection;
    const found = await introspectToken(this.http, registration, server, token);
    if (found instanceof SmartError || !found.active) return found;
    const introspection = { ...found, scope: scopesFromUris(found.scope) };
    const maxAge = Math.min(MAX_AGE_MS, (found.expiresAt ?? Infinity) - Date.now());
    const text = JSON.stringify(introspection);
    if (maxAge > 0 && text.length <= MAX_LENGTH) this.#known.set(name, text, { maxAge });
    return introspection;
  }
}

/** No token is kept in order to find its answer. */
function nameOf(parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
}
