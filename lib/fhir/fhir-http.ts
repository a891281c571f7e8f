import { SmartError } from '../smart-error.js';
import type { HttpAnswer, HttpClient } from '../http/http-client.js';
import { HttpFailure } from '../http/http-failure.js';
import { parseJson } from '../http/json.js';
import { describePath } from './fhir-url.js';
import { asOperationOutcome, outcomeCodes } from './operation-outcome.js';
import type { FhirMethod } from './request-options.js';
import { Tries, retryAfterMs, sendWithTries } from './retry.js';

/** Sends a request with headers that show its token; again where the server asks for that. */
export type ShowToken = (
  request: { method: FhirMethod; url: URL },
  send: (headers: Record<string, string>) => Promise<HttpAnswer>,
) => Promise<HttpAnswer>;

export interface FhirHttpRequest {
  method: FhirMethod;
  url: URL;
  /** by lower-case name */
  headers?: Record<string, string>;
  body?: unknown;
  signal?: AbortSignal;
  /** Left out: two tries, each with the HTTP client's own time */
  tries?: Tries;
  /** the answer is taken as it is, whatever its form */
  isRaw?: boolean;
  /** a 304 is an answer: the request asked whether something changed */
  isRevalidation?: boolean;
  /** whether the operator named the server, see HttpRequest of the HTTP client */
  trusted?: boolean;
  /** of request and answer. Left out: `application/fhir+json` */
  mediaType?: string;
  /** how the token is shown where it is no Bearer token */
  showToken?: ShowToken;
}

export interface FhirHttpAnswer {
  status: number;
  /** parsed JSON; undefined when the answer has no body, or is taken raw */
  body: unknown;
  bytes: Buffer;
  /** where it came from */
  url: URL;
  header: HttpAnswer['header'];
  headers: HttpAnswer['headers'];
}

/** where a request goes and how long it is are not the caller's to say */
const CONNECTION_HEADERS = new Set([
  'host',
  'content-length',
  'connection',
  'transfer-encoding',
  'authorization',
]);
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
  const { method, url, signal, showToken } = request;
  let answer: HttpAnswer;
  let headers: Record<string, string> = {};
  try {
    const body = bodyOf(request.body);
    headers = headersToSend(request);
    const send = (credentials: Record<string, string>, timeoutMs: number | undefined) =>
      http.send({
        method,
        url,
        // last, so that no caller's header sends another token
        headers: Object.assign(headers, credentials),
        body,
        signal,
        limits: timeoutMs === undefined ? { maxBytes } : { maxBytes, timeoutMs },
        trusted: request.trusted,
      });
    const isConditional = headers['if-match'] !== undefined;
    answer = await sendWithTries(
      { method, url, signal, isConditional },
      request.tries ?? (Tries.of({}) as Tries),
      (timeoutMs) =>
        showToken
          ? showToken(request, (credentials) => send(credentials, timeoutMs))
          : send(bearer(accessToken), timeoutMs),
    );
  } catch (error) {
    return asFhirFailure(error, `${method} ${describePath(url, fhirBaseUrl)}`);
  }
  const { status, body: bytes, header } = answer;
  const isGood = (status >= 200 && status < 300) || (status === 304 && request.isRevalidation === true);
  // the content type of real servers says little
  const body = isGood && (request.isRaw || status === 304) ? undefined : parseJson(bytes);
  const what = () => `${method} ${describePath(url, fhirBaseUrl)}`;
  if (!isGood) return refusal(answer, body, what(), headers['if-match'] !== undefined);
  if (bytes.length > 0 && body === undefined && !request.isRaw && status !== 304) {
    return new SmartError('invalid_fhir_response', `${what()} was answered with something that is not JSON`);
  }
  return { status, body, bytes, url, header, headers: answer.headers };
}

function bearer(accessToken: string): Record<string, string> {
  return accessToken === '' ? {} : { authorization: `Bearer ${accessToken}` };
}

/** Whether the server refused the token. */
export function isUnauthorized(answer: FhirHttpAnswer | SmartError): answer is SmartError {
  return answer instanceof SmartError && answer.error === 'fhir_request_failed' && answer.status === 401;
}

function headersToSend({ mediaType = FHIR_JSON, isRaw, headers: given, body }: FhirHttpRequest) {
  const headers: Record<string, string> = { accept: isRaw ? '*/*' : mediaType };
  if (body instanceof URLSearchParams) headers['content-type'] = FORM;
  else if (body instanceof Uint8Array) headers['content-type'] = 'application/octet-stream';
  else if (body !== undefined) headers['content-type'] = mediaType;
  for (const [name, value] of Object.entries(given ?? {})) {
    if (!CONNECTION_HEADERS.has(name.toLowerCase())) headers[name.toLowerCase()] = value;
  }
  return headers;
}

/** Text and bytes are sent as they are: they may be another format than JSON. */
function bodyOf(body: unknown): string | Uint8Array | undefined {
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) return body;
  return body instanceof URLSearchParams ? body.toString() : JSON.stringify(body);
}

function refusal(answer: HttpAnswer, body: unknown, what: string, isConditional: boolean): SmartError {
  const { status } = answer;
  if (status >= 300 && status < 400) {
    return new SmartError(
      'fhir_request_failed',
      `${what} was answered with a redirect (${status}), which is not followed`,
    );
  }
  const operationOutcome = asOperationOutcome(body);
  const codes = outcomeCodes(operationOutcome);
  const message = `${what} was answered with ${status}${codes.length ? ` (${codes.join(', ')})` : ''}`;
  const delayMs = retryAfterMs(answer);
  const details = {
    operationOutcome,
    ...(delayMs !== undefined && delayMs > 0 && { retryAfterMs: delayMs }),
    cause: { name: 'HttpError', code: `HTTP_${status}` },
  };
  if (status === 412 || (status === 409 && isConditional))
    return new SmartError('conflict', message, details);
  return new SmartError('fhir_request_failed', message, { ...details, status: status < 500 ? status : 502 });
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
