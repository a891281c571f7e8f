import QuickLRU from 'quick-lru';
import { readSmartStyle } from './fhir/smart-style.js';
import type { SmartStyle } from './fhir/smart-style.js';
import type { HttpClient } from './http/http-client.js';
import { HttpFailure } from './http/http-failure.js';
import { parseJsonObject } from './http/json.js';
import { SmartError } from './smart-error.js';

const MAX_REMEMBERED = 200;
const MAX_BYTES = 64 * 1024;

/** `smart_style_url` documents, each fetched once: SMART 2.2 promises that a URL's content never changes. */
export class SmartStyleCache {
  readonly #styles: QuickLRU<string, SmartStyle>;

  constructor(
    private readonly http: HttpClient,
    private readonly options: { allowHttp: boolean; discoveryTtlMs: number },
  ) {
    this.#styles = new QuickLRU({ maxSize: MAX_REMEMBERED, maxAge: options.discoveryTtlMs });
  }

  async get(styleUrl: string, trusted: boolean): Promise<SmartStyle | SmartError> {
    // What may be fetched for a known EHR is not there for whoever names the same address.
    const name = `${trusted ? 'known' : 'any'} ${styleUrl}`;
    const known = this.#styles.get(name);
    if (known) return known;
    const url = URL.canParse(styleUrl) ? new URL(styleUrl) : undefined;
    if (url?.protocol !== 'https:' && !(url?.protocol === 'http:' && this.options.allowHttp)) {
      return new SmartError('invalid_fhir_response', 'smart_style_url is not an https URL');
    }
    try {
      const limits = { maxBytes: MAX_BYTES };
      const headers = { accept: 'application/json' };
      const answer = await this.http.send({ method: 'GET', url, headers, limits, trusted });
      const document = answer.status === 200 ? parseJsonObject(answer.body) : undefined;
      if (!document) return new SmartError('invalid_fhir_response', 'smart_style_url is not a JSON document');
      const style = readSmartStyle(document);
      this.#styles.set(name, style);
      return style;
    } catch (error) {
      const isTimeout = error instanceof HttpFailure && error.kind === 'timeout';
      const code = isTimeout ? 'ehr_timeout' : 'ehr_unavailable';
      return new SmartError(code, 'smart_style_url could not be read', { cause: error });
    }
  }
}
