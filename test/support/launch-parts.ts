import type { LaunchContext } from '../../lib/ehr/launch-context.js';
import type { LaunchRecord } from '../../lib/session/launch-record.js';
import { HttpClient } from '../../lib/http/http-client.js';
import type { SmartStorageOption } from '../../lib/session/smart-storage.js';
import type { SmartClientOptions } from '../../lib/smart-client-options.js';
import { SmartRuntime } from '../../lib/smart-runtime.js';
import { APP, knownServer } from './registration.js';
import type { ServerSettings } from './registration.js';

export const CONTEXT: LaunchContext = {
  patient: 'patient-1',
  encounter: null,
  fhirContext: [],
  intent: null,
  needPatientBanner: true,
  smartStyleUrl: null,
  tenant: null,
  extra: {},
};

const HOUR_MS = 3_600_000;

/** A completed launch, its access token good for an hour. */
export function launchRecord(iss: string, overrides: Partial<LaunchRecord> = {}): LaunchRecord {
  const now = Date.now();
  return {
    launchId: 'launch-1',
    iss,
    clientId: 'growth-chart',
    server: { token_endpoint: new URL('/token', iss).href },
    accessToken: 'access-1',
    // an hour's token, whenever it expires
    issuedAt: (overrides.expiresAt ?? now + HOUR_MS) - HOUR_MS,
    expiresAt: now + HOUR_MS,
    refreshToken: 'refresh-1',
    scope: 'launch offline_access patient/Patient.rs',
    scopeAssumed: false,
    context: CONTEXT,
    identity: null,
    startedAt: now,
    seenAt: now,
    ...overrides,
  };
}

/** The package's own HTTP client, with a deadline that a test which needs it may shorten. */
export function httpClient(timeoutMs = 10_000): HttpClient {
  return new HttpClient({ timeoutMs, maxBytes: 1024 * 1024 }, { publicOnly: false, allowLoopback: true });
}

/** Everything that the clients of one configuration share, for one EHR in development. */
export function runtimeAt(
  iss: string,
  storage?: SmartStorageOption,
  options: SmartClientOptions = {},
  settings: ServerSettings = {},
): SmartRuntime {
  const configuration = { ...APP, knownFhirServers: [knownServer({ issuer: iss, ...settings })] };
  const session = { secret: 'a secret of more than thirty-two characters' };
  return new SmartRuntime(configuration, storage, { allowNonHttpsLaunch: true, session, ...options });
}
