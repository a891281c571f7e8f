import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { ReadyClient } from '../ready-client.js';
import { SmartError } from '../smart-error.js';

/** What a launch context can be asked for. */
export type ContextName = 'patient' | 'encounter' | 'user' | 'practitioner' | 'intent' | 'tenant';

export const REQUIRED_SCOPES = 'SMART:SCOPES';
export const REQUIRED_CONTEXT = 'SMART:CONTEXT';

const reflector = new Reflector();

/** What the route and its controller ask of a launch, and this launch lacks. */
export function unmetRequirement(ready: ReadyClient, context: ExecutionContext): SmartError | undefined {
  const missingScopes = ready.scopes.missing(...asked<string>(REQUIRED_SCOPES, context));
  if (missingScopes.length) {
    return new SmartError('insufficient_scope', `The EHR did not grant ${missingScopes.join(' ')}`, {
      missing: missingScopes,
    });
  }
  const missingContext = asked<ContextName>(REQUIRED_CONTEXT, context).filter((name) => !has(ready, name));
  if (missingContext.length) {
    return new SmartError('missing_context', `The launch has no ${missingContext.join(', ')}`, {
      missing: missingContext,
    });
  }
  return undefined;
}

function asked<T extends string>(key: string, context: ExecutionContext): T[] {
  const targets = [context.getHandler(), context.getClass()];
  return targets.flatMap((target) => reflector.get<T[] | undefined>(key, target) ?? []);
}

function has(ready: ReadyClient, name: ContextName): boolean {
  return name === 'intent' || name === 'tenant' ? ready.context[name] !== null : ready[name].id !== null;
}
