import * as oidc from 'openid-client';
import { SmartError } from '../smart-error.js';
import type { HttpClient } from '../http/http-client.js';
import { HttpFailure } from '../http/http-failure.js';
import { parseJsonObject } from '../http/json.js';
import type { JsonObject } from '../http/json.js';
import { readLaunchContext } from '../ehr/launch-context.js';
import type { LaunchContext } from '../ehr/launch-context.js';
import type { Registration } from '../ehr/registrations.js';
import { smartScopes } from '../ehr/scope-names.js';
import { openidConfiguration } from './token-endpoint.js';
import type { AuthorizationServer } from './token-endpoint.js';

/** What the EHR says of a token (SMART 2.2 "Token Introspection", RFC 7662 2.2). */
export type Introspection =
  | { active: false }
  | {
      active: true;
      /** granted scopes, space-separated, by the names SMART has for them */
      scope: string;
      clientId: string | null;
      /** epoch milliseconds; null where the server does not say */
      expiresAt: number | null;
      /** the launch context that goes with the token */
      context: LaunchContext;
      iss: string | null;
      sub: string | null;
      fhirUser: string | null;
    };

/** members about the token itself (RFC 7662 2.2, RFC 9449 6.2), and its user: they are no launch context */
const ABOUT_THE_TOKEN = new Set([
  'active',
  'scope',
  'client_id',
  'username',
  'token_type',
  'exp',
  'iat',
  'nbf',
  'sub',
  'aud',
  'iss',
  'jti',
  'cnf',
  'fhirUser',
]);

const INACTIVE: Introspection = { active: false };

/**
 * Asks the EHR whether a token is good. An endpoint that refuses or fails is an error, never an inactive token:
 * it says nothing of the token (RFC 7662 4).
 */
export async function introspectToken(
  http: HttpClient,
  registration: Registration,
  server: AuthorizationServer & { introspection_endpoint?: string },
  token: string,
): Promise<Introspection | SmartError> {
  if (!server.introspection_endpoint) {
    return new SmartError('invalid_request', `${registration.name} has no introspection endpoint`);
  }
  let status = 0;
  let answered: JsonObject | undefined;
  const configuration = openidConfiguration(http, registration, server, async (answer) => {
    status = answer.status;
    answered = status === 200 ? parseJsonObject(answer.body) : undefined;
    // openid-client is satisfied with less than we read
    return Response.json({ active: answered?.active === true });
  });
  try {
    await oidc.tokenIntrospection(configuration, token, { token_type_hint: 'access_token' });
  } catch (error) {
    const failure = [error, (error as Error).cause].find((cause) => cause instanceof HttpFailure);
    const code = failure?.kind === 'timeout' ? 'ehr_timeout' : 'ehr_unavailable';
    return new SmartError(
      code,
      `The introspection endpoint did not answer: ${failure?.message ?? 'no answer'}`,
      {
        cause: failure,
      },
    );
  }
  if (answered) return readIntrospection(answered, registration);
  return new SmartError('token_request_failed', `The introspection endpoint refused: status ${status}`, {
    cause: { name: 'HttpError', code: `HTTP_${status}` },
  });
}

/** Of a token that is not active, nothing else is read. */
function readIntrospection(
  answer: JsonObject,
  { switches }: Pick<Registration, 'switches'>,
): Introspection | SmartError {
  if (answer.active !== true) return INACTIVE;
  const members = Object.entries(answer).filter(([name]) => !ABOUT_THE_TOKEN.has(name));
  try {
    return {
      active: true,
      scope: smartScopes(text(answer.scope) ?? '', switches),
      clientId: text(answer.client_id),
      expiresAt: typeof answer.exp === 'number' ? answer.exp * 1000 : null,
      context: readLaunchContext(Object.fromEntries(members), { references: switches.contextReferences }),
      iss: text(answer.iss),
      sub: text(answer.sub),
      fhirUser: text(answer.fhirUser),
    };
  } catch (error) {
    return new SmartError(
      'invalid_token_response',
      `The introspection is unusable: ${(error as Error).message}`,
    );
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
