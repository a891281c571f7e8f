import type { Bundle, FhirResource } from 'fhir/r4.js';

import type { AccessPolicy } from './access-policy.js';
import { FhirError, operationOutcome } from './fhir-error.js';
import type { FhirRequest, FhirResponse } from './fhir-exchange.js';
import type { FhirStore, ResourceType, WriteResult } from './fhir-store.js';
import { findMatches, searchResources } from './search.js';
import type { SearchContext } from './search.js';
import { parseSearch } from './search-query.js';
import { validateResource } from './validate-resource.js';

type Headers = FhirRequest['headers'];

/** The RESTful interactions on one type or instance, within what the caller may do. */
export class Interactions {
  constructor(
    readonly store: FhirStore,
    readonly base: string,
    readonly policy: AccessPolicy,
  ) {}

  read(type: ResourceType, id: string, headers: Headers): FhirResponse {
    this.requireInstance('r', type, id);
    const resource = this.store.read(type, id);
    const known = headers['if-none-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
    if (known?.some((tag) => tag === '*' || tag === `"${resource.meta?.versionId}"`)) {
      return { status: 304, headers: versionHeaders(resource) };
    }
    return { status: 200, headers: versionHeaders(resource), body: resource };
  }

  readVersion(type: ResourceType, id: string, versionId: string): FhirResponse {
    this.requireInstance('r', type, id);
    const resource = this.store.readVersion(type, id, versionId);
    this.policy.requireFor('r', resource);
    return { status: 200, headers: versionHeaders(resource), body: resource };
  }

  history(type: ResourceType, id: string): FhirResponse {
    this.requireInstance('r', type, id);
    const versions = this.store
      .history(type, id)
      .filter(({ resource }) => !resource || this.policy.allows('r', resource));
    const body: Bundle = {
      resourceType: 'Bundle',
      type: 'history',
      total: versions.length,
      link: [{ relation: 'self', url: `${this.base}/${type}/${id}/_history` }],
      entry: versions.map(({ versionId, lastUpdated, method, resource }) => ({
        fullUrl: `${this.base}/${type}/${id}`,
        ...(resource ? { resource } : {}),
        request: { method, url: method === 'POST' ? type : `${type}/${id}` },
        response: {
          status: method === 'DELETE' ? '204' : versionId === '1' ? '201' : '200',
          etag: `W/"${versionId}"`,
          lastModified: lastUpdated,
        },
      })),
    };
    return { status: 200, headers: {}, body };
  }

  search(type: ResourceType, query: URLSearchParams, headers: Headers): FhirResponse {
    this.policy.require('s', type);
    const strict = preference(headers, 'handling') === 'strict';
    return {
      status: 200,
      headers: {},
      body: searchResources(this.store, type, query, { ...this.searchContext(), strict }),
    };
  }

  /** With an `id`, the one a transaction has set aside for this entry. */
  create(type: ResourceType, body: unknown, headers: Headers, id?: string): FhirResponse {
    validateResource(body, type);
    const resource = body as FhirResource;
    this.policy.requireFor('c', resource);
    const existing = this.existingFor(type, headers['if-none-exist']);
    if (existing) return written({ resource: existing, created: false }, this.base, headers);
    return written(this.store.create(resource, id), this.base, headers);
  }

  /** The single match of an `If-None-Exist` search; several are an error. */
  existingFor(type: ResourceType, ifNoneExist: string | undefined): FhirResource | undefined {
    if (ifNoneExist === undefined) return undefined;
    const matches = this.matching(type, ifNoneExist);
    if (matches.length <= 1) return matches[0];
    throw new FhirError(412, 'multiple-matches', `${matches.length} resources match ${type}?${ifNoneExist}`);
  }

  /** What a conditional interaction finds: a condition that is not understood in full is refused. */
  matching(type: ResourceType, condition: string): FhirResource[] {
    this.policy.require('s', type);
    const query = parseSearch(type, new URLSearchParams(condition.replace(/^\?/, '')), { strict: true });
    if (query.filters.length === 0) {
      throw new FhirError(400, 'invalid', `${type}?${condition} is no condition`);
    }
    return findMatches(this.store, query, this.searchContext());
  }

  update(type: ResourceType, id: string, body: unknown, headers: Headers): FhirResponse {
    validateResource(body, type);
    const resource = body as FhirResource;
    if (resource.id !== id) {
      throw new FhirError(400, 'invalid', `the URL says ${id}, the resource ${resource.id ?? 'has no id'}`);
    }
    this.policy.require('u', type);
    const current = this.lastKnown(type, id);
    if (current) this.policy.requireFor('u', current);
    this.policy.requireFor('u', resource);
    return written(this.store.update(resource, { ifMatch: headers['if-match'] }), this.base, headers);
  }

  patch(type: ResourceType, id: string, body: unknown, headers: Headers): FhirResponse {
    this.requireInstance('u', type, id);
    this.policy.requireFor('u', this.store.preview(type, id, body));
    const result = this.store.patch(type, id, body, { ifMatch: headers['if-match'] });
    return written(result, this.base, headers);
  }

  delete(type: ResourceType, id: string, headers: Headers): FhirResponse {
    this.requireInstance('d', type, id);
    this.store.delete(type, id, { ifMatch: headers['if-match'] });
    return { status: 204, headers: {} };
  }

  /** Guards a resource that has been deleted by what it last was. */
  private requireInstance(permission: 'r' | 'u' | 'd', type: ResourceType, id: string): void {
    this.policy.require(permission, type);
    const resource = this.lastKnown(type, id);
    if (resource) this.policy.requireFor(permission, resource);
  }

  private lastKnown(type: ResourceType, id: string): FhirResource | undefined {
    return (
      this.store.versionsOf(type, id).findLast(({ resource }) => resource !== null)?.resource ?? undefined
    );
  }

  private searchContext(): SearchContext {
    return {
      base: this.base,
      visible: (resource) => this.policy.allows('s', resource),
      includable: (resource) => this.policy.allows('r', resource),
    };
  }
}

function written({ resource, created }: WriteResult, base: string, headers: Headers): FhirResponse {
  const name = `${resource.resourceType}/${resource.id}`;
  const response: FhirResponse = {
    status: created ? 201 : 200,
    headers: {
      ...versionHeaders(resource),
      location: `${base}/${name}/_history/${resource.meta?.versionId}`,
    },
  };
  const wanted = preference(headers, 'return');
  if (wanted === 'OperationOutcome') {
    response.body = operationOutcome('information', 'informational', `${name} has been stored`);
  } else if (wanted !== 'minimal') response.body = resource;
  return response;
}

function versionHeaders({ meta }: FhirResource): Record<string, string> {
  return {
    etag: `W/"${meta?.versionId}"`,
    'last-modified': new Date(meta?.lastUpdated ?? 0).toUTCString(),
  };
}

/** `Prefer: return=minimal; handling=strict`, by key. */
function preference(headers: Headers, key: string): string | undefined {
  const preferences = headers['prefer']?.split(/[;,]/).map((part) => part.trim().split('=')) ?? [];
  return preferences.find(([name]) => name === key)?.[1];
}
