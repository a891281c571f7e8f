import { STATUS_CODES } from 'node:http';

import type { BundleEntry, FhirResource } from 'fhir/r4.js';

import { FhirError } from './fhir-error.js';
import type { FhirRequest, FhirResponse } from './fhir-exchange.js';
import { isObject } from './json.js';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** An entry of a batch or transaction as the request it stands for. */
export function requestOfEntry(entry: unknown, base: string): FhirRequest {
  const request = isObject(entry) ? entry['request'] : undefined;
  if (!isObject(entry) || !isObject(request))
    throw new FhirError(400, 'required', 'the entry has no request');
  const { method, url } = request;
  if (typeof method !== 'string' || !METHODS.includes(method)) {
    throw new FhirError(400, 'value', `request.method is not one of ${METHODS.join(', ')}`);
  }
  if (typeof url !== 'string' || url === '') throw new FhirError(400, 'required', 'request.url is missing');
  const local = url.startsWith(`${base}/`) ? url.slice(base.length + 1) : url.replace(/^\//, '');
  const [path = '', ...search] = local.split('?');
  const resource = entry['resource'];
  return {
    method,
    path: path.split('/').filter((segment) => segment !== ''),
    query: new URLSearchParams(search.join('?')),
    headers: {
      'if-match': text(request['ifMatch']),
      'if-none-match': text(request['ifNoneMatch']),
      'if-none-exist': text(request['ifNoneExist']),
    },
    body: method === 'PATCH' ? patchDocument(resource) : resource,
  };
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** In a Bundle a JSON Patch travels as a Binary, its bytes in base64. */
function patchDocument(resource: unknown): unknown {
  if (!isObject(resource) || resource['resourceType'] !== 'Binary' || typeof resource['data'] !== 'string') {
    throw new FhirError(400, 'structure', 'a PATCH entry carries its JSON Patch in a Binary');
  }
  try {
    return JSON.parse(Buffer.from(resource['data'], 'base64').toString('utf8'));
  } catch {
    throw new FhirError(400, 'structure', 'the Binary of the PATCH entry does not hold JSON');
  }
}

export function entryOfResponse(response: FhirResponse, base: string): BundleEntry {
  const { status, headers, body } = response;
  const resource = body as FhirResource | undefined;
  const isOutcome = resource?.resourceType === 'OperationOutcome';
  return {
    ...(resource?.id ? { fullUrl: `${base}/${resource.resourceType}/${resource.id}` } : {}),
    ...(resource && !isOutcome ? { resource } : {}),
    response: {
      status: `${status} ${STATUS_CODES[status] ?? ''}`.trim(),
      ...(headers['location'] ? { location: headers['location'].slice(base.length + 1) } : {}),
      ...(headers['etag'] ? { etag: headers['etag'] } : {}),
      ...(headers['last-modified'] ? { lastModified: new Date(headers['last-modified']).toISOString() } : {}),
      ...(isOutcome ? { outcome: resource } : {}),
    },
  };
}
