import type { Registration } from './ehr/registrations.js';
import type { LaunchRecord } from './session/launch-record.js';
import type { LaunchStore } from './session/launch-store.js';
import type { ResolvedOptions } from './smart-client-options.js';
import { SmartError } from './smart-error.js';
import type { TokenRefresh } from './token-refresh.js';

interface Parts {
  launches: LaunchStore;
  options: ResolvedOptions;
  refresh: TokenRefresh;
}

/** The launch with a token that is good for a while, and its session kept from going idle. */
export async function freshLaunch(
  parts: Parts,
  id: string,
  record: LaunchRecord,
  registration: Registration,
): Promise<LaunchRecord | SmartError> {
  const { launches, options, refresh } = parts;
  const now = Date.now();
  const isExpired = record.expiresAt <= now;
  // A token that lives shorter than the skew would be refreshed by every request.
  const skewMs = Math.min(options.refreshSkewMs, (record.expiresAt - record.issuedAt) / 2);
  const isDue = record.expiresAt - skewMs <= now;
  const mayRefresh = options.autoRefresh && record.refreshToken !== undefined;
  if (!isDue || (!isExpired && (!mayRefresh || refresh.backOffMs(id) > 0)))
    return touched(parts, id, record, now);
  if (!options.autoRefresh) {
    return new SmartError(
      'session_expired',
      'The access token expired; call refresh() or launch the app again',
    );
  }
  if (!mayRefresh) {
    await launches.removeSame(id, record);
    return new SmartError('session_expired', 'The access token expired and the EHR gave no refresh token');
  }
  const retryAfterMs = refresh.backOffMs(id);
  if (retryAfterMs > 0) {
    return new SmartError(
      'ehr_unavailable',
      'The EHR could not refresh the access token; try again shortly',
      {
        retryAfterMs,
      },
    );
  }
  const refreshed = await refresh.refresh(id, record, registration);
  const isOutage = refreshed instanceof SmartError && refreshed.status >= 500;
  // An EHR that cannot refresh right now is no reason to stop while the token is still good.
  return isOutage && !isExpired ? record : refreshed;
}

/** Writes at most ten times per idle timeout; a write that fails is tried again by the next request. */
async function touched(
  { launches, options }: Parts,
  id: string,
  record: LaunchRecord,
  now: number,
): Promise<LaunchRecord> {
  if (now - record.seenAt < options.idleTimeoutMs / 10) return record;
  try {
    return await launches.exclusive(id, async () => {
      const latest = await launches.read(id);
      // gone meanwhile: writing would bring back a session that was ended
      // a later launch under the same session id is another one
      if (latest?.launchId !== record.launchId) return record;
      if (latest.seenAt >= now) return latest;
      const seen = { ...latest, seenAt: now };
      await launches.write(id, seen);
      return seen;
    });
  } catch {
    return record;
  }
}
