import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { Agent } from 'undici';
import type { Dispatcher } from 'undici';
import { CollectedAnswer, tooLarge } from './collected-answer.js';
import { guardedLookup, isAllowedHost } from './egress.js';
import type { EgressPolicy } from './egress.js';
import { HttpFailure } from './http-failure.js';
import type { HttpFailureKind } from './http-failure.js';

/** Bounds every call of the package has. */
export interface HttpLimits {
  /** milliseconds for the whole call, connection and body included */
  timeoutMs: number;
  /** bytes of the body, counted after decompression */
  maxBytes: number;
}

export interface HttpRequest {
  method: Dispatcher.HttpMethod;
  url: URL;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  signal?: AbortSignal;
  limits?: Partial<HttpLimits>;
  /** the server is one the operator named, so the egress policy does not apply to it */
  trusted?: boolean;
}

/** A call that is over, for who counts them. */
export interface HttpCall {
  method: string;
  /** the host, of a server that the operator named */
  trustedHost?: string;
  status?: number;
  failure?: HttpFailureKind;
  durationMs: number;
}

export interface HttpAnswer {
  status: number;
  /** by lower-case name; several values of one name joined with commas */
  header: (name: string) => string | undefined;
  /** as they came, names in lower case */
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

const decoders: Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
};

/**
 * The only door to the network: pooled keep-alive connections, a deadline, a size limit, and no redirect
 * ever followed. Sends no cookies and stores none.
 */
export class HttpClient {
  readonly #agent: Agent;
  /** connects only to addresses the egress policy allows */
  readonly #guarded: Agent;

  constructor(
    private readonly limits: HttpLimits,
    private readonly egress: EgressPolicy,
    private readonly onCall: (call: HttpCall) => void = () => undefined,
  ) {
    // NODE_TLS_REJECT_UNAUTHORIZED=0, set for something else in this process, is for development alone (C-18).
    const connect = {
      timeout: limits.timeoutMs,
      ...(!egress.allowLoopback && { rejectUnauthorized: true }),
    };
    const settings = {
      keepAliveTimeout: 10_000,
      // every call has a deadline of its own, which these would report as a broken connection
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: 32 * 1024,
    };
    this.#agent = new Agent({ ...settings, connect });
    this.#guarded = egress.publicOnly
      ? new Agent({ ...settings, connect: { ...connect, lookup: guardedLookup(egress) } })
      : this.#agent;
  }

  /** The answer whatever its status, or a thrown {@link HttpFailure}. */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    const startedAt = performance.now();
    const over = (outcome: Pick<HttpCall, 'status' | 'failure'>) =>
      this.onCall({
        method: request.method,
        ...(request.trusted && { trustedHost: request.url.hostname }),
        ...outcome,
        durationMs: performance.now() - startedAt,
      });
    try {
      const answer = await this.#exchange(request);
      over({ status: answer.status });
      return answer;
    } catch (error) {
      if (error instanceof HttpFailure) over({ failure: error.kind });
      throw error;
    }
  }

  async #exchange(request: HttpRequest): Promise<HttpAnswer> {
    const { url } = request;
    if (!request.trusted && !this.allows(url)) {
      throw new HttpFailure('refused', url.host, 'the address is not public');
    }
    const { timeoutMs = this.limits.timeoutMs, maxBytes = this.limits.maxBytes } = request.limits ?? {};
    const { host } = url;
    const answer = new CollectedAnswer(maxBytes, host);
    const onAbort = () => answer.fail(new HttpFailure('aborted', host, 'the call was aborted'));
    const { signal } = request;
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    const timer = setTimeout(
      () => answer.fail(new HttpFailure('timeout', host, `no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    try {
      if (!answer.isOver) {
        const { method, headers, body } = request;
        const agent = request.trusted ? this.#agent : this.#guarded;
        agent.dispatch(
          { origin: url.origin, path: url.pathname + url.search, method, headers, body },
          answer,
        );
      }
      const { status, headers, body } = await answer.collected;
      const header = (name: string) => {
        const value = headers[name];
        return Array.isArray(value) ? value.join(', ') : value;
      };
      const encoding = header('content-encoding');
      const decoded = encoding === undefined ? body : await decode(body, encoding, maxBytes, host);
      return { status, header, headers, body: decoded };
    } catch (error) {
      throw asFailure(error, host);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Whether a URL that a stranger named may be called, as far as its host's text tells. */
  allows(url: URL): boolean {
    return isAllowedHost(url, this.egress);
  }

  /** Closes idle connections and lets running calls finish. */
  async close(): Promise<void> {
    const open = [...new Set([this.#agent, this.#guarded])].filter(({ closed }) => !closed);
    await Promise.all(open.map((agent) => agent.close()));
  }
}

/** We ask for no compression, but some gateways compress all the same. */
async function decode(raw: Buffer, encoding: string, maxBytes: number, host: string): Promise<Buffer> {
  const name = encoding.trim().toLowerCase();
  if (!name || name === 'identity' || raw.length === 0) return raw;
  const decoder = Object.hasOwn(decoders, name) ? decoders[name] : undefined;
  if (!decoder)
    throw new HttpFailure('network', host, `content-encoding ${encoding.slice(0, 20)} is not supported`);
  try {
    return await decoder(raw, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(host, maxBytes);
    throw new HttpFailure('network', host, 'the compressed body is damaged');
  }
}

function asFailure(error: unknown, host: string): unknown {
  if (error instanceof HttpFailure) return error;
  const code = (error as NodeJS.ErrnoException | null)?.code;
  // the caller's fault (a header that cannot be sent), not the network's
  if (code === 'UND_ERR_INVALID_ARG') return error;
  if (code === 'EGRESS_REFUSED')
    return new HttpFailure('refused', host, 'an address of the host is not public');
  if (code === 'UND_ERR_CONNECT_TIMEOUT')
    return new HttpFailure('timeout', host, 'no connection in time', code);
  return new HttpFailure('network', host, code ?? 'the connection failed', code);
}
