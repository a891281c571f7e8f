import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { authorizationCode, readCallback } from './callback-parameters.js';
import type { CallbackParameters } from './callback-parameters.js';
import { SmartError } from './smart-error.js';

const query = (text: string) => new URLSearchParams(text);

function refusal(result: unknown): [string, number] | undefined {
  return result instanceof SmartError ? [result.error, result.status] : undefined;
}

describe('readCallback', () => {
  it.each<[string, CallbackParameters]>([
    ['missing', query('code=c')],
    ['empty', query('code=c&state=')],
    ['repeated', query('code=c&state=a&state=b')],
    ['repeated with one value', query('code=c&state=a&state=a')],
    ['in brackets', query('code=c&state[]=a')],
    ['a list', { code: 'c', state: ['a', 'b'] }],
    ['a list of one', { code: 'c', state: ['a'] }],
    ['an object', { code: 'c', state: { toString: () => 'a' } }],
    ['null', { code: 'c', state: null }],
    ['a number', { code: 'c', state: 1 }],
    ['inherited, not sent', Object.create({ code: 'c', state: 'a' }) as Record<string, unknown>],
  ])('A6-1 C-27 refuses a state that is %s', (_, parameters) => {
    expect(refusal(readCallback(parameters))).toEqual(['invalid_state', 400]);
  });

  it.each(['error=access_denied', 'code=a&code=b', 'access_token=t&code=c'])(
    'A6-1 looks at the state before anything else: %s',
    (text) => {
      expect(refusal(readCallback(query(text)))).toEqual(['invalid_state', 400]);
    },
  );

  it.each<[string, CallbackParameters]>([
    ['code repeated', query('state=s&code=a&code=b')],
    ['code empty', query('state=s&code=')],
    ['code a list of one', { state: 's', code: ['a'] }],
    ['error repeated', query('state=s&error=a&error=b')],
    ['iss repeated', query('state=s&code=c&iss=https://a&iss=https://b')],
  ])('A6-7 refuses %s', (_, parameters) => {
    expect(refusal(readCallback(parameters))).toEqual(['invalid_callback', 400]);
  });

  it('A6-7 ignores parameters it does not know', () => {
    const parameters = query('code=c&state=s&session_state=x.y&scope=launch&vendor=1&vendor=2&__proto__=z');

    expect(readCallback(parameters)).toEqual({ state: 's', code: 'c' });
  });

  it.each(['access_token', 'id_token', 'token'])('B-30 refuses a callback that carries %s', (name) => {
    expect(refusal(readCallback(query(`code=c&state=s&${name}=attacker`)))).toEqual([
      'invalid_callback',
      400,
    ]);
    expect(refusal(readCallback({ code: 'c', state: 's', [name]: ['attacker'] }))).toEqual([
      'invalid_callback',
      400,
    ]);
  });

  it('B-30 does not repeat the token it refuses', () => {
    const error = readCallback(query('code=c0de&state=st4te&access_token=t0ken'));

    expect(inspect(error, { depth: 9 })).not.toMatch(/c0de|st4te|t0ken/);
  });

  it('reads the same response from a query and from an object', () => {
    const expected = { state: 's', code: 'c', iss: 'https://as.example.org' };

    expect(readCallback(query('state=s&code=c&iss=https%3A%2F%2Fas.example.org'))).toEqual(expected);
    expect(readCallback({ ...expected })).toEqual(expected);
  });

  it('E-EPIC-5 takes a code of any length', () => {
    const code = `${'eyJhbGciOiJSUzI1NiJ9'.repeat(400)}.payload.signature`;

    expect(readCallback(query(`state=s&code=${code}`))).toEqual({ state: 's', code });
  });

  it.each([
    ['https://ehr.example.org/errors/empty-scopes', true],
    ['javascript:alert(1)', false],
    ['http://ehr.example.org/errors', false],
    ['https://ehr.example.org/ <script>', false],
    [`https://ehr.example.org/${'a'.repeat(600)}`, false],
  ])('E-ORA-1 keeps error_uri only as a plain https link: %s', (uri, isKept) => {
    const response = readCallback(new URLSearchParams({ state: 's', error: 'server_error', error_uri: uri }));

    expect(response).toEqual({ state: 's', error: 'server_error', ...(isKept && { errorUri: uri }) });
  });
});

