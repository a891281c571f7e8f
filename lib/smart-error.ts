import type { OperationOutcome } from 'fhir/r4.js';

/** HTTP status each code answers with, unless the error was made with another. */
const STATUS = {
  /** an option of the module or of SmartClient is wrong; the message lists every mistake */
  invalid_configuration: 500,
  /** `iss` or `launch` missing, empty, repeated or malformed (SMART 2.2 EHR launch) */
  invalid_launch_request: 400,
  /** more launches in this process and minute than `maxLaunchesPerMinute` */
  too_many_launches: 429,
  /** no registration for this issuer */
  unknown_issuer: 403,
  /** the SMART configuration could not be read or lacks what the launch needs */
  discovery_failed: 502,
  /** the SMART configuration did not arrive in time */
  discovery_timeout: 504,
  /**
   * `state` missing, unknown, used, expired, or started by another browser; in multi-launch mode also a launch that
   * completed together with another one of which nothing shows that the same user made it
   */
  invalid_state: 400,
  /** the callback has a valid state but is malformed otherwise */
  invalid_callback: 400,
  /** the user or the EHR refused (RFC 6749 4.1.2.1) */
  access_denied: 403,
  /** the authorization endpoint answered with another error */
  authorization_failed: 502,
  /** the callback came from another authorization server (RFC 9207) */
  issuer_mismatch: 400,
  /** the token endpoint refused, see `oauthError` */
  token_request_failed: 502,
  /** the token response breaks SMART 2.2 or RFC 6749 */
  invalid_token_response: 502,
  /** the id_token is missing, forged, expired or not for this client (OIDC Core 3.1.3.7) */
  invalid_id_token: 502,
  /** patient-level scopes were granted without a patient (SMART 2.2 scopes) */
  missing_patient_context: 502,
  /** no session cookie, or the session it names is unknown */
  no_session: 401,
  /** the session reached its idle or absolute lifetime, or the EHR ended the grant */
  session_expired: 401,
  /** several launches in this session and the caller named none of them */
  no_active_patient: 400,
  /** the named patient (or issuer) was not launched in this session */
  unknown_patient: 403,
  /** two issuers launched the named patient id; name the issuer too */
  ambiguous_patient: 400,
  /** a refresh answered with another patient; the session was ended */
  patient_changed: 401,
  /** the session is read-only where the caller asked to write without a proof of origin */
  csrf_rejected: 403,
  /** the granted scopes do not cover what the route needs, see `missing` */
  insufficient_scope: 403,
  /** the launch context lacks what the route needs, see `missing` */
  missing_context: 403,
  /** the session store did not answer */
  store_unavailable: 503,
  /** the EHR could not be reached */
  ehr_unavailable: 502,
  /** the EHR did not answer in time */
  ehr_timeout: 504,
  /** the caller's `signal` was aborted */
  aborted: 499,
  /** a FHIR path, reference or argument is not allowed, see the message */
  invalid_request: 400,
  /**
   * the FHIR server refused, see `operationOutcome`. `status` is the server's where that is a 4xx; its 5xx is our 502,
   * and `cause.code` names it (`HTTP_503`)
   */
  fhir_request_failed: 502,
  /** the resource is not the version that was to be changed, or a condition finds several (HTTP 412) */
  conflict: 409,
  /** the FHIR server's answer is not FHIR JSON, too large, or not what was asked for */
  invalid_fhir_response: 502,
  /** the answer or the claim does not match the given schema */
  schema_mismatch: 502,
} as const;

const MAX_MESSAGE_LENGTH = 10_000;

/** Every code a {@link SmartError} can carry: stable, meant for `switch`. */
export type SmartErrorCode = keyof typeof STATUS;

/** What a {@link SmartError} may say besides its code and message. */
export interface SmartErrorDetails {
  /** HTTP status, where it differs from the code's own */
  status?: number | undefined;
  /** what went wrong underneath; only its name, code and (for network faults) message are kept */
  cause?: unknown;
  /** `error` of the authorization server (RFC 6749 5.2), e.g. `invalid_grant` */
  oauthError?: string | undefined;
  /** `error_uri` of the authorization server, only when it is an https URL */
  errorUri?: string | undefined;
  /** OperationOutcome of the FHIR server; may hold patient data, so it is left out of JSON and logs */
  operationOutcome?: OperationOutcome | undefined;
  /** scopes or context names that are missing */
  missing?: readonly string[] | undefined;
  /** milliseconds after which another try makes sense */
  retryAfterMs?: number | undefined;
}

