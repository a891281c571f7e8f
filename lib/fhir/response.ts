import { parseJson } from '../http/json.js';
import { SmartError } from '../smart-error.js';
import type { FhirHttpAnswer } from './fhir-http.js';
import type { Instance } from './fhir-url.js';
import type { FhirReadOptions } from './request-options.js';
import { validated } from './standard-schema.js';
import type { StandardSchema } from './standard-schema.js';

/** An answer with what HTTP says of it, for `includeResponse: true`. */
export interface FhirResponse<T> {
  body: T;
  status: number;
  headers: Headers;
  /** as it was sent, e.g. `W/"3"`; null without */
  etag: string | null;
  /** as it was sent; null without */
  location: string | null;
  lastModified: Date | null;
}

/** Bytes and what they are, for `as: 'binary'`. */
export interface BinaryContent {
  data: Uint8Array;
  /** e.g. `application/pdf`; null where the server does not say */
  contentType: string | null;
}

/** What a call answers that would answer T, with these options. */
export type Answered<T, O> = O extends { includeResponse: true } ? FhirResponse<BodyOf<T, O>> : BodyOf<T, O>;

type BodyOf<T, O> = O extends { schema: StandardSchema<infer Output> }
  ? Output
  : O extends { as: 'text' }
    ? string
    : O extends { as: 'binary' }
      ? BinaryContent
      : T;

/** The result of a read, as its options want it. `asked` is the one resource it must be, where it is to be one. */
export async function readResult(
  answer: FhirHttpAnswer,
  options: FhirReadOptions,
  asked: Instance | undefined,
): Promise<unknown> {
  const body = bodyAs(answer, options.as, asked);
  if (body instanceof SmartError) return body;
  const { schema } = options;
  const result = schema ? await validated(schema, body, 'The FHIR response') : body;
  return result instanceof SmartError ? result : withResponse(result, answer, options);
}

/** The body, with what HTTP says of it where that was asked for. */
export function withResponse(
  body: unknown,
  answer: FhirHttpAnswer,
  options: { includeResponse?: true },
): unknown {
  if (!options.includeResponse) return body;
  const headers = new Headers();
  for (const [name, value] of Object.entries(answer.headers)) {
    for (const item of [value ?? []].flat()) headers.append(name, item);
  }
  const date = new Date(headers.get('last-modified') ?? Number.NaN);
  return {
    body,
    status: answer.status,
    headers,
    etag: headers.get('etag'),
    location: headers.get('location'),
    lastModified: Number.isNaN(date.getTime()) ? null : date,
  } satisfies FhirResponse<unknown>;
}

/**
 * Whether a body is the resource that was asked for. Another patient's data must never pass for this one's, whoever
 * mixed them up.
 */
export function isAsked(body: unknown, asked: Instance): boolean {
  const { resourceType, id, meta } = (body ?? {}) as { resourceType?: unknown; id?: unknown; meta?: unknown };
  const { versionId } = (meta ?? {}) as { versionId?: unknown };
  const isVersion = asked.versionId === undefined || versionId === undefined || versionId === asked.versionId;
  return resourceType === asked.type && id === asked.id && isVersion;
}

export function notAsked(asked?: Instance): SmartError {
  const what = asked ? `another resource than the ${asked.type}` : 'something else than';
  return new SmartError('invalid_fhir_response', `The FHIR server answered with ${what} that was asked for`);
}

function bodyAs(answer: FhirHttpAnswer, as: FhirReadOptions['as'], asked: Instance | undefined): unknown {
  if (as === 'text' || as === 'binary') return contentAs(answer, as, asked);
  if (answer.body === undefined || answer.body === null) return notAsked();
  return asked && !isAsked(answer.body, asked) ? notAsked(asked) : answer.body;
}

function contentAs(
  answer: FhirHttpAnswer,
  as: 'text' | 'binary',
  asked: Instance | undefined,
): string | BinaryContent | SmartError {
  let content: BinaryContent = { data: answer.bytes, contentType: answer.header('content-type') ?? null };
  const json = looksLikeJson(answer) ? parseJson(answer.bytes) : undefined;
  const { resourceType } = (json ?? {}) as { resourceType?: unknown };
  if (asked && typeof resourceType === 'string') {
    const isBinary = asked.type === 'Binary';
    // A Binary may hold any resource; every other resource is compared, in JSON.
    if ((!isBinary || resourceType === 'Binary') && !isAsked(json, asked)) return notAsked(asked);
    if (isBinary && resourceType === 'Binary')
      content = unpacked(json as { data?: unknown; contentType?: unknown });
  }
  return as === 'binary' ? content : textOf(content);
}

function looksLikeJson({ bytes, header }: FhirHttpAnswer): boolean {
  return /json|^$/i.test(header('content-type') ?? '') || bytes[0] === 0x7b;
}

/** The content of a Binary resource that came as a resource. */
function unpacked({ data, contentType }: { data?: unknown; contentType?: unknown }): BinaryContent {
  return {
    data: Buffer.from(typeof data === 'string' ? data : '', 'base64'),
    contentType: typeof contentType === 'string' ? contentType : null,
  };
}

function textOf({ data, contentType }: BinaryContent): string {
  const [, charset = 'utf-8'] = /;\s*charset="?([\w-]+)/i.exec(contentType ?? '') ?? [];
  try {
    return new TextDecoder(charset).decode(data);
  } catch {
    return new TextDecoder().decode(data);
  }
}
