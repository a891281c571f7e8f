import { FhirError } from './fhir-error.js';
import type { FhirRequest, FhirResponse } from './fhir-exchange.js';
import type { ResourceType } from './fhir-store.js';
import type { Interactions } from './interactions.js';
import { patientEverything } from './patient-everything.js';
import { ID_PATTERN } from './references.js';
import { isResourceType } from './search-parameters.js';

/** Routes a request for a type or an instance to its interaction. */
export function dispatch(request: FhirRequest, interactions: Interactions): FhirResponse {
  const [type = '', id, operation, versionId, ...rest] = request.path;
  if (!isResourceType(type)) {
    throw new FhirError(404, 'not-supported', `${request.path.join('/') || 'the base'} is not served here`);
  }
  if (id === undefined) return onType(type, request, interactions);
  if (id === '_search' && operation === undefined) {
    requireMethod(request, ['POST']);
    return interactions.search(type, request.query, request.headers);
  }
  if (!ID_PATTERN.test(id)) throw new FhirError(404, 'value', `not a FHIR id: ${id}`);
  if (operation === undefined) return onInstance(type, id, request, interactions);
  if (operation === '_history' && rest.length === 0) {
    requireMethod(request, ['GET']);
    return versionId === undefined
      ? interactions.history(type, id)
      : interactions.readVersion(type, id, versionId);
  }
  if (type === 'Patient' && operation === '$everything' && versionId === undefined) {
    requireMethod(request, ['GET']);
    return patientEverything(interactions, id, request.query);
  }
  throw new FhirError(404, 'not-supported', `${request.path.join('/')} is not served here`);
}

function onType(type: ResourceType, request: FhirRequest, interactions: Interactions): FhirResponse {
  requireMethod(request, ['GET', 'POST']);
  return request.method === 'GET'
    ? interactions.search(type, request.query, request.headers)
    : interactions.create(type, request.body, request.headers);
}

function onInstance(
  type: ResourceType,
  id: string,
  request: FhirRequest,
  interactions: Interactions,
): FhirResponse {
  const { method, body, headers } = request;
  switch (method) {
    case 'GET':
      return interactions.read(type, id, headers);
    case 'PUT':
      return interactions.update(type, id, body, headers);
    case 'PATCH':
      return interactions.patch(type, id, body, headers);
    case 'DELETE':
      return interactions.delete(type, id, headers);
    default:
      requireMethod(request, ['GET', 'PUT', 'PATCH', 'DELETE']);
      throw new FhirError(405, 'not-supported', method);
  }
}

export function requireMethod({ method, path }: FhirRequest, allowed: string[]): void {
  if (allowed.includes(method)) return;
  throw new FhirError(
    405,
    'not-supported',
    `${method} is not supported on /${path.join('/')}, only ${allowed.join(', ')}`,
  );
}
