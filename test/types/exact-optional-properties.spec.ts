import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { typeErrors } from '../docs/type-check.js';

const file = 'test/types/exact-optional-properties.ts';
const exact = { exactOptionalPropertyTypes: true };

it('takes what is missing in a resource, in an app with exactOptionalPropertyTypes', () => {
  const code = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
  expect(typeErrors([{ file, line: 1, code }], exact)).toEqual([]);
}, 60_000);

it('is checked with the option on', () => {
  const code = 'export const options: { signal?: AbortSignal } = { signal: undefined };';
  expect(typeErrors([{ file: 'a.ts', line: 1, code }])).toEqual([]);
  expect(typeErrors([{ file: 'a.ts', line: 1, code }], exact)).toEqual([
    expect.stringContaining('exactOptionalPropertyTypes'),
  ]);
}, 60_000);
