import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpAnswer } from '../http/http-client.js';
import { HttpFailure } from '../http/http-failure.js';
import { SmartError } from '../smart-error.js';
import type { FhirMethod, RetryOptions } from './request-options.js';

const MAX_TIMEOUT_MS = 600_000;
const MAX_RETRY_AFTER_MS = 24 * 3_600_000;
const IDEMPOTENT: readonly FhirMethod[] = ['GET', 'PUT', 'DELETE'];
/** a connection that was there and broke; one that never was will not be there at once */
const BROKEN = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'];

/** What one call may still take: tries, waits, and time. */
export class Tries {
  #left: number;
  #delayLeftMs: number;
  #mayReconnect = true;
  readonly #endsAt: number | undefined;

  private constructor(attempts: number, maxDelayMs: number, timeoutMs: number | undefined) {
    this.#left = attempts - 1;
    this.#delayLeftMs = maxDelayMs;
    this.#endsAt = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
  }

  static of(options: { retry?: RetryOptions | false; timeout?: number }): Tries | SmartError {
    const { retry, timeout } = options;
    const { attempts = 2, maxDelayMs = 2_000 } = retry || {};
    if (!Number.isInteger(attempts) || attempts < 1 || attempts > 10) {
      return new SmartError('invalid_request', 'retry.attempts must be a whole number from 1 to 10');
    }
    if (!(maxDelayMs >= 0 && maxDelayMs <= 60_000)) {
      return new SmartError('invalid_request', 'retry.maxDelayMs must be 0 to 60000 milliseconds');
    }
    if (timeout !== undefined && !(timeout >= 1 && timeout <= MAX_TIMEOUT_MS)) {
      return new SmartError('invalid_request', `timeout must be 1 to ${MAX_TIMEOUT_MS} milliseconds`);
    }
    return new Tries(retry === false ? 1 : attempts, maxDelayMs, timeout);
  }

  /** milliseconds until the call's own end, where it has one */
  get remainingMs(): number | undefined {
    return this.#endsAt === undefined ? undefined : this.#endsAt - performance.now();
  }

  /** Takes a further try after this wait; false where there is none left, or no time for it. */
  take(delayMs: number): boolean {
    if (this.#left === 0 || delayMs > this.#delayLeftMs || delayMs >= (this.remainingMs ?? Infinity))
      return false;
    this.#left -= 1;
    this.#delayLeftMs -= delayMs;
    return true;
  }

  /** Takes the one try that a broken connection has. */
  takeReconnect(): boolean {
    if (!this.#mayReconnect || !this.take(0)) return false;
    this.#mayReconnect = false;
    return true;
  }
}

/** Sends, and sends again where that is safe and allowed; see {@link RetryOptions}. */
export async function sendWithTries(
  request: { method: FhirMethod; url: URL; isConditional: boolean; signal?: AbortSignal },
  tries: Tries,
  send: (timeoutMs: number | undefined) => Promise<HttpAnswer>,
): Promise<HttpAnswer> {
  const { method, url, signal } = request;
  const isIdempotent = IDEMPOTENT.includes(method);
  for (;;) {
    let answer: HttpAnswer;
    try {
      answer = await send(timeLeft(tries, url));
    } catch (error) {
      // A conditional write that did arrive would now be refused for the change it made itself.
      const isSafe = isIdempotent && !(request.isConditional && method !== 'GET');
      if (isSafe && isBroken(error) && tries.takeReconnect()) continue;
      throw error;
    }
    const isAsked = answer.status === 429 || (answer.status === 503 && isIdempotent);
    const delayMs = isAsked ? retryAfterMs(answer) : undefined;
    if (delayMs === undefined || !tries.take(delayMs)) return answer;
    await pause(delayMs, url, signal);
  }
}

/** `Retry-After` (RFC 9110 10.2.3), seconds or a date, in milliseconds from now; undefined where it is no help. */
export function retryAfterMs(answer: Pick<HttpAnswer, 'header'>): number | undefined {
  const value = answer.header('retry-after')?.trim() ?? '';
  if (/^\d{1,6}$/.test(value)) return atMostADay(Number(value) * 1_000);
  const date = /^[A-Z][a-z]{2,8},? /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : atMostADay(Math.max(0, date - Date.now()));
}

function atMostADay(ms: number): number | undefined {
  return ms <= MAX_RETRY_AFTER_MS ? ms : undefined;
}

function timeLeft(tries: Tries, url: URL): number | undefined {
  const { remainingMs } = tries;
  if (remainingMs === undefined) return undefined;
  if (remainingMs <= 0) throw new HttpFailure('timeout', url.host, 'the time of the call is over');
  return Math.ceil(remainingMs);
}

function isBroken(error: unknown): boolean {
  return error instanceof HttpFailure && error.kind === 'network' && BROKEN.includes(error.code ?? '');
}

async function pause(delayMs: number, url: URL, signal: AbortSignal | undefined): Promise<void> {
  if (delayMs === 0) return;
  try {
    await sleep(delayMs, undefined, { signal });
  } catch {
    throw new HttpFailure('aborted', url.host, 'the call was aborted');
  }
}
