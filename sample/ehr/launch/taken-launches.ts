import type { LaunchMembers, SmartError } from 'nestjs-smart-on-fhir';

const LIFETIME_MS = 10 * 60 * 1000;

type Taken = Promise<LaunchMembers | SmartError>;

/**
 * A launch can be taken once, and an authorization may need several requests: the patient picker is shown, then
 * answered. In between its context is kept here, under the interaction of this browser.
 */
export class TakenLaunches {
  readonly #taken = new Map<string, { context: Taken; until: number }>();

  of(interaction: string, take: () => Taken): Taken {
    const now = Date.now();
    for (const [old, { until }] of this.#taken) if (until < now) this.#taken.delete(old);
    const context = this.#taken.get(interaction)?.context ?? take();
    this.#taken.set(interaction, { context, until: now + LIFETIME_MS });
    return context;
  }
}