/**
 * The one error of this package. Calls return it instead of throwing; it is a real `Error`, so it can be
 * thrown as it is, and the module's exception filter turns it into its HTTP answer.
 *
 * Neither `message` nor `cause` ever holds a token, a code, a patient id or a response body.
 *
 * @example
 * const patient = await fhir.patient.request();
 * if ('error' in patient) return patient.error; // 'fhir_request_failed', …
 */
export class SmartError extends Error {
  override readonly name = 'SmartError';
  readonly error: SmartErrorCode;
  /** HTTP status this error maps to; of `fhir_request_failed` the server's own where that is a 4xx, else 502 */
  readonly status: number;
  declare readonly oauthError?: string;
  declare readonly errorUri?: string;
  declare readonly missing?: readonly string[];
  declare readonly retryAfterMs?: number;
  /**
   * What the FHIR server said. Not enumerable: an OperationOutcome may quote patient data, and loggers
   * print what is enumerable.
   */
  declare readonly operationOutcome?: OperationOutcome;

  constructor(error: SmartErrorCode, message: string, details: SmartErrorDetails = {}) {
    super(printable(message), details.cause === undefined ? undefined : { cause: redacted(details.cause) });
    this.error = error;
    this.status = details.status ?? STATUS[error];
    if (details.oauthError !== undefined) this.oauthError = details.oauthError;
    if (details.errorUri !== undefined) this.errorUri = details.errorUri;
    if (details.missing !== undefined) this.missing = details.missing;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
    Object.defineProperty(this, 'operationOutcome', { value: details.operationOutcome, enumerable: false });
  }

  /** With `expose` the shape of http-errors, which Nest's `BaseExceptionFilter` and Express answer rightly. */
  get statusCode(): number {
    return this.status;
  }

  /** The message may be shown to the caller. */
  get expose(): boolean {
    return true;
  }

  toJSON(): { statusCode: number; error: SmartErrorCode; message: string; missing?: readonly string[] } {
    return {
      statusCode: this.status,
      error: this.error,
      message: this.message,
      ...(this.missing && { missing: this.missing }),
    };
  }
}

/** The value of a result, or its error thrown; of a promise of a result, a promise of its value. */
export function unwrap<T>(result: Promise<T>): Promise<Exclude<T, SmartError>>;
export function unwrap<T>(result: T): Exclude<T, SmartError>;
export function unwrap(result: unknown): unknown {
  if (result instanceof Promise) return result.then((value: unknown) => unwrap(value));
  if (result instanceof SmartError) throw result;
  return result;
}

export function isSmartError(value: unknown): value is SmartError {
  return value instanceof SmartError;
}

/** One message is one log entry: text of a server or a caller must not forge another. */
function printable(message: string): string {
  return message.replace(/[^\n\x20-\x7e\xa0-\uffff]/g, '?').slice(0, MAX_MESSAGE_LENGTH);
}

/**
 * Library errors carry response bodies and header values in their `cause`, and parsers quote what they
 * parsed. Only what names the fault survives.
 */
function redacted(cause: unknown): Error {
  const source = (typeof cause === 'object' && cause !== null ? cause : {}) as Record<string, unknown>;
  if (cause instanceof SmartError) return cause;
  // an OAuth code is a `code`, too
  const code = matching(source.code, /^[A-Z][A-Z0-9_]{0,60}$/);
  // ERR_* of Node quote the argument they refuse
  const isSystemError =
    code !== undefined &&
    /^(E(?!RR_)[A-Z_]+|ERR_TLS_[A-Z_]+|UND_ERR_[A-Z_]+|CERT_[A-Z_]+|DEPTH_ZERO_[A-Z_]+)$/.test(code);
  const copy = new Error(isSystemError && typeof source.message === 'string' ? source.message : undefined);
  copy.name = matching(source.name, /^\w{1,60}$/) ?? 'Error';
  delete copy.stack;
  return code === undefined ? copy : Object.assign(copy, { code });
}

function matching(value: unknown, pattern: RegExp): string | undefined {
  return typeof value === 'string' && pattern.test(value) ? value : undefined;
}
