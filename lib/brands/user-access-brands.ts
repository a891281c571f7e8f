import { HttpClient } from '../http/http-client.js';
import { SmartError } from '../smart-error.js';
import { BrandBundleCache } from './brand-bundle-cache.js';
import type { BrandBundle } from './brand-bundle.js';

/** Bounds of {@link UserAccessBrands}. */
export interface UserAccessBrandsOptions {
  /** milliseconds for one bundle, connection and body included. Default 60,000 */
  httpTimeoutMs?: number | undefined;
  /** bytes of one bundle. Default 50 MiB */
  maxBrandBundleBytes?: number | undefined;
  /** development: `http:` URLs are allowed */
  allowHttp?: boolean | undefined;
}

export const MAX_BRAND_BUNDLE_BYTES = 50 * 1024 * 1024;

/**
 * Reads User-access Brand Bundles from a URL that you name, such as the one in which a vendor lists all of its
 * customers (SMART 2.2 "User-access Brands"). Make one and keep it: it remembers each bundle by its ETag, and asks
 * only whether it changed. For one EHR's own brands use `SmartClient.brands()`.
 *
 * Endpoints in a bundle are something to choose from, never a permission: they become no known FHIR servers, and
 * nothing is sent to them.
 *
 * @example
 * const brands = new UserAccessBrands();
 * const bundle = unwrap(await brands.read('https://vendor.example.com/brands.json'));
 */
export class UserAccessBrands {
  readonly #http: HttpClient;
  readonly #bundles: BrandBundleCache;
  readonly #allowHttp: boolean;

  constructor(options: UserAccessBrandsOptions = {}) {
    const {
      httpTimeoutMs = 60_000,
      maxBrandBundleBytes = MAX_BRAND_BUNDLE_BYTES,
      allowHttp = false,
    } = options;
    this.#allowHttp = allowHttp;
    this.#http = new HttpClient(
      { timeoutMs: httpTimeoutMs, maxBytes: maxBrandBundleBytes },
      { publicOnly: false, allowLoopback: allowHttp },
    );
    this.#bundles = new BrandBundleCache(this.#http, maxBrandBundleBytes);
  }

  /**
   * The bundle at an https URL. It is shared and frozen; redirects are not followed.
   *
   * Errors: `invalid_request` (no https URL), `ehr_unavailable`, `ehr_timeout`, `invalid_fhir_response` (no Bundle,
   * or too large).
   */
  async read(url: string | URL): Promise<BrandBundle | SmartError> {
    const parsed = URL.canParse(String(url)) ? new URL(url) : undefined;
    const isSecure = parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && this.#allowHttp);
    if (!parsed || !isSecure || parsed.username || parsed.password) {
      return new SmartError('invalid_request', 'The address of a brand bundle must be an https URL');
    }
    return this.#bundles.get(parsed, true);
  }

  /** Lets running calls end and closes the connections. */
  async close(): Promise<void> {
    await this.#http.close();
  }
}
