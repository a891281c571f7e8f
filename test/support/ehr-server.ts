import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { RecordingServer } from './recording-server.js';

export interface EhrRequest {
  method: string;
  /** path and query as they were sent */
  target: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: string;
  /** the body read as a form */
  form: URLSearchParams;
}

/** `reset` cuts the connection, `silence` never answers. */
export type EhrAnswer =
  | 'reset'
  | 'silence'
  | {
      status?: number;
      headers?: Record<string, string>;
      /** sent as application/json unless `headers` says otherwise */
      json?: unknown;
      text?: string | Buffer;
    };

export type EhrResponder = (request: EhrRequest) => EhrAnswer | Promise<EhrAnswer>;

/** An EHR on 127.0.0.1, its endpoints answered by one function; it remembers what it was asked. */
export class EhrServer {
  readonly requests: EhrRequest[] = [];
  readonly #server = new RecordingServer();
  #respond: EhrResponder = () => ({ status: 404 });

  static async start(respond?: EhrResponder): Promise<EhrServer> {
    const ehr = new EhrServer();
    await ehr.#server.start();
    ehr.#server.answer = (request, response) => void ehr.#answer(request, response);
    if (respond) ehr.respondWith(respond);
    return ehr;
  }

  get url(): string {
    return this.#server.url;
  }

  respondWith(respond: EhrResponder): void {
    this.#respond = respond;
  }

  /** The requests to one path. */
  to(path: string): EhrRequest[] {
    return this.requests.filter((request) => request.path === path);
  }

  /** Forgets the requests so far; the next test gives its own answers. */
  reset(): void {
    this.requests.length = 0;
    this.#respond = () => ({ status: 404 });
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  async #answer(
    recorded: { method: string; url: string; headers: IncomingHttpHeaders; body: string },
    response: ServerResponse,
  ): Promise<void> {
    const { method, url: target, headers, body } = recorded;
    const { pathname: path, searchParams: query } = new URL(target, this.url);
    const request = { method, target, path, query, headers, body, form: new URLSearchParams(body) };
    this.requests.push(request);
    const answer = await this.#respond(request);
    if (answer === 'silence') return;
    if (answer === 'reset') return void response.socket?.destroy();
    const { status = 200, headers: given = {}, json, text } = answer;
    const type = json === undefined ? {} : { 'content-type': 'application/json' };
    response.writeHead(status, { ...type, ...given });
    response.end(json === undefined ? text : JSON.stringify(json));
  }
}
