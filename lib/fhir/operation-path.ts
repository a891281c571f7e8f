import { SmartError } from '../smart-error.js';
import type { AnyResource, BundleOf, FhirVersion, ResourceOf } from './fhir-types.js';
import { referencePath } from './fhir-url.js';
import type { FhirReadOptions } from './request-options.js';

/** The type of the resource that an operation answers, for those of FHIR that answer one type always. */
const RESULTS = {
  $everything: 'Bundle',
  $expand: 'ValueSet',
  $lookup: 'Parameters',
  $translate: 'Parameters',
  $validate: 'OperationOutcome',
  '$validate-code': 'Parameters',
} as const;

/** What an operation answers: `$everything` a Bundle, `$expand` a ValueSet, one we do not know any resource. */
export type OperationResult<
  Name extends string,
  V extends FhirVersion = 'R4',
> = Name extends keyof typeof RESULTS
  ? (typeof RESULTS)[Name] extends 'Bundle'
    ? BundleOf<AnyResource<V>, V>
    : ResourceOf<(typeof RESULTS)[Name], V>
  : AnyResource<V>;

/** Whether a body is of the type that the operation answers. */
export function isResultOf(name: string, body: unknown): boolean {
  const { resourceType } = (body ?? {}) as { resourceType?: unknown };
  const expected = Object.hasOwn(RESULTS, name) ? RESULTS[name as keyof typeof RESULTS] : undefined;
  return typeof resourceType === 'string' && (expected === undefined || resourceType === expected);
}

/** What `operation()` takes. */
export interface FhirOperationOptions extends FhirReadOptions {
  /** a resource type (`Patient`) or a reference (`Patient/1`). Left out: an operation of the server */
  on?: string | undefined;
  /** a `Parameters` resource, which is POSTed, or values that go into the URL of a GET */
  parameters?: OperationParameters | { resourceType: 'Parameters' } | undefined;
  /** Default: `POST` with a `Parameters` resource, otherwise `GET` */
  method?: 'GET' | 'POST' | undefined;
}

/** Parameters that fit into a URL; a list is repeated. */
export type OperationParameters = Record<
  string,
  string | number | boolean | readonly (string | number | boolean)[] | undefined
>;

/** What an operation is called with, and where. */
export interface OperationCall {
  method: 'GET' | 'POST';
  path: string;
  body?: unknown;
}

/** How an operation is called: `$name` of the server, of a type (`Patient`) or of a resource (`Patient/1`). */
export function operationCall(
  name: string,
  on: string | undefined,
  parameters: object | undefined,
  method: 'GET' | 'POST' | undefined,
): OperationCall | SmartError {
  if (!/^\$[A-Za-z][A-Za-z0-9-]{0,99}$/.test(name)) {
    return new SmartError('invalid_request', 'An operation is named with its dollar sign, e.g. $everything');
  }
  const owner = ownerPath(on);
  if (owner instanceof SmartError) return owner;
  const path = `${owner}${name}`;
  const isResource = (parameters as { resourceType?: unknown } | undefined)?.resourceType === 'Parameters';
  if (isResource) {
    if (method !== 'GET') return { method: 'POST', path, body: parameters };
    return new SmartError('invalid_request', `${name}: a Parameters resource is sent with POST`);
  }
  if (method !== 'POST')
    return { method: 'GET', path: path + queryOf((parameters ?? {}) as OperationParameters) };
  if (Object.keys(parameters ?? {}).length === 0) {
    return { method, path, body: { resourceType: 'Parameters' } };
  }
  return new SmartError('invalid_request', `${name}: with POST the parameters are a Parameters resource`);
}

function ownerPath(on: string | undefined): string | SmartError {
  if (on === undefined) return '';
  const [type = '', id, ...others] = String(on).split('/');
  if (others.length > 0)
    return new SmartError('invalid_request', '`on` is a type or a reference such as Patient/1');
  // the id of a type's own operation is none, so any will do for the check
  const path = referencePath(type, id ?? 'any');
  return path instanceof SmartError ? path : `${id === undefined ? type : path}/`;
}

function queryOf(parameters: OperationParameters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const item of [value].flat()) if (item !== undefined) query.append(name, String(item));
  }
  return query.size > 0 ? `?${query.toString()}` : '';
}
