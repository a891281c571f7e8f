import type { Brand, BrandBundle } from './brands/brand-bundle.js';
import { portalsOf } from './brands/brand-bundle.js';
import type { BrandBundleCache } from './brands/brand-bundle-cache.js';
import { primaryBrand } from './brands/primary-brand.js';
import type { Discovery } from './ehr/discovery.js';
import { parseFhirBaseUrl } from './ehr/fhir-base-url.js';
import type { RegistrationLookup } from './registration-lookup.js';
import { SmartError } from './smart-error.js';

/** The brands of one EHR, and who says so. */
export interface ServerBrands {
  /** `server`: the bundle that the EHR's SMART configuration links; `vendor`: the one you gave */
  source: 'server' | 'vendor';
  /** the brand of the EHR itself; null where several brands of a vendor's bundle have this FHIR server */
  primary: Brand | null;
  brands: readonly Brand[];
}

interface Parts {
  registrations: RegistrationLookup;
  discovery: Discovery;
  brandBundles: BrandBundleCache;
}

/**
 * The bundle that the EHR links is the one that counts (SMART 2.2 "User-access Brands"), also while it cannot be
 * read; a vendor's is taken where the EHR links none.
 */
export async function serverBrands(
  { registrations, discovery, brandBundles }: Parts,
  { iss, vendorBundle }: { iss: string; vendorBundle?: BrandBundle },
): Promise<ServerBrands | SmartError> {
  const registration = await registrations.find(iss);
  if (registration instanceof SmartError) return registration;
  const server = await discovery.discover(registration);
  if (server instanceof SmartError) return server;
  const { user_access_brand_bundle: link, user_access_brand_identifier: identifier } = server;
  if (link === undefined) return vendorBrands(vendorBundle, registration.iss);
  const bundle = await brandBundles.get(new URL(link), registration.isKnown);
  if (bundle instanceof SmartError) return bundle;
  const primary = primaryBrand(bundle.brands, identifier);
  return primary instanceof SmartError ? primary : { source: 'server', primary, brands: bundle.brands };
}

function vendorBrands(bundle: BrandBundle | undefined, iss: string): ServerBrands | SmartError {
  const own = parseFhirBaseUrl(iss)?.canonical;
  const brands = (bundle?.brands ?? []).filter((brand) =>
    [...brand.endpoints, ...portalsOf(brand).flatMap(({ endpoints }) => endpoints)].some(
      ({ address }) => parseFhirBaseUrl(address)?.canonical === own,
    ),
  );
  if (brands.length === 0) {
    return new SmartError(
      'invalid_request',
      'The SMART configuration of the EHR links no brands (user_access_brand_bundle)' +
        (bundle ? ', and no brand of the vendor’s bundle has this FHIR server' : ''),
    );
  }
  return { source: 'vendor', primary: brands.length === 1 ? brands[0]! : null, brands };
}
