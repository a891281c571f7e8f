import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { ReadyClient } from '../ready-client.js';
import { recallReady } from './ready-memo.js';

/**
 * Injects the {@link ReadyClient} of the request's launch. Needs `SmartSessionGuard` on the route, the
 * controller or the app.
 *
 * @example
 * patient(@FhirClient() fhir: ReadyClient) { return fhir.patient.request(); }
 */
export const FhirClient = createParamDecorator((_data: unknown, context: ExecutionContext): ReadyClient => {
  const ready = recallReady(context);
  if (ready) return ready;
  throw new Error(
    `@FhirClient() on ${context.getClass().name}.${context.getHandler().name} found no launch: ` +
      'add @UseGuards(SmartSessionGuard) to the route or the controller',
  );
});
