import { isJsonObject } from '../http/json.js';
import type { JsonObject } from '../http/json.js';
import { SmartError } from '../smart-error.js';
import { fhirUrl } from './fhir-url.js';

/** A resource as the files that follow references read it. */
export type Resource = JsonObject & { resourceType: string };

/** Where a resource of this server, of another one, or of a Bundle lies. */
export interface Target {
  /** what two references to one resource share: `Patient/1`, or the absolute URL where it is not of this server */
  key: string;
  /** absolute URL or `urn:` without a version, as a `fullUrl` of a Bundle has it */
  url: string;
  /** path below the FHIR base; null where it is not of this server */
  path: string | null;
  /** absent of a `urn:` */
  resourceType?: string;
  id?: string;
  versionId?: string;
}

const LITERAL = /^([A-Z][A-Za-z]{0,63})\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/([A-Za-z0-9\-.]{1,64}))?$/;
const URN = /^urn:(uuid|oid):[\w.-]{1,200}$/i;
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:/i;

/** The text of a reference (`Patient/1`, or a Reference that says so), or why it names nothing to read. */
export function literalReference(reference: unknown): string | SmartError {
  if (typeof reference === 'string') return reference === '' ? noReference() : reference;
  if (!isJsonObject(reference)) return noReference();
  const { reference: literal, identifier, type } = reference;
  if (typeof literal !== 'string' || literal === '') {
    if (!isJsonObject(identifier)) return noReference();
    return new SmartError(
      'invalid_request',
      'The reference names its target by an identifier only (a logical reference); search for that identifier',
    );
  }
  const named = LITERAL.exec(pathEnd(literal))?.[1];
  if (typeof type === 'string' && /^[A-Z]\w*$/.test(type) && named !== undefined && named !== type) {
    return new SmartError('invalid_request', 'The type of the reference is another than its target has');
  }
  return literal;
}

/**
 * Where a literal reference that is not a contained one (`#id`) points (FHIR R4 "Literal References").
 *
 * @param root base that a relative reference is relative to: the FHIR base, or that of the `fullUrl` it stands under
 */
export function readTarget(literal: string, fhirBaseUrl: string, root: string | null): Target | SmartError {
  if (URN.test(literal)) return { key: literal, url: literal, path: null };
  const isAbsolute = ABSOLUTE.test(literal);
  if (!isAbsolute && root === null) {
    return new SmartError(
      'invalid_request',
      'The reference is relative, and its Bundle does not say to which server; resolveReferences(bundle, …) goes by the fullUrl of each entry',
    );
  }
  const [, resourceType, id, versionId] = LITERAL.exec(isAbsolute ? pathEnd(literal) : literal) ?? [];
  if (resourceType === undefined || id === undefined || id === '.' || id === '..') return notLiteral();
  const target = { resourceType, id, ...(versionId !== undefined && { versionId }) };
  const below = `${resourceType}/${id}`;
  const own = fhirUrl(fhirBaseUrl, below);
  if (own instanceof SmartError) return own;
  const url = isAbsolute ? normalised(literal, below) : new URL(below, root!).href;
  if (url === undefined) return notLiteral();
  const version = versionId === undefined ? '' : `/_history/${versionId}`;
  if (url !== own.href) return { ...target, key: url + version, url, path: null };
  return { ...target, key: below + version, url, path: below + version };
}

/** The base of a RESTful URL such as `https://ehr.example.org/fhir/Patient/1`. */
export function baseOf(fullUrl: unknown): string | undefined {
  if (typeof fullUrl !== 'string' || !ABSOLUTE.test(fullUrl)) return undefined;
  const end = pathEnd(fullUrl);
  const [, resourceType, id] = LITERAL.exec(end) ?? [];
  const url = resourceType === undefined ? undefined : normalised(fullUrl, `${resourceType}/${id}`);
  return url?.slice(0, -`${resourceType}/${id}`.length);
}

/** Whether it is what the target asks for: type, id, and the version where the server tells it. */
export function isTarget(resource: unknown, { resourceType, id, versionId }: Target): resource is Resource {
  if (!isResource(resource)) return false;
  if (resourceType !== undefined && (resource.resourceType !== resourceType || resource.id !== id))
    return false;
  const stated = isJsonObject(resource.meta) ? resource.meta.versionId : undefined;
  return versionId === undefined || stated === undefined || stated === versionId;
}

/** The FHIR base with one slash at its end, as relative references are relative to it. */
export function ownRoot(fhirBaseUrl: string): string {
  return new URL(`${fhirBaseUrl.replace(/\/+$/, '')}/`).href;
}

export function isResource(value: unknown): value is Resource {
  return isJsonObject(value) && typeof value.resourceType === 'string';
}

/** `https://ehr.example.org/fhir/Patient/1` of a URL that ends so, with or without a version after it. */
function normalised(url: string, end: string): string | undefined {
  const withoutVersion = url.replace(/\/_history\/[^/]*$/, '');
  const parsed = URL.canParse(withoutVersion) ? new URL(withoutVersion) : undefined;
  const isPlain = parsed && /^https?:$/.test(parsed.protocol) && !parsed.username && !parsed.password;
  return isPlain && parsed.href.endsWith(`/${end}`) ? parsed.href : undefined;
}

/** The part of a URL that a relative reference would be. */
function pathEnd(url: string): string {
  const segments = url.split('/');
  return segments.slice(segments.at(-2) === '_history' ? -4 : -2).join('/');
}

function noReference(): SmartError {
  return new SmartError('invalid_request', 'There is no reference to resolve');
}

function notLiteral(): SmartError {
  return new SmartError(
    'invalid_request',
    'The reference is none of Patient/1, #id, urn:uuid:…, or a URL that ends like Patient/1',
  );
}
