import { randomUUID } from 'node:crypto';

import type { FhirResource } from 'fhir/r4.js';

import { FhirError } from './fhir-error.js';
import { applyJsonPatch } from './json-patch.js';
import { deepFreeze, isObject } from './json.js';
import { validateResource } from './validate-resource.js';

export type ResourceType = FhirResource['resourceType'];
export type ResourceOf<T extends ResourceType> = Extract<FhirResource, { resourceType: T }>;

export interface ResourceVersion {
  versionId: string;
  lastUpdated: string;
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** null for the version that marks the deletion */
  resource: FhirResource | null;
}

export interface WriteOptions {
  /** the value of an `If-Match` header: the write fails with 412 unless this is the current version */
  ifMatch?: string | undefined;
}

export interface WriteResult<T extends FhirResource = FhirResource> {
  resource: T;
  created: boolean;
}

export interface FhirStoreOptions {
  now?: () => Date;
  newId?: () => string;
}

/** Versioned resources in memory. What it hands out is frozen: write a changed copy back to change it. */
export class FhirStore {
  private readonly byType = new Map<string, Map<string, ResourceVersion[]>>();
  private readonly now: () => Date;
  private undoLog: (() => void)[] | null = null;
  readonly newId: () => string;

  constructor(options: FhirStoreOptions = {}) {
    this.now = options.now ?? (() => new Date());
    this.newId = options.newId ?? randomUUID;
  }

  read<T extends ResourceType>(type: T, id: string): ResourceOf<T> {
    const version = this.versionsOf(type, id).at(-1);
    if (!version) throw new FhirError(404, 'not-found', `${type}/${id} is not known`);
    if (!version.resource) throw new FhirError(410, 'deleted', `${type}/${id} has been deleted`);
    return version.resource as ResourceOf<T>;
  }

  /** The current version, or undefined where there is none or it has been deleted. */
  find<T extends ResourceType>(type: T, id: string): ResourceOf<T> | undefined {
    return (this.versionsOf(type, id).at(-1)?.resource ?? undefined) as ResourceOf<T> | undefined;
  }

  /** All live resources of a type, in the order they were first created. */
  list<T extends ResourceType>(type: T): ResourceOf<T>[] {
    const all = [...(this.byType.get(type)?.values() ?? [])];
    return all.map((versions) => versions.at(-1)?.resource).filter((r) => !!r) as ResourceOf<T>[];
  }

  types(): ResourceType[] {
    return [...this.byType.keys()] as ResourceType[];
  }

  /** Oldest first; empty where the id has never been used. */
  versionsOf(type: string, id: string): readonly ResourceVersion[] {
    return this.byType.get(type)?.get(id) ?? [];
  }

  /** Newest first. */
  history(type: ResourceType, id: string): ResourceVersion[] {
    const versions = this.versionsOf(type, id);
    if (versions.length === 0) throw new FhirError(404, 'not-found', `${type}/${id} is not known`);
    return [...versions].reverse();
  }

  readVersion(type: ResourceType, id: string, versionId: string): FhirResource {
    const version = this.history(type, id).find((candidate) => candidate.versionId === versionId);
    if (!version) throw new FhirError(404, 'not-found', `${type}/${id} has no version ${versionId}`);
    if (!version.resource) {
      throw new FhirError(410, 'deleted', `${type}/${id} was deleted in version ${versionId}`);
    }
    return version.resource;
  }

  /** Stores a new resource under an id of the server's choosing. */
  create<T extends FhirResource>(resource: T, id: string = this.newId()): WriteResult<T> {
    const type = resource.resourceType;
    if (this.versionsOf(type, id).length > 0) throw new FhirError(409, 'conflict', `${type}/${id} exists`);
    validateResource(resource, type);
    return { resource: this.write('POST', resource, id), created: true };
  }

