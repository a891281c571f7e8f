import type { Dispatcher } from 'undici';
import { HttpFailure } from './http-failure.js';
import { Pieces } from './pieces.js';

type Controller = Dispatcher.DispatchController;
type Headers = Record<string, string | string[] | undefined>;

/**
 * Takes an answer off the connection as it arrives, whole. Answers here are small and wanted at once; a stream for
 * each would cost more than the rest of the call.
 */
export class CollectedAnswer implements Dispatcher.DispatchHandler {
  readonly collected: Promise<{ status: number; headers: Headers; body: Buffer }>;
  #resolve!: (answer: { status: number; headers: Headers; body: Buffer }) => void;
  #reject!: (reason: unknown) => void;
  #controller: Controller | undefined;
  #status = 0;
  #headers: Headers = {};
  readonly #body = new Pieces();
  #isOver = false;

  constructor(
    private readonly maxBytes: number,
    private readonly host: string,
  ) {
    this.collected = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** whether it is there, or will not come */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Gives up and hangs up. */
  fail(reason: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#body.clear();
    this.#reject(reason);
    this.#controller?.abort(reason as Error);
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    // given up while it waited for a connection
    if (this.#isOver) controller.abort(new Error('given up'));
  }

  onResponseStart(_controller: Controller, status: number, headers: Headers): void {
    // 1xx: the answer is still to come
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    if (this.#isOver) return;
    if (this.#body.size + chunk.length > this.maxBytes) this.fail(tooLarge(this.host, this.maxBytes));
    else this.#body.add(chunk);
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#resolve({ status: this.#status, headers: this.#headers, body: this.#body.joined() });
    this.#body.clear();
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.fail(error);
  }
}

export function tooLarge(host: string, maxBytes: number): HttpFailure {
  return new HttpFailure('too_large', host, `the body is larger than ${maxBytes} bytes`);
}
