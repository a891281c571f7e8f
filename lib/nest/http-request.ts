import type { IncomingMessage } from 'node:http';
import type { AbstractHttpAdapter } from '@nestjs/core';

/** An Express request is the raw request; a Fastify request has it inside. */
export interface HttpRequestLike {
  raw?: IncomingMessage;
  res?: unknown;
}

/** Fastify keeps no way from a request to its reply, so a hook remembers it. */
const replies = new WeakMap<IncomingMessage, unknown>();

export function rawRequest(request: object): IncomingMessage {
  return (request as HttpRequestLike).raw ?? (request as IncomingMessage);
}

/** The framework's response of a request, for its cookies; undefined outside HTTP. */
export function responseOf(request: object): unknown {
  return (request as HttpRequestLike).res ?? replies.get(rawRequest(request));
}

interface FastifyLike {
  addHook(
    name: 'onRequest',
    hook: (request: HttpRequestLike, reply: unknown, done: () => void) => void,
  ): void;
}

/** Called before the routes are registered; Express needs nothing. */
export function rememberReplies(adapter: AbstractHttpAdapter | undefined): void {
  if (adapter?.getType() !== 'fastify') return;
  adapter.getInstance<FastifyLike>().addHook('onRequest', (request, reply, done) => {
    if (request.raw) replies.set(request.raw, reply);
    done();
  });
}

/** The query as the client sent it: the frameworks' parsers disagree about repeated and bracketed names. */
export function queryOf(request: object): URLSearchParams {
  const url = rawRequest(request).url ?? '';
  const start = url.indexOf('?');
  return new URLSearchParams(start === -1 ? '' : url.slice(start + 1));
}

export function pathOf(request: object): string {
  return (rawRequest(request).url ?? '').split('?', 1)[0]!;
}

/** A header that came once. */
export function headerOf(request: object, name: string): string | undefined {
  const value = rawRequest(request).headers?.[name.toLowerCase()];
  return Array.isArray(value) ? value[0] : value;
}

export function wantsHtml(request: object): boolean {
  return (headerOf(request, 'accept') ?? '').includes('text/html');
}
