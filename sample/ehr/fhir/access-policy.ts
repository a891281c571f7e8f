import type { FhirResource } from 'fhir/r4.js';

import { FhirError } from './fhir-error.js';
import type { ResourceType } from './fhir-store.js';
import { isInCompartment, isShared } from './patient-compartment.js';
import { parseResourceScope } from './scopes.js';
import type { Permission, ResourceScope } from './scopes.js';
import { matchesFilter } from './search-filter.js';
import type { Filter } from './search-filter.js';
import { parseSearch } from './search-query.js';

/** What the access token lets its bearer do. */
export interface Access {
  scopes: string[];
  /** the id of the patient in context, which `patient/` scopes are confined to */
  patient: string | null;
}

const VERBS: Record<Permission, string> = {
  c: 'create',
  r: 'read',
  u: 'update',
  d: 'delete',
  s: 'search',
};

export class AccessPolicy {
  private readonly scopes: ResourceScope[];
  private readonly constraints = new Map<string, Filter[] | null>();

  constructor(
    private readonly access: Access,
    private readonly base: string,
  ) {
    this.scopes = access.scopes.map(parseResourceScope).filter((scope) => scope !== null);
    if (access.scopes.includes('openid') && access.scopes.includes('fhirUser')) {
      // the fhirUser claim names a Practitioner, which is of no use unless it can be read
      this.scopes.push({
        context: 'user',
        type: 'Practitioner',
        permissions: new Set(['r']),
        constraint: null,
      });
    }
  }

  /** Fails unless some scope covers the type, whatever the resource. */
  require(permission: Permission, type: ResourceType): void {
    if (this.covering(permission, type).length === 0) {
      throw forbidden(`no granted scope lets you ${VERBS[permission]} ${type}`);
    }
  }

  requireFor(permission: Permission, resource: FhirResource): void {
    this.require(permission, resource.resourceType);
    if (!this.allows(permission, resource)) {
      const name = resource.id ? `${resource.resourceType}/${resource.id}` : `this ${resource.resourceType}`;
      throw forbidden(`the granted scopes do not let you ${VERBS[permission]} ${name}`);
    }
  }

  allows(permission: Permission, resource: FhirResource): boolean {
    return this.covering(permission, resource.resourceType).some(
      (scope) => this.reaches(scope, permission, resource) && this.meetsConstraint(scope, resource),
    );
  }

  private covering(permission: Permission, type: string): ResourceScope[] {
    return this.scopes
      .filter((scope) => (scope.type === '*' || scope.type === type) && scope.permissions.has(permission))
      .filter((scope) => scope.context !== 'patient' || this.access.patient !== null || isShared(type));
  }

  private reaches(scope: ResourceScope, permission: Permission, resource: FhirResource): boolean {
    if (scope.context !== 'patient') return true;
    if (isShared(resource.resourceType)) return permission === 'r' || permission === 's';
    const { patient } = this.access;
    return patient !== null && isInCompartment(resource, patient, this.base);
  }

  private meetsConstraint(scope: ResourceScope, resource: FhirResource): boolean {
    if (!scope.constraint) return true;
    const filters = this.filtersOf(scope.constraint, resource.resourceType);
    return filters?.every((filter) => matchesFilter(resource, filter, this.base)) ?? false;
  }

  /** null for a constraint the server does not understand: such a scope grants nothing. */
  private filtersOf(constraint: URLSearchParams, type: ResourceType): Filter[] | null {
    const key = `${type}?${constraint.toString()}`;
    const known = this.constraints.get(key);
    if (known !== undefined) return known;
    const filters = parseConstraint(constraint, type);
    this.constraints.set(key, filters);
    return filters;
  }
}

function parseConstraint(constraint: URLSearchParams, type: ResourceType): Filter[] | null {
  try {
    const { filters } = parseSearch(type, constraint, { strict: true });
    return filters.length > 0 ? filters : null;
  } catch (error) {
    if (error instanceof FhirError) return null;
    throw error;
  }
}

const forbidden = (message: string): FhirError => new FhirError(403, 'forbidden', message);
