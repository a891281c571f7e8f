import { describe, expect } from '@jest/globals';
import fc from 'fast-check';
import { authorizationCode, readCallback } from '../../lib/callback-parameters.js';
import type { CallbackParameters } from '../../lib/callback-parameters.js';
import { SmartError } from '../../lib/smart-error.js';
import { anyText, wellFormed } from './hostile-text.js';
import { holds } from './holds.js';

const NAMES = ['state', 'code', 'error', 'error_uri', 'error_description', 'iss', 'access_token', 'id_token'];
const name = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('state', 'code') },
  { weight: 3, arbitrary: fc.constantFrom(...NAMES, '__proto__', 'constructor', 'state[]', 'state[a]') },
  anyText(),
);
const text = anyText('a', 'access_denied', 'https://ehr.example/why');
const SERVER = { issuer: 'https://ehr.example/oidc' };
const iss = fc.constantFrom(SERVER.issuer, `${SERVER.issuer}/`, 'https://evil.example', '');

/** What the answer says may come from us, and from the EHR only in the alphabet of an OAuth code. */
function expectQuiet(error: SmartError, given: string[]): void {
  for (const value of given.filter(({ length }) => length > 12)) expect(error.message).not.toContain(value);
  expect(error.oauthError ?? '').toMatch(/^[\x21-\x7e]{0,100}$/);
  expect(error.errorUri ?? 'https://').toMatch(/^https:\/\/[\x21-\x7e]*$/);
}

function check(parameters: CallbackParameters, all: (name: string) => unknown[], given: string[]): void {
  const response = readCallback(parameters);
  if (response instanceof SmartError) return expectQuiet(response, given);
  expect(all('state')).toEqual([response.state]);
  expect(response.state).not.toBe('');
  for (const once of ['code', 'error', 'iss'] as const) {
    expect(all(once)).toEqual(response[once] === undefined ? [] : [response[once]]);
  }
  for (const foreign of ['access_token', 'id_token', 'token']) expect(all(foreign)).toEqual([]);
  const code = authorizationCode(response, SERVER);
  if (code instanceof SmartError) return expectQuiet(code, given);
  expect([code]).toEqual(all('code'));
  expect(all('error')).toEqual([]);
  expect([[], [SERVER.issuer]]).toContainEqual(all('iss'));
}

describe('a callback', () => {
  const pairs = fc.array(fc.oneof(fc.tuple(name, text), fc.tuple(fc.constant('iss'), iss)), { maxLength: 8 });

  holds('A6-1 A6-7 B-25 B-30 with any query has one state and one code, or an error', pairs, (given) => {
    const query = new URLSearchParams(
      given.map(([key, value]): [string, string] => [wellFormed(key), wellFormed(value)]),
    );
    check(
      query,
      (key) => query.getAll(key),
      given.map(([, value]) => value),
    );
  });

  holds('A6-1 with a query of any text has one state and one code, or an error', text, (given) => {
    const query = new URLSearchParams(`state=s&code=c&${given}`);
    check(query, (key) => query.getAll(key), []);
  });

  holds(
    'A6-1 C-27 read by any framework has text for a state, or an error',
    fc.array(fc.tuple(name, fc.oneof({ weight: 2, arbitrary: text }, fc.jsonValue())), { maxLength: 8 }),
    (given) => {
      const parsed = JSON.parse(
        `{${given.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`,
      ) as Record<string, unknown>;
      const own = (key: string) => (Object.hasOwn(parsed, key) ? [parsed[key]] : []);
      const strings = given.map(([, value]) => value).filter((value) => typeof value === 'string');
      // null is how some frameworks say that there is none
      check(parsed, (key) => own(key).filter((value) => value !== null), strings);
    },
  );
});
