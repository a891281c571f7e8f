import { randomUUID } from 'node:crypto';
import { Catch, Inject, Injectable, Logger } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { throwError } from 'rxjs';
import type { Observable } from 'rxjs';
import { SmartError } from '../smart-error.js';
import { answerHeaders } from './answer-headers.js';
import { errorPage } from './error-page.js';
import { wantsHtml } from './http-request.js';
import { SmartClients } from './smart-clients.js';

/** names that say no more than the message does */
const PLAIN_NAMES = ['Error', 'SmartError', 'HttpFailure', 'HttpError'];

/**
 * Turns a SmartError, thrown by the guard, by `unwrap()` or by the module's controller, into its HTTP
 * answer: JSON `{ statusCode, error, message }`, or a small page when a browser asks for HTML.
 */
@Injectable()
@Catch(SmartError)
export class SmartErrorFilter implements ExceptionFilter<SmartError> {
  readonly #logger = new Logger('SmartOnFhir');

  constructor(
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(SmartClients) private readonly clients: SmartClients,
  ) {}

  catch(error: SmartError, host: ArgumentsHost): void | Observable<never> {
    // A microservice's caller is answered by an observable; GraphQL takes the error as it is.
    if (host.getType() === 'rpc') return throwError(() => error);
    if (host.getType() !== 'http') throw error;
    const { httpAdapter } = this.adapterHost;
    const http = host.switchToHttp();
    const response = http.getResponse<unknown>();
    // A body that was being streamed can only be cut off.
    if (httpAdapter.isHeadersSent(response)) return void httpAdapter.end(response);
    const correlationId = randomUUID();
    const note = `${error.error} (${error.status}) ${correlationId}: ${error.message}${codeOf(error.cause)}`;
    if (error.status >= 500) this.#logger.error(note);
    // a visit without a launch is no event
    else if (error.error !== 'no_session') this.#logger.warn(note);
    const request = http.getRequest<object>();
    const html = wantsHtml(request);
    const contentType = html ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8';
    for (const [name, value] of answerHeaders(this.clients.frameAncestors)) {
      httpAdapter.setHeader(response, name, value);
    }
    httpAdapter.setHeader(response, 'Content-Type', contentType);
    // the number in the log, for clients that read JSON
    httpAdapter.setHeader(response, 'X-Correlation-Id', correlationId);
    if (error.retryAfterMs !== undefined) {
      httpAdapter.setHeader(response, 'Retry-After', String(Math.ceil(error.retryAfterMs / 1000)));
    }
    const body = html
      ? errorPage(error, correlationId, {
          lacksCookie: this.clients.lacksCookie(error, request),
          ownWindow: this.clients.ownWindowFor(error, request),
        })
      : JSON.stringify(error);
    httpAdapter.reply(response, body, error.status);
  }
}

/** Why a store, a server or a KMS failed, e.g. ` (ECONNREFUSED)`: for the operator, not for the browser. */
function codeOf(cause: unknown): string {
  const { name, code } = (cause ?? {}) as { name?: unknown; code?: unknown };
  const said = [
    typeof name === 'string' && /^\w{1,60}$/.test(name) && !PLAIN_NAMES.includes(name) ? name : '',
    typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : '',
  ];
  const reason = said.filter(Boolean).join(' ');
  return reason === '' ? '' : ` (${reason})`;
}
