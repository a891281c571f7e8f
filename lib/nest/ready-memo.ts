import type { ExecutionContext } from '@nestjs/common';
import type { ReadyClient } from '../ready-client.js';
import { rawRequest } from './http-request.js';

/**
 * What the guard found, for decorators, which have no injection. A WeakMap and no property of the request:
 * request loggers print properties, and no two requests can meet in it.
 */
const ready = new WeakMap<object, ReadyClient>();

export function rememberReady(context: ExecutionContext, request: object, client: ReadyClient): void {
  ready.set(rawRequest(request), client);
  // A guard for GraphQL overrides getRequest(), which decorators cannot see: its context object leads there too.
  const graphqlContext = graphqlContextOf(context);
  if (graphqlContext) ready.set(graphqlContext, client);
}

export function recallReady(context: ExecutionContext): ReadyClient | undefined {
  const key = graphqlContextOf(context) ?? httpRequestOf(context);
  return key && ready.get(key);
}

function httpRequestOf(context: ExecutionContext): object | undefined {
  return context.getType() === 'http' ? rawRequest(context.switchToHttp().getRequest<object>()) : undefined;
}

function graphqlContextOf(context: ExecutionContext): object | undefined {
  if (context.getType<string>() !== 'graphql') return undefined;
  const value: unknown = context.getArgByIndex(2);
  return typeof value === 'object' && value !== null ? value : undefined;
}
