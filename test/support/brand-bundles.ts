/** Resources of a User-access Brand Bundle, as SMART 2.2 "User-access Brands" has them. */

export interface BrandSettings {
  id: string;
  name?: string;
  identifier?: { system?: string; value?: string }[];
  logo?: string | string[];
  /** ids of Endpoints */
  endpoints?: string[];
  partOf?: string;
  others?: Record<string, unknown>;
}

export function brandOrganization(settings: BrandSettings): Record<string, unknown> {
  const { id, name = `Brand ${id}`, identifier, logo = [], endpoints = [], partOf, others } = settings;
  const logos = [logo].flat().map((valueUrl) => ({ url: 'brandLogo', valueUrl }));
  const portal = [
    { url: 'portalName', valueString: `Portal of ${id}` },
    { url: 'portalUrl', valueUrl: `https://portal.${id}.example.org/` },
    ...endpoints.map((endpoint) => ({
      url: 'portalEndpoint',
      valueReference: { reference: `Endpoint/${endpoint}` },
    })),
  ];
  return {
    resourceType: 'Organization',
    id,
    name,
    active: true,
    identifier: identifier ?? [{ system: 'urn:ietf:rfc:3986', value: `https://${id}.example.org` }],
    telecom: [{ system: 'url', value: `https://www.${id}.example.org/` }],
    extension: [
      { url: 'http://hl7.org/fhir/StructureDefinition/organization-brand', extension: logos },
      ...(endpoints.length > 0
        ? [{ url: 'http://hl7.org/fhir/StructureDefinition/organization-portal', extension: portal }]
        : []),
    ],
    endpoint: endpoints.map((endpoint) => ({ reference: `Endpoint/${endpoint}` })),
    ...(partOf && { partOf: { reference: `Organization/${partOf}` } }),
    ...others,
  };
}

export function brandEndpointResource(id: string, address: string): Record<string, unknown> {
  return {
    resourceType: 'Endpoint',
    id,
    status: 'active',
    name: `FHIR R4 of ${id}`,
    address,
    connectionType: { code: 'hl7-fhir-rest' },
    extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/endpoint-fhir-version', valueCode: '4.0.1' }],
  };
}

export function brandBundle(
  ...resources: Record<string, unknown>[]
): Record<string, unknown> & { entry: { fullUrl?: string; resource: Record<string, unknown> }[] } {
  return {
    resourceType: 'Bundle',
    type: 'collection',
    timestamp: '2026-01-02T03:04:05Z',
    entry: resources.map((resource) => ({ resource })),
  };
}
