import type { HttpClient } from '../http/http-client.js';
import { HttpFailure } from '../http/http-failure.js';
import { parseJson } from '../http/json.js';
import { SmartError } from '../smart-error.js';
import { readBrandBundle } from './brand-bundle.js';
import type { BrandBundle } from './brand-bundle.js';

interface Remembered {
  etag: string;
  bytes: number;
  bundle: BrandBundle;
}

const MAX_REMEMBERED = 100;
/** a header that is sent back with every request */
const ETAG = /^(W\/)?"[\x21\x23-\x7e]{0,200}"$/;
const BUNDLE_JSON = 'application/fhir+json, application/json;q=0.9';

/**
 * Brand bundles by URL, each asked for anew with the ETag it had (SMART 2.2 "Caching Brand Bundles"); one request at
 * a time per URL. What it answers is shared, and frozen.
 */
export class BrandBundleCache {
  /** the one used last comes last */
  readonly #remembered = new Map<string, Remembered>();
  readonly #flights = new Map<string, Promise<BrandBundle | SmartError>>();
  #bytes = 0;

  constructor(
    private readonly http: HttpClient,
    /** bytes of one bundle; the cache keeps what was read of twice as many */
    private readonly maxBytes: number,
  ) {}

  /** @param trusted the operator named the server that links the bundle; another's may be as long as any document */
  get(url: URL, trusted: boolean): Promise<BrandBundle | SmartError> {
    // What may be fetched for a known EHR is not there for whoever names the same address.
    const name = `${trusted ? 'known' : 'any'} ${url.href}`;
    const running = this.#flights.get(name);
    if (running) return running;
    const flight = this.#fetch(name, url, trusted).finally(() => this.#flights.delete(name));
    this.#flights.set(name, flight);
    return flight;
  }

  async #fetch(name: string, url: URL, trusted: boolean): Promise<BrandBundle | SmartError> {
    const known = this.#remembered.get(name);
    const headers = { accept: BUNDLE_JSON, ...(known && { 'if-none-match': known.etag }) };
    const limits = trusted ? { maxBytes: this.maxBytes } : {};
    try {
      const answer = await this.http.send({ method: 'GET', url, headers, limits, trusted });
      if (known && answer.status === 304) {
        this.#remember(name, known);
        return known.bundle;
      }
      if (answer.status !== 200) {
        const code = answer.status >= 500 ? 'ehr_unavailable' : 'invalid_fhir_response';
        return new SmartError(code, `The brand bundle of ${url.host} was answered with ${answer.status}`);
      }
      const bundle = readBrandBundle(parseJson(answer.body));
      if (bundle instanceof SmartError) return bundle;
      const etag = answer.header('etag') ?? '';
      this.#forget(name);
      frozen(bundle);
      if (ETAG.test(etag)) this.#remember(name, { etag, bytes: answer.body.length, bundle });
      return bundle;
    } catch (error) {
      if (!(error instanceof HttpFailure)) throw error;
      return new SmartError(codeOf(error), `The brand bundle could not be read: ${error.message}`, {
        cause: error,
      });
    }
  }

  #remember(name: string, entry: Remembered): void {
    this.#forget(name);
    this.#remembered.set(name, entry);
    this.#bytes += entry.bytes;
    for (const [oldest] of this.#remembered) {
      if (this.#remembered.size <= MAX_REMEMBERED && this.#bytes <= 2 * this.maxBytes) break;
      this.#forget(oldest);
    }
  }

  #forget(name: string): void {
    this.#bytes -= this.#remembered.get(name)?.bytes ?? 0;
    this.#remembered.delete(name);
  }
}

function codeOf({ kind }: HttpFailure): 'ehr_timeout' | 'invalid_fhir_response' | 'ehr_unavailable' {
  if (kind === 'timeout') return 'ehr_timeout';
  return kind === 'too_large' ? 'invalid_fhir_response' : 'ehr_unavailable';
}

function frozen(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const member of Object.values(value)) frozen(member);
}
