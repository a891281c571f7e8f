import type { OperationOutcome } from 'fhir/r4.js';
import { isJsonObject } from '../http/json.js';
import { SmartError } from '../smart-error.js';
import type { FhirHttpAnswer } from './fhir-http.js';
import { isTarget } from './reference.js';
import type { Target } from './reference.js';

type Answer = FhirHttpAnswer | SmartError;
type Read = Target & { path: string };

/** How the reads of a batch reach the server. */
export interface BatchedReadsParts {
  takesBatches(): Promise<boolean>;
  get(path: string, signal?: AbortSignal): Promise<Answer>;
  post(bundle: object): Promise<Answer>;
  /** of a path that was checked */
  urlOf: (path: string) => URL;
  /** entries of one Bundle at most */
  maxEntries: number;
}

interface Waiting {
  read: Read;
  signal?: AbortSignal;
  /** answered already, by its signal */
  isOver: boolean;
  answer: (answer: Answer) => void;
  fail: (error: unknown) => void;
}

/** Reads that are asked for in one turn of the event loop, sent as one batch (FHIR R4 "batch/transaction"). */
export class BatchedReads {
  #queue: Waiting[] = [];

  constructor(private readonly parts: BatchedReadsParts) {}

  read(read: Read, signal?: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const over =
        <T>(settle: (result: T) => void) =>
        (result: T) => {
          signal?.removeEventListener('abort', abort);
          settle(result);
        };
      const waiting: Waiting = { read, signal, isOver: false, answer: over(resolve), fail: over(reject) };
      const abort = () => {
        waiting.isOver = true;
        resolve(new SmartError('aborted', `GET ${nameOf(read)} was aborted`));
      };
      if (signal?.aborted) return abort();
      signal?.addEventListener('abort', abort, { once: true });
      // After this turn: reads that wait for promises which are there already belong to it.
      if (this.#queue.length === 0) setImmediate(() => void this.#send());
      this.#queue.push(waiting);
    });
  }

  async #send(): Promise<void> {
    const queue = this.#queue;
    this.#queue = [];
    const isBatch = countPaths(queue) > 1 && (await this.parts.takesBatches().catch(() => false));
    const byPath = new Map<string, Waiting[]>();
    for (const waiting of queue.filter(({ isOver }) => !isOver)) {
      const same = byPath.get(waiting.read.path);
      if (same) same.push(waiting);
      else byPath.set(waiting.read.path, [waiting]);
    }
    const reads = [...byPath.values()];
    if (!isBatch) return reads.flat().forEach((waiting) => this.#alone(waiting));
    for (let at = 0; at < reads.length; at += this.parts.maxEntries) {
      const chunk = reads.slice(at, at + this.parts.maxEntries);
      if (chunk.length === 1) chunk[0]!.forEach((waiting) => this.#alone(waiting));
      else void this.#together(chunk);
    }
  }

  #alone({ read, signal, answer, fail }: Waiting): void {
    this.parts.get(read.path, signal).then(answer, fail);
  }

  async #together(reads: Waiting[][]): Promise<void> {
    try {
      const entry = reads.map(([first]) => ({ request: { method: 'GET', url: first!.read.path } }));
      const answer = await this.parts.post({ resourceType: 'Bundle', type: 'batch', entry });
      const answers = answer instanceof SmartError ? answer : entriesOf(answer.body, reads.length);
      reads.forEach((same, at) =>
        same.forEach((waiting, nth) => {
          const own =
            answers instanceof SmartError ? answers : answerOf(answers[at], waiting.read, this.parts.urlOf);
          // two callers must not share an object that one of them may change
          waiting.answer(
            nth > 0 && !(own instanceof SmartError) ? { ...own, body: structuredClone(own.body) } : own,
          );
        }),
      );
    } catch (error) {
      for (const { fail } of reads.flat()) fail(error);
    }
  }
}

function countPaths(queue: Waiting[]): number {
  return new Set(queue.filter(({ isOver }) => !isOver).map(({ read }) => read.path)).size;
}

/** Entries come in the order of the request; with another number of them nobody knows which is whose. */
function entriesOf(body: unknown, count: number): unknown[] | SmartError {
  const { resourceType, entry } = isJsonObject(body) ? body : {};
  const entries: unknown[] = Array.isArray(entry) ? entry : [];
  if (resourceType === 'Bundle' && entries.length === count) return entries;
  return new SmartError(
    'invalid_fhir_response',
    'A batch was answered with something else than one entry for each of its own',
  );
}

function answerOf(entry: unknown, read: Read, urlOf: BatchedReadsParts['urlOf']): Answer {
  const { response, resource } = isJsonObject(entry) ? entry : {};
  const { status: statusLine, outcome, ...others } = isJsonObject(response) ? response : {};
  const status = Number(/^\d{3}(?=\s|$)/.exec(String(statusLine))?.[0] ?? 0);
  if (status >= 300 && status < 600) return refusal(read, status, [outcome, resource].find(isOutcome));
  if (status < 200 || !isTarget(resource, read)) {
    return new SmartError(
      'invalid_fhir_response',
      `GET ${nameOf(read)} was answered with something else than was asked for`,
    );
  }
  const { etag, lastModified } = others;
  const headers = {
    ...(typeof etag === 'string' && { etag }),
    ...(typeof lastModified === 'string' && { 'last-modified': lastModified }),
  };
  const header = (name: string) => new Headers(headers).get(name) ?? undefined;
  const bytes = Buffer.from(JSON.stringify(resource));
  return { status, body: resource, bytes, url: urlOf(read.path), header, headers };
}

function refusal(read: Read, status: number, operationOutcome: OperationOutcome | undefined): SmartError {
  const issueCode: unknown = operationOutcome?.issue?.[0]?.code;
  const reason = typeof issueCode === 'string' && /^[a-z-]{1,40}$/.test(issueCode) ? ` (${issueCode})` : '';
  return new SmartError('fhir_request_failed', `GET ${nameOf(read)} was answered with ${status}${reason}`, {
    status: status >= 400 && status < 500 ? status : 502,
    operationOutcome,
    cause: { name: 'HttpError', code: `HTTP_${status}` },
  });
}

function isOutcome(value: unknown): value is OperationOutcome {
  return isJsonObject(value) && value.resourceType === 'OperationOutcome';
}

function nameOf({ resourceType }: Read): string {
  return `${resourceType}/{id}`;
}
