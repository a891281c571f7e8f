import { Catch, HttpException, Inject, Injectable, Logger } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { OperationOutcome, OperationOutcomeIssue } from 'fhir/r4.js';
import { SmartError } from '../smart-error.js';
import { answerFhir } from './fhir-answer.js';

const ISSUE_CODES: Record<number, OperationOutcomeIssue['code']> = {
  400: 'invalid',
  401: 'login',
  403: 'forbidden',
  404: 'not-found',
  405: 'not-supported',
  413: 'too-long',
  415: 'not-supported',
  429: 'throttled',
  503: 'transient',
};

/** Answers every error of the operation as an OperationOutcome, those of the user's guards included. */
@Injectable()
@Catch()
export class OperationOutcomeFilter implements ExceptionFilter<unknown> {
  readonly #logger = new Logger('SmartLaunch');

  constructor(@Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const { httpAdapter } = this.adapterHost;
    const response = host.switchToHttp().getResponse<unknown>();
    // a guard that sent the browser to a login page has answered already
    if (httpAdapter.isHeadersSent(response)) return;
    const { status, text } = described(error);
    if (status >= 500) this.#logger.error(note(error, status));
    const code = ISSUE_CODES[status] ?? (status < 500 ? 'processing' : 'exception');
    const outcome: OperationOutcome = {
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code, details: { text } }],
    };
    answerFhir(httpAdapter, response, status, outcome);
  }
}

function described(error: unknown): { status: number; text: string } {
  if (error instanceof SmartError && error.error !== 'invalid_configuration') {
    return { status: error.status, text: error.message };
  }
  if (error instanceof HttpException) return { status: error.getStatus(), text: error.message };
  return { status: 500, text: 'The launch failed; the log of the server says where' };
}

/** Where it happened, without the message of somebody else's error: it may quote a patient. */
function note(error: unknown, status: number): string {
  if (error instanceof SmartError) return `${error.error} (${status}): ${error.message}`;
  const { name, stack } = (error ?? {}) as Partial<Error>;
  const frames = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return [`A launch failed with ${name ?? 'an error'} (${status})`, ...frames].join('\n');
}
