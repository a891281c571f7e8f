import { describe, expect, it } from '@jest/globals';
import { readTokenResponse } from './token-response.js';

const RECEIVED = Date.UTC(2026, 0, 1);
const GRANTED = { access_token: 'access-1', token_type: 'Bearer', scope: 'openid' };

function read(members: Record<string, unknown>) {
  return readTokenResponse({ ...GRANTED, ...members }, 'openid patient/*.rs', RECEIVED);
}

describe('the access token', () => {
  it.each(['opaque', 'eyJhbGciOiJub25lIn0.e30.', 'a/b+c=~', 'x'.repeat(20_000)])(
    'E-EPIC-5 is taken as it is, whatever it looks like: %.30s',
    (access_token) => {
      expect(read({ access_token }).accessToken).toBe(access_token);
    },
  );

  it.each([[undefined], [null], [''], [7], [{}], ['a b'], ['a\r\nX-Evil: 1'], ['tök']])(
    'A7-4 is refused when it is not a token: %j',
    (access_token) => {
      expect(() => read({ access_token })).toThrow('access_token is missing or not a token');
    },
  );
});

describe('the lifetime', () => {
  it.each<[unknown, number]>([
    [3600, 3600],
    ['3600', 3600],
    [' 570 ', 570],
    [0.5, 0.5],
    [undefined, 300],
    [null, 300],
    [0, 300],
    [-1, 300],
    ['-1', 300],
    ['abc', 300],
    ['', 300],
    ['1e9', 300],
    [Number.NaN, 300],
    [Number.POSITIVE_INFINITY, 300],
    [{}, 300],
    [true, 300],
    [1e300, 366 * 24 * 3600],
  ])('A7-5 of expires_in %j is %d s from receipt', (expires_in, seconds) => {
    expect(read({ expires_in }).expiresAt).toBe(RECEIVED + seconds * 1000);
  });
});

describe('the scope', () => {
  it.each<[string, unknown, string, boolean]>([
    ['missing: the requested one, and flagged', undefined, 'openid patient/*.rs', true],
    ['null: the requested one, and flagged', null, 'openid patient/*.rs', true],
    ['empty: nothing was granted', '', '', false],
    ['fewer than requested', 'openid', 'openid', false],
    ['more than requested', 'openid user/*.cruds', 'openid user/*.cruds', false],
  ])('A7-6 %s', (_what, scope, granted, assumed) => {
    expect(read({ scope })).toMatchObject({ scope: granted, scopeAssumed: assumed });
  });

  it.each([[7], [['openid']], [{}]])('A7-6 that is no string is refused: %j', (scope) => {
    expect(() => read({ scope })).toThrow('scope is not a string');
  });
});

describe('what else the response holds', () => {
  it.each([[undefined], [''], [7], [null], [{}]])('E-EPIC-3 no refresh_token is no fault: %j', (value) => {
    const response = read({ refresh_token: value, id_token: value });
    expect(response).not.toHaveProperty('refreshToken');
    expect(response).not.toHaveProperty('idToken');
  });

  it('keeps the tokens apart from the context', () => {
    const response = read({ refresh_token: 'refresh-1', id_token: 'id-1', patient: 'p1', vendor: 1 });
    expect(response).toMatchObject({ refreshToken: 'refresh-1', idToken: 'id-1' });
    expect(response.context).toMatchObject({ patient: 'p1', extra: { vendor: 1 } });
    expect(JSON.stringify(response.context)).not.toMatch(/access-1|refresh-1|id-1/);
  });

  it.each(['../Binary/1', 'a/b', '.', '..', 'x'.repeat(65), 'a?b', 'a#b', 'a%2Fb', {}, 7, ['p1']])(
    'A7-8 C-19 refuses a patient that is not a FHIR id, without repeating it: %j',
    (patient) => {
      expect(() => read({ patient })).toThrow(/^patient is not a FHIR id$/);
    },
  );
});
