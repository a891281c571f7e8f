import type { ExecutionContext } from '@nestjs/common';
import type { ReadyClient } from '../ready-client.js';
import { rawRequest } from './http-request.js';

/**
 * What the guard found, for decorators, which have no injection. A WeakMap and no property of the request:
 * request loggers print properties, and no two requests can meet in it.
 */
const ready = new WeakMap<object, { owner: object; client: ReadyClient }>();

/** @param owner who found it: two registrations of the module do not answer for each other */
export function rememberReady(
  context: ExecutionContext,
  request: object,
  client: ReadyClient,
  owner: object,
): void {
  ready.set(rawRequest(request), { owner, client });
  // A guard for GraphQL overrides getRequest(), which decorators cannot see: its context object leads there too.
  const graphqlContext = graphqlContextOf(context);
  if (graphqlContext) ready.set(graphqlContext, { owner, client });
}

export function recallReady(context: ExecutionContext): ReadyClient | undefined {
  const key = graphqlContextOf(context) ?? httpRequestOf(context);
  return key && ready.get(key)?.client;
}

/**
 * What the same guard found earlier in this HTTP request. A GraphQL context may live as long as a connection,
 * so there every operation is looked at anew.
 */
export function recallForGuard(context: ExecutionContext, owner: object): ReadyClient | undefined {
  const key = httpRequestOf(context);
  const found = key && ready.get(key);
  return found?.owner === owner ? found.client : undefined;
}

function httpRequestOf(context: ExecutionContext): object | undefined {
  return context.getType() === 'http' ? rawRequest(context.switchToHttp().getRequest<object>()) : undefined;
}

function graphqlContextOf(context: ExecutionContext): object | undefined {
  if (context.getType<string>() !== 'graphql') return undefined;
  const value: unknown = context.getArgByIndex(2);
  return typeof value === 'object' && value !== null ? value : undefined;
}
