import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import type { OperationOutcome } from 'fhir/r4.js';
import { SmartError, isSmartError, unwrap } from './smart-error.js';
import type { SmartErrorCode } from './smart-error.js';

// short: Node cuts what it quotes
const CANARY = 'c4n4ry-SplxlOBeZQQ';

const outcome: OperationOutcome = {
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code: 'forbidden', diagnostics: `Patient ${CANARY} is sealed` }],
};

/** What a real function threw. */
function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('SmartError', () => {
  it.each<[SmartErrorCode, number]>([
    ['invalid_launch_request', 400],
    ['unknown_issuer', 403],
    ['discovery_failed', 502],
    ['discovery_timeout', 504],
    ['invalid_state', 400],
    ['invalid_callback', 400],
    ['access_denied', 403],
    ['issuer_mismatch', 400],
    ['token_request_failed', 502],
    ['invalid_id_token', 502],
    ['no_session', 401],
    ['session_expired', 401],
    ['insufficient_scope', 403],
    ['missing_context', 403],
    ['store_unavailable', 503],
    ['invalid_configuration', 500],
  ])('maps %s to status %i', (code, status) => {
    const error = new SmartError(code, 'a message');

    expect({ status: error.status, statusCode: error.statusCode }).toEqual({ status, statusCode: status });
  });

  it('takes another status where the error was made with one', () => {
    const error = new SmartError('fhir_request_failed', 'The FHIR server refused', { status: 404 });

    expect([error.status, error.toJSON().statusCode]).toEqual([404, 404]);
  });

  it('is a real Error with its code, so that it can be thrown and told apart', () => {
    const error = new SmartError('no_session', 'There is no session');

    expect(error).toBeInstanceOf(Error);
    expect('error' in error && error.error).toBe('no_session');
    expect(String(error)).toBe('SmartError: There is no session');
  });

  it('is JSON of status, code, message and what is missing, and nothing else', () => {
    const error = new SmartError('insufficient_scope', 'Scopes are missing', {
      missing: ['patient/Observation.rs'],
      oauthError: 'insufficient_scope',
      errorUri: 'https://ehr.example.org/error',
      retryAfterMs: 1000,
      operationOutcome: outcome,
      cause: new Error(CANARY),
    });

    expect(JSON.parse(JSON.stringify(error))).toEqual({
      statusCode: 403,
      error: 'insufficient_scope',
      message: 'Scopes are missing',
      missing: ['patient/Observation.rs'],
    });
  });

  it('keeps what the authorization server said, and leaves out what it did not say', () => {
    const said = new SmartError('token_request_failed', 'refused', { oauthError: 'invalid_grant' });
    const silent = new SmartError('token_request_failed', 'refused', { oauthError: undefined });

    expect(said.oauthError).toBe('invalid_grant');
    expect(Object.keys(silent)).toEqual(['name', 'error', 'status']);
  });
});

describe('what an error gives away', () => {
  const libraryError = Object.assign(new Error(`unexpected response ${CANARY}`), {
    code: 'OAUTH_INVALID_RESPONSE',
    cause: { body: { access_token: CANARY, refresh_token: CANARY } },
    response: { headers: { authorization: `Bearer ${CANARY}` } },
  });

  it.each<[string, unknown]>([
    ['a library error with the token body in its cause', libraryError],
    ['a parser that quotes what it parsed', thrownBy(() => JSON.parse(CANARY) as unknown)],
    ['a Node error that quotes the wrong argument', thrownBy(() => Buffer.alloc(CANARY as never))],
    ['an error that wraps others', new AggregateError([libraryError], CANARY, { cause: libraryError })],
    ['an error whose stack repeats the message', new TypeError(`cannot read ${CANARY}`)],
    ['a thrown string', `token ${CANARY}`],
    ['thrown callback parameters, whose code is the secret', { code: CANARY, state: CANARY }],
    ['an error with a name made of input', Object.assign(new Error('x'), { name: `E ${CANARY}` })],
  ])('C-19 keeps a secret out of the cause: %s', (_, cause) => {
    const error = new SmartError('ehr_unavailable', 'The EHR did not answer', { cause });

    expect(error.cause).toBeInstanceOf(Error);
    expect(inspect(error, { depth: 9 })).not.toContain(CANARY);
    expect(JSON.stringify([error, error.cause, Object.entries(error)])).not.toContain(CANARY);
  });

  it('keeps the name and the code of what went wrong', () => {
    const { cause } = new SmartError('ehr_unavailable', 'No answer', { cause: libraryError });

    expect(cause).toMatchObject({ name: 'Error', code: 'OAUTH_INVALID_RESPONSE', message: '' });
  });

  it.each([
    ['ECONNREFUSED', 'connect ECONNREFUSED 192.0.2.1:443'],
    ['ENOTFOUND', 'getaddrinfo ENOTFOUND ehr.example.org'],
    ['UND_ERR_SOCKET', 'other side closed'],
    ['CERT_HAS_EXPIRED', 'certificate has expired'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate'],
  ])('keeps the message of the network fault %s, which helps and quotes nobody', (code, message) => {
    const { cause } = new SmartError('ehr_unavailable', 'No answer', {
      cause: Object.assign(new Error(message), { code, syscall: 'connect' }),
    });

    expect(cause).toMatchObject({ code, message });
    expect(cause).not.toHaveProperty('syscall');
  });

  it('has no cause when there is none, and keeps another SmartError as it is', () => {
    const inner = new SmartError('store_unavailable', 'The store did not answer');

    expect('cause' in new SmartError('no_session', 'None')).toBe(false);
    expect(new SmartError('ehr_unavailable', 'No answer', { cause: inner }).cause).toBe(inner);
  });

  it('C-19 shows the OperationOutcome to who asks for it, and to no logger', () => {
    const error = new SmartError('fhir_request_failed', 'The FHIR server refused', {
      operationOutcome: outcome,
    });

    expect(error.operationOutcome).toEqual(outcome);
    expect(inspect(error, { depth: 9 })).not.toContain(CANARY);
    expect(JSON.stringify([error, { ...error }])).not.toContain(CANARY);
  });
});

describe('unwrap and isSmartError', () => {
  const error = new SmartError('no_session', 'There is no session');

  it('gives the value, whatever it is', () => {
    expect([unwrap('value'), unwrap(null), unwrap(undefined), unwrap(0)]).toEqual([
      'value',
      null,
      undefined,
      0,
    ]);
  });

  it('throws the error itself', () => {
    expect(thrownBy(() => unwrap<string | SmartError>(error))).toBe(error);
  });

  it('knows its own from lookalikes', () => {
    expect([error, new Error('x'), { error: 'no_session' }, null].map(isSmartError)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});
