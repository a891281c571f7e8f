import type { Answer, Json } from '../ehr/exchange.js';
import { oauthError } from '../ehr/exchange.js';
import { ACCEPTED, refused } from '../ehr/fault.js';
import type { Expectation, Fault } from '../ehr/fault.js';
import type { Tenant } from '../ehr/tenant.js';

const REFUSED = refused('token_request_failed', 502, { token: 1 });

const says = (part: string) => refused('token_request_failed', 502, { token: 1 }, part);

/** Answers of the token endpoint that are no token response. */
export const TOKEN_REFUSAL_FAULTS: Fault[] = [...rows(), ...redirects()];

type Row = [id: string, name: string, answer: (good: Answer, ehr: Tenant) => Answer, expect?: Expectation];

function rows(): Fault[] {
  const outcome = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'expired' }] };
  const given: Row[] = [
    [
      'E-MISC-1',
      '200 with an error',
      () => ({ status: 200, body: { error: 'invalid_grant' } }),
      says('invalid_grant'),
    ],
    ['E-MISC-1', '200 with an error that is no text', () => ({ status: 200, body: { error: { code: 1 } } })],
    [
      'E-MISC-1 C-19',
      '200 with a secret for an error',
      (_good, ehr) => ({ status: 200, body: { error: ehr.secret('error') } }),
    ],
    ['C-19', '400 with the code for an error', (_good, ehr) => oauthError([...ehr.secrets][0]!.slice(0, 90))],
    ['A6-5 C-28', '400 with a script for an error', () => oauthError('<script>alert(1)</script>')],
    [
      'C-19',
      '400 with secrets in description and uri',
      (_good, ehr) => ({
        status: 400,
        body: {
          error: 'invalid_request',
          error_description: ehr.secret('text'),
          error_uri: `https://x.example/${ehr.secret('uri')}`,
        },
      }),
    ],
    [
      'E-EPIC-6',
      '400 with error_description null',
      () => ({ status: 400, body: { error: 'invalid_client', error_description: null } }),
      says('invalid_client'),
    ],
    [
      'E-ORA-1',
      '400 with error_uri alone',
      () => ({ status: 400, body: { error_uri: 'urn:cerner:error:x' } }),
      says('status 400'),
    ],
    [
      'E-MISC-2',
      '502 of a gateway, as HTML',
      (_good, ehr) => ({
        status: 502,
        headers: { 'content-type': 'text/html' },
        body: `<html>${ehr.secret('html')}</html>`,
      }),
      says('status 502'),
    ],
    ['E-MISC-2', '500 with an empty body', () => ({ status: 500, body: '' }), says('status 500')],
    [
      'E-MISC-2',
      '400 as XML',
      () => ({ status: 400, headers: { 'content-type': 'application/xml' }, body: '<error/>' }),
      says('status 400'),
    ],
    [
      'E-MISC-2',
      '403 as text',
      () => ({ status: 403, headers: { 'content-type': 'text/plain' }, body: 'Forbidden' }),
      says('status 403'),
    ],
    [
      'E-MISC-2',
      '400 as JSON called text',
      () => ({ status: 400, headers: { 'content-type': 'text/plain' }, body: '{"error":"invalid_scope"}' }),
      says('invalid_scope'),
    ],
    [
      'E-MISC-2',
      'tokens called text/html',
      ({ body }) => ({ status: 200, headers: { 'content-type': 'text/html' }, body }),
      ACCEPTED,
    ],
    [
      'E-MISC-2',
      'tokens without a content type',
      ({ body }) => ({ status: 200, body: JSON.stringify(body) }),
      ACCEPTED,
    ],
    ['E-MISC-2', 'tokens with status 201', ({ body }) => ({ status: 201, body })],
    ['E-MISC-2', 'tokens with status 400', ({ body }) => ({ status: 400, body })],
    ['E-MISC-2', 'tokens with status 500', ({ body }) => ({ status: 500, body })],
    [
      'E-MISC-3',
      '401 with WWW-Authenticate and a JSON error',
      () => ({
        status: 401,
        headers: { 'www-authenticate': 'Basic realm="x"' },
        body: { error: 'invalid_client' },
      }),
      says('invalid_client'),
    ],
    [
      'E-MISC-3',
      '401 with a DPoP challenge',
      () => ({
        status: 401,
        headers: { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'x' },
        body: { error: 'use_dpop_nonce' },
      }),
    ],
    [
      'E-MISC-3',
      '401 with WWW-Authenticate alone',
      (_good, ehr) => ({
        status: 401,
        headers: { 'www-authenticate': `Bearer realm="${ehr.secret('realm')}", error="invalid_token"` },
      }),
      says('status 401'),
    ],
    [
      'D-b E-ORA-7',
      '401 with an OperationOutcome',
      () => ({ status: 401, body: outcome }),
      says('status 401'),
    ],
    ['D-b', '200 with an OperationOutcome', () => ({ status: 200, body: outcome })],
    ['A7-4', 'a list of tokens', ({ body }) => ({ status: 200, body: [body] })],
    ['A7-4', 'null', () => ({ status: 200, body: 'null' })],
    ['A7-4', 'half a JSON', ({ body }) => ({ status: 200, body: JSON.stringify(body).slice(0, -2) })],
    [
      'A7-4',
      'a form, as GitHub does',
      ({ body }) => ({ status: 200, body: `access_token=${String((body as Json).access_token)}` }),
    ],
    [
      'C-17',
      'cookies and tokens',
      ({ body }) => ({ status: 200, headers: { 'set-cookie': 'a=1' }, body }),
      ACCEPTED,
    ],
    ['A7-4', '204', () => ({ status: 204 })],
    [
      'A7-4',
      '429',
      () => ({ status: 429, headers: { 'retry-after': '1' }, body: 'slow down' }),
      says('status 429'),
    ],
  ];
  return given.map(([id, name, token, expect = REFUSED]) => ({
    id,
    name: `the token endpoint answers ${name}`,
    answer: { token },
    expect,
  }));
}

function redirects(): Fault[] {
  return [301, 302, 303, 307, 308].map((status) => ({
    id: 'A7-3 C-16',
    name: `the token endpoint redirects with ${status} to another server`,
    answer: { token: (_good, { evil }) => ({ status, headers: { location: `${evil.url}/token` } }) },
    expect: says(`status ${status}`),
  }));
}
