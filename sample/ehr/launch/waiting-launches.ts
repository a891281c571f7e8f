import { issueSmartAppLaunch } from 'nestjs-smart-on-fhir';
import type { SmartAppLaunch, SmartAppLaunchStore } from 'nestjs-smart-on-fhir';
import type { AppRegistry } from '../registered-app.js';
import type { LaunchContext } from './launch-context.js';
import { launchMembers } from './launch-context.js';

/** Where SmartLaunchModule keeps its launches here; tests put some in without a click. */
export class WaitingLaunches implements SmartAppLaunchStore {
  readonly #launches = new Map<string, SmartAppLaunch>();

  constructor(
    private readonly apps: AppRegistry,
    private readonly iss: string,
    private readonly userId: string,
  ) {}

  async findById(id: string): Promise<SmartAppLaunch | undefined> {
    return this.#launches.get(id);
  }

  async save(launch: SmartAppLaunch): Promise<void> {
    this.#keep(launch);
  }

  async take(id: string): Promise<SmartAppLaunch | undefined> {
    const launch = this.#launches.get(id);
    this.#launches.delete(id);
    return launch;
  }

  /** A launch handle, as a click in the EHR makes it. */
  issue(clientId: string, context: LaunchContext): string {
    const application = this.apps.findByClientId(clientId);
    if (!application) throw new Error(`No app is registered as ${clientId}`);
    const { iss, userId } = this;
    const issued = issueSmartAppLaunch({ application, userId, iss, context: launchMembers(context) });
    this.#keep(issued.launch);
    return issued.handle;
  }

  /** The app's launch URL with `iss` and a new `launch`. */
  launchUrl(clientId: string, context: LaunchContext): string {
    const handle = this.issue(clientId, context);
    const url = new URL(this.apps.find(clientId)?.launchUri ?? '');
    url.searchParams.set('iss', this.iss);
    url.searchParams.set('launch', handle);
    return url.href;
  }

  #keep(launch: SmartAppLaunch): void {
    for (const [id, { expiresAt }] of this.#launches) {
      if (expiresAt <= launch.createdAt) this.#launches.delete(id);
    }
    this.#launches.set(launch.id, launch);
  }
}
