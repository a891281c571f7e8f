import { isJsonObject } from '../http/json.js';
import type { JsonObject } from '../http/json.js';
import { SmartError } from '../smart-error.js';
import { brandEndpoint } from './brand-endpoints.js';
import type { BrandEndpoint } from './brand-endpoints.js';
import { logoUrl, pageUrl } from './brand-links.js';
import { BundleReferences, bundleEntries, objects, text, texts } from './bundle-entries.js';
import type { BundleEntry } from './bundle-entries.js';

/** A place where users know the brand from; every part may be missing. */
export interface BrandAddress {
  lines: string[];
  city: string | null;
  state: string | null;
  postalCode: string | null;
  /** ISO 3166-1 alpha-2, as the publisher wrote it */
  country: string | null;
}

/** A portal of a brand, with the FHIR servers that hold its users' data. */
export interface BrandPortal {
  name: string | null;
  /** Markdown of the publisher: render it without its HTML */
  description: string | null;
  /** http or https */
  url: string | null;
  /** see {@link Brand.logo} */
  logo: string | null;
  logoLicense: string | null;
  endpoints: readonly BrandEndpoint[];
}

/**
 * An organization as its users know it (SMART 2.2 "User-access Brands": an Organization of a Brand Bundle). All text
 * is the publisher's: escape it where you show it.
 */
export interface Brand {
  /** id within its bundle */
  id: string | null;
  name: string;
  /** further and former names, for a search */
  aliases: readonly string[];
  isActive: boolean;
  identifiers: readonly BrandIdentifier[];
  /** codes of SMART's user-access categories, e.g. `prov`, `ins`, `laboratory` */
  categories: readonly string[];
  /** http or https */
  website: string | null;
  /** safe as the `src` of an `<img>`: https, or an inline PNG, JPEG, GIF or WebP. Everything else is dropped */
  logo: string | null;
  /** terms to agree to before the logo is used */
  logoLicense: string | null;
  addresses: readonly BrandAddress[];
  portals: readonly BrandPortal[];
  /** every FHIR server of the brand, those of its portals included */
  endpoints: readonly BrandEndpoint[];
  /** the brand that this one is part of; where a brand has no portal, users go to its parent's. Has no parent itself */
  parent: Brand | null;
}

export interface BrandIdentifier {
  system: string | null;
  value: string;
}

/** A User-access Brand Bundle, read. */
export interface BrandBundle {
  /** `Bundle.timestamp`: when its content changed last */
  timestamp: string | null;
  brands: readonly Brand[];
}

const BRAND = 'http://hl7.org/fhir/StructureDefinition/organization-brand';
const PORTAL = 'http://hl7.org/fhir/StructureDefinition/organization-portal';

/**
 * Reads a User-access Brand Bundle (SMART 2.2 "User-access Brands"), e.g. the one that an EHR's vendor publishes for
 * all of its customers. Organizations without a name are left out, and so are links that are not safe to show.
 *
 * An endpoint in a bundle is something to show and to choose from, never a permission: it makes no server one that
 * this package launches from or sends anything to.
 *
 * Error: `invalid_fhir_response` where it is not a FHIR Bundle.
 *
 * @example
 * const bundle = unwrap(readBrandBundle(JSON.parse(await readFile('vendor-brands.json', 'utf8'))));
 */
export function readBrandBundle(bundle: unknown): BrandBundle | SmartError {
  if (!isJsonObject(bundle) || bundle.resourceType !== 'Bundle') {
    return new SmartError('invalid_fhir_response', 'The brand bundle is not a FHIR Bundle');
  }
  const entries = bundleEntries(bundle);
  const endpoints = new BundleReferences<BrandEndpoint>();
  for (const entry of entries) {
    const endpoint = entry.resource.resourceType === 'Endpoint' ? brandEndpoint(entry.resource) : undefined;
    if (endpoint) endpoints.add(entry, endpoint);
  }
  const alone = entries
    .filter(({ resource }) => resource.resourceType === 'Organization' && text(resource.name) !== null)
    .map((entry) => ({ entry, brand: brandOf(entry, endpoints) }));
  const parents = new BundleReferences<Brand>();
  for (const { entry, brand } of alone) parents.add(entry, brand);
  const brands = alone.map(({ entry, brand }) => {
    const parent = parents.resolve(entry.resource.partOf, entry.fullUrl);
    // A parent comes without its own: the hierarchy is two deep, and a circle would have no end.
    return parent === null || parent === brand ? brand : { ...brand, parent };
  });
  return { timestamp: text(bundle.timestamp), brands };
}

/** The portals where users of a brand have their data: its own, or else its parent's. */
export function portalsOf(brand: Brand): readonly BrandPortal[] {
  return brand.portals.length > 0 ? brand.portals : (brand.parent?.portals ?? []);
}

function brandOf({ resource, fullUrl }: BundleEntry, known: BundleReferences<BrandEndpoint>): Brand {
  const endpointsOf = (references: unknown[]) =>
    references.flatMap((one) => known.resolve(one, fullUrl) ?? []);
  const extensions = objects(resource.extension);
  const branding = extensions.find(({ url }) => url === BRAND);
  const portals = extensions.filter(({ url }) => url === PORTAL).map((one) => portalOf(one, endpointsOf));
  const urls = objects(resource.telecom).filter(({ system }) => system === 'url');
  return {
    id: text(resource.id),
    name: text(resource.name)!,
    aliases: texts(resource.alias),
    isActive: resource.active !== false,
    identifiers: objects(resource.identifier).flatMap(({ system, value }) =>
      text(value) === null ? [] : [{ system: text(system), value: text(value)! }],
    ),
    categories: objects(resource.type).flatMap(({ coding }) =>
      objects(coding).flatMap(({ code }) => text(code) ?? []),
    ),
    website: first(urls, 'value', pageUrl),
    logo: first(parts(branding, 'brandLogo'), 'valueUrl', logoUrl),
    logoLicense: first(parts(branding, 'brandLogoLicense'), 'valueUrl', pageUrl),
    addresses: objects(resource.address).map(addressOf),
    portals,
    endpoints: [
      ...new Set([
        ...endpointsOf(objects(resource.endpoint)),
        ...portals.flatMap(({ endpoints }) => endpoints),
      ]),
    ],
    parent: null,
  };
}

function portalOf(portal: JsonObject, endpointsOf: (references: unknown[]) => BrandEndpoint[]): BrandPortal {
  return {
    name: first(parts(portal, 'portalName'), 'valueString', text),
    description: first(parts(portal, 'portalDescription'), 'valueMarkdown', text),
    url: first(parts(portal, 'portalUrl'), 'valueUrl', pageUrl),
    logo: first(parts(portal, 'portalLogo'), 'valueUrl', logoUrl),
    logoLicense: first(parts(portal, 'portalLogoLicense'), 'valueUrl', pageUrl),
    endpoints: endpointsOf(parts(portal, 'portalEndpoint').map(({ valueReference }) => valueReference)),
  };
}

function addressOf({ line, city, state, postalCode, country }: JsonObject): BrandAddress {
  return {
    lines: texts(line),
    city: text(city),
    state: text(state),
    postalCode: text(postalCode),
    country: text(country),
  };
}

/** The parts of an extension with that name. */
function parts(extension: JsonObject | undefined, name: string): JsonObject[] {
  return objects(extension?.extension).filter(({ url }) => url === name);
}

function first(
  items: JsonObject[],
  member: string,
  read: (value: unknown) => string | null | undefined,
): string | null {
  for (const item of items) {
    const value = read(item[member]);
    if (value !== undefined && value !== null) return value;
  }
  return null;
}
