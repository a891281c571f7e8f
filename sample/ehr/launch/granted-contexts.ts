import type { LaunchMembers } from 'nestjs-smart-on-fhir';

/** The launch context of each grant, so that every token of the grant carries it, refreshed ones too. */
export class GrantedContexts {
  readonly #contexts = new Map<string, LaunchMembers>();

  keep(grantId: string, context: LaunchMembers): void {
    this.#contexts.set(grantId, context);
  }

  of(grantId: string | undefined): LaunchMembers {
    return (grantId !== undefined && this.#contexts.get(grantId)) || {};
  }
}