describe('authorizationCode', () => {
  const issuer = 'https://as.example.org';
  const supported = { issuer, authorization_response_iss_parameter_supported: true };

  it('gives the code of a response without iss, and of one with the right iss', () => {
    expect(authorizationCode({ state: 's', code: 'c' }, { issuer })).toBe('c');
    expect(authorizationCode({ state: 's', code: 'c', iss: issuer }, supported)).toBe('c');
  });

  it.each([
    ['another server', 'https://evil.example'],
    ['a slash more', `${issuer}/`],
    ['other letter case', 'https://AS.example.org'],
    ['the same with its port', `${issuer}:443`],
  ])('C-2 refuses a response whose iss is %s', (_, iss) => {
    const result = authorizationCode({ state: 's', code: 'c', iss }, { issuer });

    expect(refusal(result)).toEqual(['issuer_mismatch', 400]);
  });

  it('C-2 refuses a response that names a server where the launch knows of none', () => {
    expect(refusal(authorizationCode({ state: 's', code: 'c', iss: issuer }, {}))).toEqual([
      'issuer_mismatch',
      400,
    ]);
  });

  it('C-2 refuses a response without iss from a server that always sends one', () => {
    expect(refusal(authorizationCode({ state: 's', code: 'c' }, supported))).toEqual([
      'issuer_mismatch',
      400,
    ]);
  });

  it.each(['access_denied', 'invalid_request'])(
    'E-ORA-8 says what to do where another user is signed in: %s',
    (error) => {
      const urn = encodeURIComponent(
        'urn:cerner:error:authorization-server:smart-v1:grant:launch:mismatched-identity',
      );
      const errorUri = `https://authorization.cerner.com/errors/${urn}/instances/1?client=unknown&tenant=2`;

      const result = authorizationCode({ state: 's', error, errorUri }, {});

      expect(result).toMatchObject({
        errorUri,
        message: expect.stringContaining('another user is signed in'),
      });
      const other = authorizationCode({ state: 's', error, errorUri: 'https://a/errors/identity' }, {});
      expect((other as SmartError).message).not.toContain('another user');
    },
  );

  it('C-2 checks iss of error responses, too', () => {
    const response = { state: 's', error: 'access_denied', iss: 'https://evil.example' };

    expect(refusal(authorizationCode(response, { issuer }))).toEqual(['issuer_mismatch', 400]);
  });

  it.each([
    ['access_denied', 'access_denied', 403],
    ['server_error', 'authorization_failed', 502],
    ['invalid_scope', 'authorization_failed', 502],
    ['urn:example:vendor#fault', 'authorization_failed', 502],
  ])('A6-5 answers the error %s with %s', (error, code, status) => {
    const result = authorizationCode({ state: 's', error }, { issuer });

    expect(result).toMatchObject({ error: code, status, oauthError: error });
  });

  it('A6-5 takes the error for an error even when a code comes with it', () => {
    const result = authorizationCode({ state: 's', code: 'c', error: 'access_denied' }, { issuer });

    expect(refusal(result)).toEqual(['access_denied', 403]);
  });

  it.each(['<script>alert(1)</script> x', 'line\nbreak', 'x'.repeat(101), 'café'])(
    'A6-5 does not repeat an error that is not one of RFC 6749: %j',
    (error) => {
      const result = authorizationCode({ state: 's', error }, { issuer });

      expect(result).toMatchObject({ error: 'authorization_failed', oauthError: 'invalid_error' });
      expect(inspect(result, { depth: 9 })).not.toContain(error);
    },
  );

  it('E-ORA-1 hands the error_uri on', () => {
    const errorUri = 'https://ehr.example.org/errors/empty-scopes';

    expect(authorizationCode({ state: 's', error: 'invalid_scope', errorUri }, { issuer })).toMatchObject({
      errorUri,
    });
  });

  it('refuses a response with neither a code nor an error', () => {
    expect(refusal(authorizationCode({ state: 's' }, { issuer }))).toEqual(['invalid_callback', 400]);
  });
});
