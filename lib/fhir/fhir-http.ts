import type { OperationOutcome } from 'fhir/r4.js';
import { SmartError } from '../smart-error.js';
import type { HttpAnswer, HttpClient } from '../http/http-client.js';
import { HttpFailure } from '../http/http-failure.js';
import { parseJson } from '../http/json.js';
import { describePath } from './fhir-url.js';

export type FhirMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Sends a request with headers that show its token; again where the server asks for that. */
export type ShowToken = (
  request: { method: FhirMethod; url: URL },
  send: (headers: Record<string, string>) => Promise<HttpAnswer>,
) => Promise<HttpAnswer>;

export interface FhirHttpRequest {
  method: FhirMethod;
  url: URL;
  headers?: Record<string, string>;
  body?: unknown;
  signal?: AbortSignal;
  /** whether the operator named the server, see HttpRequest of the HTTP client */
  trusted?: boolean;
  /** of request and answer. Left out: `application/fhir+json` */
  mediaType?: string;
  /** how the token is shown where it is no Bearer token */
  showToken?: ShowToken;
}

export interface FhirHttpAnswer {
  status: number;
  /** parsed JSON; undefined when the answer has no body */
  body: unknown;
  header(name: string): string | undefined;
}

/** where a request goes and how long it is are not the caller's to say */
const CONNECTION_HEADERS = new Set([
  'host',
  'content-length',
  'connection',
  'transfer-encoding',
  'authorization',
]);
const MAX_RETRY_AFTER_SECONDS = 24 * 3600;
const FHIR_JSON = 'application/fhir+json';
const FORM = 'application/x-www-form-urlencoded';

/** One request to the FHIR server with this token (none to an open server); whatever is not a 2xx is a SmartError. */
export async function fhirExchange(
  http: HttpClient,
  fhirBaseUrl: string,
  accessToken: string,
  request: FhirHttpRequest,
  maxBytes: number,
): Promise<FhirHttpAnswer | SmartError> {
  const what = `${request.method} ${describePath(request.url, fhirBaseUrl)}`;
  const { mediaType = FHIR_JSON } = request;
  const headers: Record<string, string> = { accept: mediaType };
  const isForm = request.body instanceof URLSearchParams;
  if (request.body !== undefined) headers['content-type'] = isForm ? FORM : mediaType;
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    if (!CONNECTION_HEADERS.has(name.toLowerCase())) headers[name.toLowerCase()] = value;
  }
  const send = async (credentials: Record<string, string>) =>
    http.send({
      method: request.method,
      url: request.url,
      // last, so that no caller's header sends another token
      headers: { ...headers, ...credentials },
      body: isForm
        ? String(request.body)
        : request.body === undefined
          ? undefined
          : JSON.stringify(request.body),
      signal: request.signal,
      limits: { maxBytes },
      trusted: request.trusted,
    });
  const { showToken } = request;
  let answer: HttpAnswer;
  try {
    answer = await (showToken ? showToken(request, send) : send(bearer(accessToken)));
  } catch (error) {
    return asFhirFailure(error, what);
  }
  // the content type of real servers says little
  const body = parseJson(answer.body);
  if (answer.status < 200 || answer.status >= 300) return refusal(answer, body, what);
  if (answer.body.length > 0 && body === undefined) {
    return new SmartError('invalid_fhir_response', `${what} was answered with something that is not JSON`);
  }
  return { status: answer.status, body, header: (name) => answer.header(name) };
}

function bearer(accessToken: string): Record<string, string> {
  return accessToken === '' ? {} : { authorization: `Bearer ${accessToken}` };
}

/** Whether the server refused the token. */
export function isUnauthorized(answer: FhirHttpAnswer | SmartError): answer is SmartError {
  return answer instanceof SmartError && answer.error === 'fhir_request_failed' && answer.status === 401;
}

function refusal(answer: HttpAnswer, body: unknown, what: string): SmartError {
  const operationOutcome = isOperationOutcome(body) ? body : undefined;
  const { status } = answer;
  if (status >= 300 && status < 400) {
    return new SmartError(
      'fhir_request_failed',
      `${what} was answered with a redirect (${status}), which is not followed`,
    );
  }
  const issueCode = operationOutcome?.issue?.[0]?.code;
  const reason = typeof issueCode === 'string' && /^[a-z-]{1,40}$/.test(issueCode) ? ` (${issueCode})` : '';
  const retryAfter = Number(/^\d{1,6}$/.exec(answer.header('retry-after') ?? '')?.[0] ?? 0);
  return new SmartError('fhir_request_failed', `${what} was answered with ${status}${reason}`, {
    status: status < 500 ? status : 502,
    operationOutcome,
    ...(retryAfter > 0 && retryAfter <= MAX_RETRY_AFTER_SECONDS && { retryAfterMs: retryAfter * 1000 }),
    cause: { name: 'HttpError', code: `HTTP_${status}` },
  });
}

function isOperationOutcome(body: unknown): body is OperationOutcome {
  return (body as { resourceType?: unknown } | null | undefined)?.resourceType === 'OperationOutcome';
}

function asFhirFailure(error: unknown, what: string): SmartError {
  if (!(error instanceof HttpFailure)) {
    return new SmartError('invalid_request', `${what} could not be sent: a header or the body is not valid`, {
      cause: error,
    });
  }
  switch (error.kind) {
    case 'timeout':
      return new SmartError('ehr_timeout', `${what}: ${error.message}`, { cause: error });
    case 'aborted':
      return new SmartError('aborted', `${what} was aborted`, { cause: error });
    case 'too_large':
      return new SmartError('invalid_fhir_response', `${what}: ${error.message}`, { cause: error });
    default:
      return new SmartError('ehr_unavailable', `${what}: ${error.message}`, { cause: error });
  }
}
