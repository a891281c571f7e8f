import QuickLRU from 'quick-lru';
import type { Registration } from './ehr/registrations.js';
import { serverScopes } from './ehr/scope-names.js';
import type { HttpClient } from './http/http-client.js';
import type { JsonObject } from './http/json.js';
import type { LaunchRecord } from './session/launch-record.js';
import type { LaunchStore } from './session/launch-store.js';
import type { ResolvedOptions } from './smart-client-options.js';
import { SmartScopes } from './scope/scope.js';
import { SmartError } from './smart-error.js';
import { traced } from './telemetry.js';
import type { IdTokenVerifier } from './token/id-token.js';
import { tokenRequest } from './token/token-endpoint.js';
import { readTokenResponse } from './token/token-response.js';
import type { TokenResponse } from './token/token-response.js';

const BACK_OFF_MS = 5_000;
const MAX_REMEMBERED = 10_000;
/** An EHR that answers late has rotated the refresh token all the same: it is listened to after its users gave up. */
const LISTEN_FACTOR = 2;

interface Parts {
  http: HttpClient;
  launches: LaunchStore;
  idTokens: IdTokenVerifier;
  options: ResolvedOptions;
}

/**
 * Refreshes access tokens, one flight per launch: a refresh token is never sent twice, since servers that
 * rotate it revoke everything when they see it again (RFC 9700 4.14).
 */
export class TokenRefresh {
  readonly #flights = new Map<string, Promise<LaunchRecord | SmartError>>();
  /** launches whose EHR failed a moment ago: until when not to ask again */
  readonly #backOff = new QuickLRU<string, number>({ maxSize: MAX_REMEMBERED });

  constructor(private readonly parts: Parts) {}

