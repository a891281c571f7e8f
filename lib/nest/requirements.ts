import { Inject, Injectable, SetMetadata, UseGuards, applyDecorators } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { ReadyClient } from '../ready-client.js';
import { SmartError } from '../smart-error.js';
import { recallReady } from './ready-memo.js';

const SCOPES = 'SMART:SCOPES';
const CONTEXT = 'SMART:CONTEXT';

/** What a launch context can be asked for. */
export type ContextName = 'patient' | 'encounter' | 'user' | 'practitioner' | 'intent' | 'tenant';

/** Checks what `@RequireScopes` and `@RequireContext` ask, after SmartSessionGuard found the launch. */
@Injectable()
export class RequirementsGuard implements CanActivate {
  constructor(@Inject(Reflector) private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const ready = recallReady(context);
    if (!ready) {
      throw new Error(
        `@RequireScopes() or @RequireContext() on ${context.getClass().name}.${context.getHandler().name} found no ` +
          'launch: add @UseGuards(SmartSessionGuard), above it',
      );
    }
    const missingScopes = ready.scopes.missing(...this.#asked<string>(SCOPES, context));
    if (missingScopes.length) {
      throw new SmartError('insufficient_scope', `The EHR did not grant ${missingScopes.join(' ')}`, {
        missing: missingScopes,
      });
    }
    const missingContext = this.#asked<ContextName>(CONTEXT, context).filter((name) => !has(ready, name));
    if (missingContext.length) {
      throw new SmartError('missing_context', `The launch has no ${missingContext.join(', ')}`, {
        missing: missingContext,
      });
    }
    return true;
  }

  #asked<T extends string>(key: string, context: ExecutionContext): T[] {
    const targets = [context.getHandler(), context.getClass()];
    return targets.flatMap((target) => this.reflector.get<T[] | undefined>(key, target) ?? []);
  }
}

/**
 * The route answers 403 with the missing scopes unless the EHR granted them all (v1 and v2 scopes, wildcards
 * and unions understood). On a controller it holds for every route. Needs `SmartSessionGuard`.
 *
 * @example
 * RequireScopes('patient/Observation.rs', 'patient/Condition.rs')
 */
export function RequireScopes(...scopes: string[]): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(SCOPES, scopes), UseGuards(RequirementsGuard));
}

/**
 * The route answers 403 unless the launch has this context.
 *
 * @example
 * RequireContext('patient', 'encounter')
 */
export function RequireContext(...names: ContextName[]): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(CONTEXT, names), UseGuards(RequirementsGuard));
}

function has(ready: ReadyClient, name: ContextName): boolean {
  return name === 'intent' || name === 'tenant' ? ready.context[name] !== null : ready[name].id !== null;
}
