import QuickLRU from 'quick-lru';
import type { Registration } from './ehr/registrations.js';
import type { HttpClient } from './http/http-client.js';
import type { LaunchRecord } from './session/launch-record.js';
import type { LaunchStore } from './session/launch-store.js';
import type { ResolvedOptions } from './smart-client-options.js';
import { SmartScopes } from './scope/scope.js';
import { SmartError } from './smart-error.js';
import type { IdTokenVerifier } from './token/id-token.js';
import { tokenRequest } from './token/token-endpoint.js';
import { readTokenResponse } from './token/token-response.js';
import type { TokenResponse } from './token/token-response.js';

const BACK_OFF_MS = 5_000;
const MAX_REMEMBERED = 10_000;

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
    const running = this.#flights.get(id);
    if (running) {
      // Who asks for fewer scopes waits for the flight, and then spends the token that it brought.
      return scope === undefined
        ? running
        : running.then((record) =>
            record instanceof SmartError ? record : this.refresh(id, record, registration, scope),
          );
    }
    const flight = this.#locked(id, seen, registration, scope)
      .then((result) => this.#reported(result, registration))
      .finally(() => this.#flights.delete(id));
    this.#flights.set(id, flight);
    return flight;
  }

  /** Whether the EHR failed so recently that asking again now is no use. */
  isBackingOff(id: string): boolean {
    return (this.#backOff.get(id) ?? 0) > Date.now();
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
        if (!record)
          return new SmartError('session_expired', 'The session ended while its token was refreshed');
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
    const answer = await tokenRequest(http, registration, record.server, 'refresh_token', {
      refresh_token: record.refreshToken,
      ...(scope !== undefined && { scope }),
      ...(registration.switches.refreshWithRedirectUri && { redirect_uri: registration.callbackUrl }),
    });
    if (answer instanceof SmartError) return this.#failed(id, answer);
    let response: TokenResponse;
    try {
      response = readTokenResponse(answer, record.scope, Date.now(), {
        references: registration.switches.contextReferences,
      });
    } catch (error) {
      const reason = (error as Error).message;
      return this.#failed(
        id,
        new SmartError('invalid_token_response', `The refresh response is unusable: ${reason}`),
      );
    }
    const changed = await this.#whatChanged(record, response, registration);
    if (changed) {
      await launches.remove(id);
      options.logger.error(
        `A refresh at ${registration.name} answered with another ${changed}; the session was ended`,
      );
      return new SmartError(
        'patient_changed',
        `The EHR answered a refresh with another ${changed}; launch again`,
      );
    }
    const renewed: LaunchRecord = {
      ...record,
      accessToken: response.accessToken,
      expiresAt: response.expiresAt,
      refreshToken: response.refreshToken ?? record.refreshToken,
      scope: response.scope,
      seenAt: Date.now(),
    };
    await launches.writeSurely(id, renewed);
    this.#backOff.delete(id);
    return renewed;
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

  /** A refresh may repeat context and identity; it must not change them (A9-6, OIDC Core 12.2). */
  async #whatChanged(
    record: LaunchRecord,
    response: TokenResponse,
    registration: Registration,
  ): Promise<'patient' | 'encounter' | 'user' | undefined> {
    const { patient, encounter } = response.context;
    if (patient !== null && patient !== record.context.patient) return 'patient';
    if (encounter !== null && record.context.encounter !== null && encounter !== record.context.encounter) {
      return 'encounter';
    }
    if (!response.idToken || !record.identity) return undefined;
    const { clockToleranceMs, logger } = this.parts.options;
    const claims = await this.parts.idTokens.verify(
      response.idToken,
      registration,
      { capabilities: [], ...record.server },
      { accessToken: response.accessToken, clockToleranceSeconds: clockToleranceMs / 1000 },
    );
    if (claims instanceof SmartError) {
      // The identity stays the one of the login; a refreshed id_token that cannot be verified says nothing.
      logger.warn(`A refresh at ${registration.name} brought an id_token that is ignored: ${claims.message}`);
      return undefined;
    }
    return claims.iss === record.identity.iss && claims.sub === record.identity.sub ? undefined : 'user';
  }
}
