import { randomBytes } from 'node:crypto';
import { withinDeadline } from '../session/deadline.js';
import { completeStorage } from '../session/complete-storage.js';
import { SealedBox } from '../session/sealed-box.js';
import type { CompleteStorage, SmartStorageOption } from '../session/smart-storage.js';
import { DEFAULTS } from '../smart-client-options.js';
import type { SmartAppLaunch } from './smart-app-launch.js';

/**
 * Where launches wait: what you implement to keep them in a database of your own. A method that fails must reject;
 * an outage is answered with 503.
 */
export interface SmartAppLaunchStore {
  findById(id: string): Promise<SmartAppLaunch | null | undefined>;
  /** @param ttlMs milliseconds until the launch may be dropped */
  save(launch: SmartAppLaunch, ttlMs: number): Promise<unknown>;
  /** Reads and deletes in one atomic step: of two callers, one gets it. */
  take(id: string): Promise<SmartAppLaunch | null | undefined>;
}

const PREFIX = 'smart:app-launch:';

export function isLaunchStore(value: unknown): value is SmartAppLaunchStore {
  const methods = ['findById', 'save', 'take'] as const;
  return (
    typeof value === 'object' &&
    value !== null &&
    methods.every((name) => typeof (value as Partial<SmartAppLaunchStore>)[name] === 'function')
  );
}

/**
 * Every call bounded in time; `storage` is there where it is not the user's own store.
 *
 * @param secrets the first seals launches, all open them. None: a random one, which no other process has
 * @param onUnknownSecret told when a launch was sealed under a secret that is not here
 */
export function launchStore(
  option: SmartStorageOption | SmartAppLaunchStore | undefined,
  secrets: readonly string[] = [],
  onUnknownSecret?: () => void,
): {
  store: SmartAppLaunchStore;
  storage?: CompleteStorage;
} {
  if (!isLaunchStore(option)) {
    const storage = completeStorage(option, DEFAULTS.storeTimeoutMs);
    const box = new SealedBox(secrets.length > 0 ? secrets : [randomSecret()], onUnknownSecret);
    return { store: storedLaunches(storage, box), storage };
  }
  const bounded = <T>(work: Promise<T>) => withinDeadline(work, DEFAULTS.storeTimeoutMs);
  const store: SmartAppLaunchStore = {
    findById: (id) => bounded(option.findById(id)),
    save: (launch, ttlMs) => bounded(option.save(launch, ttlMs)),
    take: (id) => bounded(option.take(id)),
  };
  return { store };
}

/** Sealed under secret and id: a dump of the store tells nothing of user and patient. */
function storedLaunches(storage: CompleteStorage, box: SealedBox): SmartAppLaunchStore {
  const read = (id: string, entry: string | undefined) =>
    entry === undefined ? undefined : box.open<SmartAppLaunch>(entry, PREFIX + id, id);
  return {
    findById: async (id) => read(id, await storage.get(PREFIX + id)),
    save: (launch, ttlMs) =>
      storage.set(PREFIX + launch.id, box.seal(launch, PREFIX + launch.id, launch.id), ttlMs),
    take: async (id) => read(id, await storage.take(PREFIX + id)),
  };
}

function randomSecret(): string {
  return randomBytes(32).toString('base64');
}
