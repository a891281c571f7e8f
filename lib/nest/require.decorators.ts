import { SetMetadata, UseGuards, applyDecorators } from '@nestjs/common';
import { parseResourceScope } from '../scope/scope.js';
import { REQUIRED_CONTEXT, REQUIRED_SCOPES } from './requirements.js';
import type { ContextName } from './requirements.js';
import { SmartSessionGuard } from './smart-session.guard.js';

/**
 * The route answers 403 with the missing scopes unless the EHR granted them all (v1 and v2 scopes, wildcards
 * and unions understood). On a controller it holds for every route. It brings `SmartSessionGuard` along.
 *
 * @example
 * RequireScopes('patient/Observation.rs', 'patient/Condition.rs')
 */
export function RequireScopes(...scopes: string[]): MethodDecorator & ClassDecorator {
  const malformed = scopes.find((scope) => !isScope(scope));
  if (malformed !== undefined) {
    throw new Error(
      `@RequireScopes(): ${JSON.stringify(malformed)} is no scope; e.g. 'patient/Observation.rs'`,
    );
  }
  return applyDecorators(SetMetadata(REQUIRED_SCOPES, scopes), UseGuards(SmartSessionGuard));
}

/**
 * The route answers 403 unless the launch has this context. It brings `SmartSessionGuard` along.
 *
 * @example
 * RequireContext('patient', 'encounter')
 */
export function RequireContext(...names: ContextName[]): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(REQUIRED_CONTEXT, names), UseGuards(SmartSessionGuard));
}

/** A clinical scope with a typo would lock its route for ever. */
function isScope(scope: unknown): boolean {
  if (typeof scope !== 'string' || scope === '') return false;
  return !/^(patient|user|system)\//.test(scope) || parseResourceScope(scope) !== undefined;
}