  /**
   * The launch with a token newer than the one in `seen`. `invalid_grant` and a changed patient end the
   * launch; an EHR that is down does not.
   */
  refresh(
    id: string,
    seen: LaunchRecord,
    registration: Registration,
    scope?: string,
  ): Promise<LaunchRecord | SmartError> {
    const missing = scope === undefined ? [] : new SmartScopes(seen.scope).missing(scope);
    if (missing.length) {
      return Promise.resolve(
        new SmartError('insufficient_scope', 'A refresh cannot ask for scopes that were not granted', {
          missing,
        }),
      );
    }
    // A later launch under the same session id has a flight of its own: it may be another patient's.
    const flightOf = `${id} ${seen.launchId}`;
    const running = this.#flights.get(flightOf);
    if (running) {
      // Who asks for fewer scopes waits for the flight, and then spends the token that it brought.
      return scope === undefined
        ? this.#patiently(id, running)
        : this.#patiently(id, running).then((record) =>
            record instanceof SmartError ? record : this.refresh(id, record, registration, scope),
          );
    }
    const flight = traced('smart.refresh', registration, () => this.#locked(id, seen, registration, scope))
      .then((result) => this.#reported(result, registration))
      .finally(() => this.#flights.delete(flightOf));
    this.#flights.set(flightOf, flight);
    return this.#patiently(id, flight);
  }

  /** Nobody waits longer than one call to the EHR may take; the flight goes on, and stores what it brings. */
  async #patiently(
    id: string,
    flight: Promise<LaunchRecord | SmartError>,
  ): Promise<LaunchRecord | SmartError> {
    const { httpTimeoutMs, storeTimeoutMs } = this.parts.options;
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<SmartError>((resolve) => {
      timer = setTimeout(() => {
        this.#backOff.set(id, Date.now() + BACK_OFF_MS);
        resolve(
          new SmartError('ehr_timeout', 'The refresh takes long; try again shortly', {
            retryAfterMs: BACK_OFF_MS,
          }),
        );
      }, httpTimeoutMs + storeTimeoutMs);
    });
    try {
      return await Promise.race([flight, tooLong]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Milliseconds for which asking again is no use, because the EHR failed a moment ago. */
  backOffMs(id: string): number {
    return Math.max(0, (this.#backOff.get(id) ?? 0) - Date.now());
  }

  async #locked(
    id: string,
    seen: LaunchRecord,
    registration: Registration,
    scope: string | undefined,
  ): Promise<LaunchRecord | SmartError> {
    const { launches } = this.parts;
    try {
      return await launches.exclusive(id, async () => {
        // Read again: another process may have refreshed while we waited for the lock.
        const record = await launches.read(id);
        // Under one session id a later launch may have taken its place; its token is for another patient.
        if (record?.launchId !== seen.launchId) {
          return new SmartError('session_expired', 'The session ended while its token was refreshed');
        }
        return record.accessToken === seen.accessToken
          ? this.#refresh(id, record, registration, scope)
          : record;
      });
    } catch (error) {
      if (error instanceof SmartError) return error;
      throw error;
    }
  }

  async #refresh(
    id: string,
    record: LaunchRecord,
    registration: Registration,
    scope: string | undefined,
  ): Promise<LaunchRecord | SmartError> {
    const { http, launches, options } = this.parts;
    if (!record.refreshToken) {
      return new SmartError('session_expired', 'The access token expired and the EHR gave no refresh token');
    }
    let received: JsonObject | undefined;
    const answer = await tokenRequest(
      http,
      registration,
      record.server,
      'refresh_token',
      {
        refresh_token: record.refreshToken,
        ...(scope !== undefined && { scope: serverScopes(scope, registration.switches) }),
        ...(registration.switches.refreshWithRedirectUri && { redirect_uri: registration.callbackUrl }),
      },
      {
        dpopKey: record.dpopKey,
        timeoutMs: LISTEN_FACTOR * options.httpTimeoutMs,
        received: (json) => (received = json),
      },
    );
    const response =
      answer instanceof SmartError ? answer : usable(answer, scope ?? record.scope, registration);
    if (response instanceof SmartError) {
      // An answer that cannot be used may still have rotated the refresh token; the old one is spent then.
      const rotated = received?.refresh_token;
      if (typeof rotated === 'string' && rotated !== '') {
        await launches.writeSurely(id, { ...record, refreshToken: rotated });
      }
      return this.#failed(id, response);
    }
    const changed = changedContext(record, response);
    if (changed) return this.#ended(id, changed, registration);
    const now = Date.now();
    const renewed: LaunchRecord = {
      ...record,
      accessToken: response.accessToken,
      issuedAt: now,
      expiresAt: response.expiresAt,
      refreshToken: response.refreshToken ?? record.refreshToken,
      scope: response.scope,
      seenAt: now,
    };
    if (response.idToken && record.identity) {
      // The new refresh token exists only here; the access token waits, since it may be somebody else's.
      await launches.writeSurely(id, { ...record, refreshToken: renewed.refreshToken });
      if (await this.#isOtherUser(record, response, registration))
        return this.#ended(id, 'user', registration);
    }
    await launches.writeSurely(id, renewed);
    this.#backOff.delete(id);
    return renewed;
  }

  async #ended(id: string, changed: string, { name }: Registration): Promise<SmartError> {
    await this.parts.launches.remove(id);
    this.parts.options.logger.error(
      `A refresh at ${name} answered with another ${changed}; the session was ended`,
    );
    return new SmartError(
      'patient_changed',
      `The EHR answered a refresh with another ${changed}; launch again`,
    );
  }

  #reported<T>(result: T | SmartError, { name: server }: Registration): T | SmartError {
    const { onEvent } = this.parts.options;
    if (result instanceof SmartError)
      onEvent({ type: 'failure', during: 'refresh', code: result.error, server });
    else onEvent({ type: 'refresh', server });
    return result;
  }

  async #failed(id: string, error: SmartError): Promise<SmartError> {
    if (error.oauthError !== 'invalid_grant') {
      this.#backOff.set(id, Date.now() + BACK_OFF_MS);
      return error;
    }
    await this.parts.launches.remove(id);
    return new SmartError(
      'session_expired',
      'The EHR ended the grant (invalid_grant); launch the app again',
      {
        oauthError: 'invalid_grant',
      },
    );
  }

  /** A refresh may bring an id_token; its user must be the one who launched (OIDC Core 12.2). */
  async #isOtherUser(
    record: LaunchRecord,
    response: TokenResponse,
    registration: Registration,
  ): Promise<boolean> {
    if (!response.idToken || !record.identity) return false;
    const { clockToleranceMs, logger } = this.parts.options;
    const claims = await this.parts.idTokens.verify(
      response.idToken,
      registration,
      { capabilities: [], ...record.server },
      {
        accessToken: response.accessToken,
        clockToleranceSeconds: clockToleranceMs / 1000,
      },
    );
    // The identity stays the one of the login; a refreshed id_token that cannot be verified says nothing.
    if (claims instanceof SmartError) {
      logger.warn(`A refresh at ${registration.name} brought an id_token that is ignored: ${claims.message}`);
      return false;
    }
    return claims.iss !== record.identity.iss || claims.sub !== record.identity.sub;
  }
}

function usable(
  answer: JsonObject,
  /** what holds where the answer does not say: the scopes that were asked for (RFC 6749 5.1) */
  requestedScope: string,
  { switches }: Registration,
): TokenResponse | SmartError {
  try {
    return readTokenResponse(answer, requestedScope, Date.now(), {
      references: switches.contextReferences,
      scopeNames: switches.scopeNames,
    });
  } catch (error) {
    return new SmartError(
      'invalid_token_response',
      `The refresh response is unusable: ${(error as Error).message}`,
    );
  }
}

/** A refresh may repeat the context; it must not change it (A9-6: wrong-patient data is the worst fault). */
function changedContext(record: LaunchRecord, response: TokenResponse): 'patient' | 'encounter' | undefined {
  const { patient, encounter } = response.context;
  if (patient !== null && patient !== record.context.patient) return 'patient';
  const isOtherEncounter =
    encounter !== null && record.context.encounter !== null && encounter !== record.context.encounter;
  return isOtherEncounter ? 'encounter' : undefined;
}
