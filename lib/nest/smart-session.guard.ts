import { Inject, Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { ReadyClient } from '../ready-client.js';
import { SmartError } from '../smart-error.js';
import { measuredGuard } from '../telemetry.js';
import { headerOf, rawRequest } from './http-request.js';
import { recallForGuard, rememberReady } from './ready-memo.js';
import { unmetRequirement } from './requirements.js';
import { SmartClients } from './smart-clients.js';

/**
 * Lets a request through when its session holds a launch whose token is good, refreshed if need be; gives
 * the launch to `@FhirClient()`. Everything else is answered with the SmartError's status: 401 without a
 * session, 503 when the store is down. It fails closed in every context it does not know; for GraphQL
 * override `getRequest`.
 *
 * @example
 * @UseGuards(SmartSessionGuard)
 */
@Injectable()
export class SmartSessionGuard implements CanActivate {
  constructor(@Inject(SmartClients) protected readonly clients: SmartClients) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const known = recallForGuard(context, this.clients);
    const ready = known ?? (await measuredGuard(() => this.#launchOf(context)));
    if (ready instanceof SmartError) return this.onRefused(ready, context);
    const unmet = unmetRequirement(ready, context);
    return unmet ? this.onRefused(unmet, context) : true;
  }

  /** The HTTP request of a context. Override it for GraphQL: `GqlExecutionContext.create(context).getContext().req` */
  protected getRequest(context: ExecutionContext): object {
    if (context.getType() === 'http') return context.switchToHttp().getRequest<object>();
    throw new SmartError(
      'no_session',
      `SmartSessionGuard does not know the context "${context.getType()}": override getRequest(context)`,
    );
  }

  /** What happens to a request without a usable session, scope or context; override it to redirect or to log. */
  protected onRefused(error: SmartError, _context: ExecutionContext): boolean {
    throw error;
  }

  async #launchOf(context: ExecutionContext): Promise<ReadyClient | SmartError> {
    const request = this.getRequest(context);
    // A WebSocket begins with a GET, and brings its cookie from any page; what is sent over it may change things.
    const isSocket = headerOf(request, 'upgrade')?.toLowerCase() === 'websocket';
    const method = isSocket ? 'POST' : (rawRequest(request).method ?? 'POST');
    if (!this.clients.isTrustedOrigin(request, method)) {
      return new SmartError('csrf_rejected', 'The request does not come from the app itself');
    }
    // Patient data stays in no cache, unless the route says otherwise.
    this.clients.forbidCaching(request);
    const ready = await this.clients.for(request).ready();
    if (ready instanceof SmartError) return ready;
    rememberReady(context, request, ready, this.clients);
    return ready;
  }
}
