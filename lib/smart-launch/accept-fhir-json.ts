import type { IncomingMessage } from 'node:http';
import type { AbstractHttpAdapter } from '@nestjs/core';

type Done = (error: Error | null, body?: unknown) => void;
type Parser = (request: { raw: IncomingMessage }, body: string, done: Done) => void;

interface FastifyLike {
  hasContentTypeParser(type: string): boolean;
  addContentTypeParser(type: string, options: { parseAs: 'string' }, parser: Parser): void;
  getDefaultJsonParser(onProto: 'error', onConstructor: 'error'): Parser;
}

const FHIR_JSON = 'application/fhir+json';

/**
 * Fastify refuses media types that it has no parser for before any route sees them. Ours are left as text; for other
 * routes it is JSON. Where the app has a parser of its own, that one stays; Express needs nothing.
 */
export function acceptFhirJson(adapter: AbstractHttpAdapter | undefined): void {
  if (adapter?.getType() !== 'fastify') return;
  const fastify = adapter.getInstance<FastifyLike>();
  if (fastify.hasContentTypeParser(FHIR_JSON)) return;
  const parseJson = fastify.getDefaultJsonParser('error', 'error');
  fastify.addContentTypeParser(FHIR_JSON, { parseAs: 'string' }, (request, body, done) => {
    const path = request.raw.url?.split('?', 1)[0] ?? '';
    if (/\/\$smart-launch\/?$/.test(path)) done(null, body);
    else parseJson(request, body, done);
  });
}
