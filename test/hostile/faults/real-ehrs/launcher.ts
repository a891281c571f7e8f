import type { Answer } from '../../ehr/exchange.js';
import { oauthError } from '../../ehr/exchange.js';
import { refused } from '../../ehr/fault.js';
import type { Fault } from '../../ehr/fault.js';
import { EXPIRED, GRANT_OVER, NOT_AUTHORIZED, isRefresh } from './shared.js';

export function launcher(): Fault[] {
  const id = 'E-LCH-4';
  const text = (body: string): Answer => ({ status: 401, headers: { 'content-type': 'text/plain' }, body });
  const authorize = ['invalid_client', 'invalid_request', 'invalid_scope'].map((error): Fault => ({
    id,
    name: `authorize: ${error}`,
    callback: ({ state }) => ({ error, error_description: `Simulated ${error} error`, state: state! }),
    expect: NOT_AUTHORIZED,
  }));
  const token = (name: string, error: string, profile: Fault['profile'] = 'basic'): Fault => ({
    id,
    name,
    profile,
    instead: { token: () => ({ status: 401, body: { error, error_description: `Simulated ${name}` } }) },
    expect: refused('token_request_failed', 502, { token: 1 }, error),
  });
  const request = (name: string, body: string): Fault => ({
    id,
    name,
    instead: { fhir: () => text(body) },
    expect: { ...GRANT_OVER, calls: { token: 2, fhir: 2 } },
  });
  return [
    ...authorize,
    token('auth_invalid_client_secret', 'invalid_client'),
    token('token_invalid_token', 'invalid_client'),
    token('token_invalid_scope', 'invalid_scope'),
    token('token_invalid_jti', 'invalid_client', 'asymmetric'),
    token('token_expired_registration_token', 'invalid_client', 'asymmetric'),
    {
      id,
      name: 'token_expired_refresh_token',
      instead: {
        token: (_ehr, seen) => (isRefresh(seen) ? oauthError('invalid_grant', 403) : undefined),
      },
      later: EXPIRED,
      expect: GRANT_OVER,
    },
    request('request_invalid_token', 'Invalid token'),
    request('request_expired_token', 'Token expired'),
  ];
}
