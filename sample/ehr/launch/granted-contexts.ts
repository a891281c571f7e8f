import type { LaunchContext } from './launch-context.js';

/** The launch context of each grant, so that every token of the grant carries it, refreshed ones too. */
export class GrantedContexts {
  readonly #contexts = new Map<string, LaunchContext>();

  keep(grantId: string, context: LaunchContext): void {
    this.#contexts.set(grantId, context);
  }

  of(grantId: string | undefined): LaunchContext {
    return (grantId !== undefined && this.#contexts.get(grantId)) || {};
  }
}
