import type { IncomingMessage } from 'node:http';
import { isJsonObject, parseJsonObject } from '../http/json.js';
import type { JsonObject } from '../http/json.js';
import { headerOf, queryOf, rawRequest } from '../nest/http-request.js';
import { SmartError } from '../smart-error.js';
import { readLaunchMembers } from './launch-members.js';
import type { LaunchMembers } from './launch-members.js';

const MAX_BODY_BYTES = 64 * 1024;
const JSON_TYPES = ['application/fhir+json', 'application/json'];
const FORM_TYPE = 'application/x-www-form-urlencoded';

type Entry = readonly [name: string, value: unknown];

/** The operation's parameters: of the query, and with POST of a form, a FHIR `Parameters` or a plain JSON object. */
export async function launchParameters(request: object): Promise<LaunchMembers | SmartError> {
  const query: Entry[] = [...queryOf(request)];
  if (rawRequest(request).method !== 'POST') return readLaunchMembers(query);
  const body = await bodyEntries(request);
  return body instanceof SmartError ? body : readLaunchMembers([...query, ...body]);
}

async function bodyEntries(request: object): Promise<Entry[] | SmartError> {
  const mediaType = headerOf(request, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  const body = await bodyOf(request);
  if (body instanceof SmartError) return body;
  if (body === undefined || body === null || body === '') return [];
  if (mediaType === FORM_TYPE)
    return typeof body === 'string' ? [...new URLSearchParams(body)] : parsed(body);
  if (!JSON_TYPES.includes(mediaType ?? '')) {
    return refused(`The body must be ${JSON_TYPES.join(', ')} or ${FORM_TYPE}`, 415);
  }
  const json = typeof body === 'string' ? parseJsonObject(body) : body;
  if (!isJsonObject(json)) return refused('The body is not a JSON object');
  if (json.resourceType === undefined) return Object.entries(json);
  return json.resourceType === 'Parameters' ? ofParameters(json) : refused('The body must be a Parameters');
}

/** What a form parser made of the form; a form without fields may be no object at all. */
function parsed(body: unknown): Entry[] | SmartError {
  return isJsonObject(body) ? Object.entries(body) : refused('The body is not a form');
}

function ofParameters({ parameter = [] }: JsonObject): Entry[] | SmartError {
  if (!Array.isArray(parameter)) return refused('Parameters.parameter is not a list');
  const entries: Entry[] = [];
  const fhirContext: unknown[] = [];
  for (const item of parameter as unknown[]) {
    if (!isJsonObject(item) || typeof item.name !== 'string')
      return refused('A parameter of Parameters has no name');
    const value = valueOf(item);
    if (item.name !== 'fhirContext' || typeof value === 'string') entries.push([item.name, value ?? null]);
    else fhirContext.push(value);
  }
  return fhirContext.length > 0 ? [...entries, ['fhirContext', fhirContext]] : entries;
}

/** `value[x]`, or the parts as an object. A reference is one by its string, the rest of it stays beside. */
function valueOf(parameter: JsonObject): unknown {
  const { part } = parameter;
  if (Array.isArray(part)) {
    const parts = part.filter(isJsonObject).map((item) => [String(item.name), valueOf(item)] as const);
    return Object.fromEntries(
      parts.map(([name, value]) => [
        name,
        name === 'reference' && isJsonObject(value) ? value.reference : value,
      ]),
    );
  }
  const name = Object.keys(parameter).find((key) => /^value[A-Z]/.test(key));
  return name === undefined ? undefined : parameter[name];
}

/** What a body parser left, else the stream itself: no parser of Nest's knows `application/fhir+json`. */
async function bodyOf(request: object): Promise<unknown> {
  const raw = rawRequest(request);
  if (raw.readableDidRead || raw.readableEnded) return (request as { body?: unknown }).body;
  const { 'content-length': length, 'transfer-encoding': encoding } = raw.headers;
  return encoding === undefined && Number(length ?? 0) === 0 ? undefined : streamOf(raw);
}

async function streamOf(raw: IncomingMessage): Promise<string | SmartError> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of raw as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return refused('The body is too large', 413);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refused(message: string, status = 400): SmartError {
  return new SmartError('invalid_launch_request', message, { status });
}
