import { expect } from '@jest/globals';
import { decodeJwt } from 'jose';
import type { Answer, Json, Seen } from '../../ehr/exchange.js';
import { oauthError } from '../../ehr/exchange.js';
import { ACCEPTED, refused } from '../../ehr/fault.js';
import type { Expectation, Fault, Misbehaviour } from '../../ehr/fault.js';
import type { Tenant } from '../../ehr/tenant.js';

/** within the last minute of a token that lives five */
export const DUE = 270_000;
export const EXPIRED = 310_000;

export const REFRESHED: Expectation = { ...ACCEPTED, calls: { token: 2, fhir: 1 } };
export const GRANT_OVER: Expectation = {
  at: 'data',
  status: 401,
  error: 'session_expired',
  calls: { token: 2, fhir: 0 },
  session: false,
};
export const NOT_AUTHORIZED = refused('authorization_failed', 502, { token: 0 });

export const isRefresh = ({ form }: Seen) => form.get('grant_type') === 'refresh_token';
export const shows = (part: Json): Expectation => ({ ...ACCEPTED, shows: expect.objectContaining(part) });
export const LAUNCH = ['/api/launch'];

/** What servers of SMART 1 do not say on the callback. */
export const noIssuer: Misbehaviour['callback'] = ({ iss: _left, ...parameters }) => parameters;

/** Grants only what this takes. */
export function takesScopes(isTaken: (scope: string) => boolean): Pick<Fault, 'instead'> {
  return {
    instead: {
      authorize: (_ehr, { query }) => {
        if (query.get('scope')!.split(' ').every(isTaken)) return undefined;
        const answer = new URLSearchParams({ error: 'invalid_scope', state: query.get('state')! });
        return {
          status: 302,
          headers: { location: `${query.get('redirect_uri')}?${answer.toString()}` },
        };
      },
    },
  };
}

export function isNotV1(scope: string): boolean {
  return !/\.(read|write|\*)$/.test(scope);
}

export function isNotV2(scope: string): boolean {
  return !/\.c?r?u?d?s?$/.test(scope);
}

/** As Epic is: an `exp` within five minutes, and a `jti` that is new. */
export function strictAboutAssertions(ehr: Tenant, { form }: Seen): Answer | undefined {
  const { aud, exp, iat, jti } = decodeJwt(form.get('client_assertion')!);
  const lifetime = exp! - iat!;
  const isGood = aud === `${ehr.url}/token` && lifetime >= 60 && lifetime <= 240;
  return isGood && ehr.tick(`jti ${jti}`) === 1 ? undefined : oauthError('invalid_client', 401);
}
