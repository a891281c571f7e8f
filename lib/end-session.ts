import type { LaunchRecord } from './session/launch-record.js';
import type { SmartRuntime } from './smart-runtime.js';
import { SmartError } from './smart-error.js';
import { revokeToken } from './token/revocation.js';

/** The launches of a session that are over now, and why there may be others that are not. */
export interface EndedSession {
  ended: LaunchRecord[];
  failure?: SmartError;
}

/**
 * Ends every launch of a session here; their tokens still stand at the EHR. In multi-launch mode also those that a
 * callback of this browser added a moment ago, under an id that the logout was not yet sent with.
 */
export async function endSession(
  runtime: SmartRuntime,
  sessionId: string,
  browserId: string | null = null,
): Promise<EndedSession> {
  const { launches, sessions, options } = runtime;
  const recent = options.enableMultiLaunch ? await sessions.recentOf(browserId ?? sessionId) : undefined;
  const sessionIds = [...new Set([sessionId, ...(recent?.sessionIds ?? [])])];
  const indexed = options.enableMultiLaunch
    ? (await Promise.all(sessionIds.map((id) => sessions.read(id)))).flatMap(
        (session) => session?.launches ?? [],
      )
    : [{ id: sessionId }];
  const ended: LaunchRecord[] = [];
  let failure: SmartError | undefined;
  for (const id of new Set(indexed.map((launch) => launch.id))) {
    try {
      // Under the lock, so that a refresh under way cannot bring the session back after its end.
      const record = await launches.exclusive(id, async () => {
        const last = await launches.read(id);
        await launches.remove(id);
        return last;
      });
      if (record) ended.push(record);
    } catch (error) {
      failure = error as SmartError;
    }
  }
  // The index goes last: as long as a launch could not be ended, another logout must find it.
  if (!failure && options.enableMultiLaunch) {
    for (const id of sessionIds) await sessions.remove(id);
  }
  return { ended, failure };
}

/** Revokes a launch's tokens at the EHR (RFC 7009); what goes wrong is logged, since the user is out by then. */
export async function revokeTokens(runtime: SmartRuntime, record: LaunchRecord): Promise<void> {
  const { http, options, registrations } = runtime;
  const registration = await registrations.ofLaunch(record);
  if (registration instanceof SmartError) {
    return options.logger.warn(`The tokens of a session were not revoked: ${registration.message}`);
  }
  options.onEvent({ type: 'logout', server: registration.name });
  const { refreshToken, accessToken, server } = record;
  if (!server.revocation_endpoint || accessToken === '') return;
  // Both, whatever becomes of the first: some servers revoke only the token they are given.
  const revocations = [
    refreshToken === undefined ||
      (await revokeToken(http, registration, server, refreshToken, 'refresh_token')),
    await revokeToken(http, registration, server, accessToken, 'access_token'),
  ];
  if (!revocations.every(Boolean))
    options.logger.warn(`${registration.name} did not confirm the revocation of a session’s tokens`);
}