  /** Replaces a resource, or creates it under the client's id. */
  update<T extends FhirResource>(resource: T, options: WriteOptions = {}): WriteResult<T> {
    validateResource(resource, resource.resourceType);
    if (!resource.id) throw new FhirError(400, 'required', 'an update needs the id in the resource');
    return this.replace('PUT', resource, resource.id, options);
  }

  patch<T extends ResourceType>(
    type: T,
    id: string,
    operations: unknown,
    options: WriteOptions = {},
  ): WriteResult<ResourceOf<T>> {
    const patched = this.preview(type, id, operations);
    return this.replace('PATCH', patched, id, options);
  }

  /** What a patch would make of a resource, validated but not stored. */
  preview<T extends ResourceType>(type: T, id: string, operations: unknown): ResourceOf<T> {
    const patched = applyJsonPatch(this.read(type, id), operations);
    if (!isObject(patched) || patched['id'] !== id) {
      throw new FhirError(422, 'invariant', 'a patch must not change the id of the resource');
    }
    validateResource(patched, type);
    return patched as unknown as ResourceOf<T>;
  }

  /** Deleting what is already deleted is no error. */
  delete(type: ResourceType, id: string, options: WriteOptions = {}): void {
    const current = this.history(type, id)[0];
    this.checkVersion(type, id, options);
    if (current?.resource) this.append(type, id, 'DELETE', null);
  }

  /** Runs the writes of `work` as one: when it throws, none of them has happened. */
  atomically<T>(work: () => T): T {
    if (this.undoLog) return work();
    const undoLog: (() => void)[] = [];
    this.undoLog = undoLog;
    try {
      return work();
    } catch (error) {
      undoLog.reverse().forEach((undo) => undo());
      throw error;
    } finally {
      this.undoLog = null;
    }
  }

  private replace<T extends FhirResource>(
    method: 'PUT' | 'PATCH',
    resource: T,
    id: string,
    options: WriteOptions,
  ): WriteResult<T> {
    this.checkVersion(resource.resourceType, id, options);
    const created = !this.find(resource.resourceType, id);
    return { resource: this.write(method, resource, id), created };
  }

  private write<T extends FhirResource>(method: ResourceVersion['method'], resource: T, id: string): T {
    return this.append(resource.resourceType, id, method, resource) as T;
  }

  private append(
    type: string,
    id: string,
    method: ResourceVersion['method'],
    resource: FhirResource | null,
  ): FhirResource | null {
    const versions = this.versionsOf(type, id);
    const versionId = String(versions.length + 1);
    const lastUpdated = this.now().toISOString();
    const stored = resource && deepFreeze(withMeta(resource, id, versionId, lastUpdated));
    const resources = this.byType.get(type) ?? new Map<string, ResourceVersion[]>();
    this.byType.set(type, resources);
    resources.set(id, [...versions, { versionId, lastUpdated, method, resource: stored }]);
    this.undoLog?.push(() => (versions.length > 0 ? resources.set(id, [...versions]) : resources.delete(id)));
    return stored;
  }

  private checkVersion(type: ResourceType, id: string, { ifMatch }: WriteOptions): void {
    if (ifMatch === undefined) return;
    const wanted = ifMatch.split(',').map((tag) => /^(?:W\/)?"([^"]+)"$/.exec(tag.trim())?.[1]);
    if (wanted.includes(undefined)) {
      throw new FhirError(400, 'value', `If-Match is not an ETag such as W/"1": ${ifMatch}`);
    }
    const current = this.find(type, id)?.meta?.versionId;
    if (current === undefined || !wanted.includes(current)) {
      const found = current === undefined ? 'it does not exist' : `its version is ${current}`;
      throw new FhirError(412, 'conflict', `If-Match ${ifMatch} does not match ${type}/${id}: ${found}`);
    }
  }
}

function withMeta<T extends FhirResource>(
  resource: T,
  id: string,
  versionId: string,
  lastUpdated: string,
): T {
  const { resourceType, meta, ...rest } = structuredClone(resource);
  return { resourceType, ...rest, id, meta: { ...meta, versionId, lastUpdated } } as unknown as T;
}
