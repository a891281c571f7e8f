import { Inject, Injectable } from '@nestjs/common';
import { SmartClients } from './smart-clients.js';

/** A health indicator's answer, as `@nestjs/terminus` takes it. */
export type SmartHealthResult<Key extends string> = Record<
  Key,
  { status: 'up' } | { status: 'down'; message: string }
>;

/**
 * Whether sessions can be stored and read, for a health check of `@nestjs/terminus` 11 or 12. EHRs are not asked: one that
 * is down is no reason to restart the app.
 *
 * @example
 * this.health.check([() => this.smartHealth.isHealthy()])
 */
@Injectable()
export class SmartHealth {
  constructor(@Inject(SmartClients) private readonly clients: SmartClients) {}

  /** One write to the session store, answered within `storeTimeoutMs`. Never rejects: `down` makes the check a 503. */
  async isHealthy<const Key extends string = 'smart-sessions'>(
    key = 'smart-sessions' as Key,
  ): Promise<SmartHealthResult<Key>> {
    const health = await this.clients.checkStorage().then(
      () => ({ status: 'up' as const }),
      () => ({ status: 'down' as const, message: 'The session store did not answer' }),
    );
    return { [key]: health } as SmartHealthResult<Key>;
  }
}
