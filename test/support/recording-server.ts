import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface RecordedRequest {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export type Answerer = (request: RecordedRequest, response: ServerResponse) => void;

/** A real HTTP server on loopback that keeps what it was asked and answers as the test says. */
export class RecordingServer {
  readonly requests: RecordedRequest[] = [];
  /** TCP connections that were opened, with or without a request on them */
  connections = 0;
  answer: Answerer = (_request, response) => response.end();
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<this> {
    this.#server.on('connection', () => this.connections++);
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  /** Forgets what was recorded and answers as given from now on. */
  reset(answer: Answerer): void {
    this.requests.length = 0;
    this.connections = 0;
    this.answer = answer;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const recorded = { method, url, headers, body: await text(request) };
    this.requests.push(recorded);
    this.answer(recorded, response);
  }
}

export function json(body: unknown, status = 200): Answerer {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
}
