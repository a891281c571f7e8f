import { randomBytes } from 'node:crypto';
import type { LaunchContext } from './launch-context.js';

const LIFETIME_MS = 10 * 60 * 1000;

interface Launch {
  clientId: string;
  context: LaunchContext;
  expiresAt: number;
  redeemed: boolean;
}

/** The opaque `launch` values: 256 random bits, for one app, for one authorization request, for ten minutes. */
export class LaunchHandles {
  readonly #launches = new Map<string, Launch>();

  issue(clientId: string, context: LaunchContext): string {
    this.#dropExpired();
    const handle = randomBytes(32).toString('base64url');
    this.#launches.set(handle, { clientId, context, expiresAt: Date.now() + LIFETIME_MS, redeemed: false });
    return handle;
  }

  /** True for the first authorization request of the right app; the handle is used up by it. */
  redeem(handle: string, clientId: string): boolean {
    this.#dropExpired();
    const launch = this.#launches.get(handle);
    if (!launch || launch.redeemed || launch.clientId !== clientId) return false;
    launch.redeemed = true;
    return true;
  }

  /** The context of a redeemed handle, for the authorization request that redeemed it. */
  contextOf(handle: string): LaunchContext | undefined {
    const launch = this.#launches.get(handle);
    return launch?.redeemed ? launch.context : undefined;
  }

  #dropExpired(): void {
    const now = Date.now();
    for (const [handle, launch] of this.#launches) {
      if (launch.expiresAt <= now) this.#launches.delete(handle);
    }
  }
}
