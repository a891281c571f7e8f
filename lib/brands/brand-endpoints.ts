import type { JsonObject } from '../http/json.js';
import { endpointAddress } from './brand-links.js';
import { objects, text } from './bundle-entries.js';

/**
 * A FHIR server that a brand names (SMART 2.2 "User-access Endpoint"). Being named is no permission: to launch there,
 * the server has to be a registered one, and its own SMART configuration says how.
 */
export interface BrandEndpoint {
  /** technical; show the brand's or the portal's name to users */
  name: string | null;
  /** FHIR base, https (http on loopback) */
  address: string;
  /** e.g. `4.0.1` */
  fhirVersions: readonly string[];
  /** `active`, `suspended`, `off` … */
  status: string | null;
}

const FHIR_VERSION = 'http://hl7.org/fhir/StructureDefinition/endpoint-fhir-version';

/** undefined where it is no FHIR server, or its address is none to call */
export function brandEndpoint(endpoint: JsonObject): BrandEndpoint | undefined {
  const address = endpointAddress(endpoint.address);
  const isOther = objects([endpoint.connectionType]).some(({ code }) => code !== 'hl7-fhir-rest');
  if (address === undefined || isOther) return undefined;
  return {
    name: text(endpoint.name),
    address,
    fhirVersions: objects(endpoint.extension)
      .filter(({ url }) => url === FHIR_VERSION)
      .flatMap(({ valueCode }) => text(valueCode) ?? []),
    status: text(endpoint.status),
  };
}
