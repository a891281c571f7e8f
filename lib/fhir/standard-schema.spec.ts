import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { validated, validatedNow } from './standard-schema.js';
import type { StandardSchema } from './standard-schema.js';

const PATIENT = z.object({
  id: z.string(),
  name: z.array(z.object({ family: z.string().regex(/^[a-z]+$/) })),
});
const ASYNCHRONOUS = z.string().refine(async (text) => text === 'right');

describe.each([
  ['validated', validated],
  ['validatedNow', validatedNow],
])('%s', (_name, validate) => {
  it('answers what the schema makes of the value', async () => {
    expect(await validate(z.string().transform(Number), '7', 'The answer')).toBe(7);
    const value = { id: '1', name: [{ family: 'doe' }], more: 'dropped by zod' };
    expect(await validate(PATIENT, value, 'The answer')).toEqual({ id: '1', name: [{ family: 'doe' }] });
  });

  it('C-19 names the paths that do not fit, not what is there', async () => {
    const value = { id: 7, name: [{ family: 'doe' }, { family: 'CANARY' }] };
    const refused = await validate(PATIENT, value, 'The answer');
    expect(refused).toMatchObject({
      error: 'schema_mismatch',
      status: 502,
      message: 'The answer does not match the schema at id, name.1.family',
    });
    expect(inspect(refused, { depth: 9 })).not.toContain('CANARY');
  });

  it('names the root where the value is something else altogether', async () => {
    expect(await validate(PATIENT, undefined, 'The claim')).toMatchObject({
      message: 'The claim does not match the schema at (root)',
    });
  });

  it('names five paths at most', async () => {
    const { message } = (await validate(z.array(z.string()), [1, 2, 3, 4, 5, 6], 'The answer')) as Error;
    expect(message).toMatch(/at 0, 1, 2, 3, 4$/);
  });

  it('C-19 is an error where the schema throws, which does not quote what it was given', async () => {
    const validateJson = (value: unknown) => ({ value: JSON.parse(value as string) as unknown });
    const schema: StandardSchema = {
      '~standard': { version: 1, vendor: 'test', validate: validateJson },
    };
    const refused = await validate(schema, 'CANARY', 'The answer');
    expect(refused).toMatchObject({
      error: 'schema_mismatch',
      message: 'The answer could not be validated: the schema threw',
    });
    expect(inspect(refused, { depth: 9 })).not.toContain('CANARY');
  });

  it('C-19 writes one line, whatever the server calls its members', async () => {
    const value = { 'a\n[Nest] ERROR CANARY': 'x', [`long${'x'.repeat(200)}`]: 'x', _id: 'x' };
    expect(await validate(z.record(z.string(), z.number()), value, 'The answer')).toMatchObject({
      message: 'The answer does not match the schema at ?, ?, _id',
    });
  });

  it('reads paths that are written as objects', async () => {
    const schema: StandardSchema<string> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => ({ issues: [{ message: 'CANARY', path: [{ key: 'name' }, 0, Symbol('s')] }] }),
      },
    };
    expect(await validate(schema, {}, 'The answer')).toMatchObject({
      message: 'The answer does not match the schema at name.0.Symbol(s)',
    });
  });
});

describe('a schema that validates asynchronously', () => {
  it('is waited for where there is time', async () => {
    expect(await validated(ASYNCHRONOUS, 'right', 'The answer')).toBe('right');
    expect(await validated(ASYNCHRONOUS, 'wrong', 'The answer')).toMatchObject({ error: 'schema_mismatch' });
  });

  it('is an error where there is none', () => {
    const schema: StandardSchema<string> = {
      '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(new Error('late')) },
    };
    // a promise of another realm or library
    const thenable: StandardSchema<string> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => ({ then: () => undefined }) as unknown as Promise<never>,
      },
    };
    for (const asynchronous of [ASYNCHRONOUS, schema, thenable]) {
      expect(validatedNow(asynchronous, 'right', 'The claim')).toMatchObject({
        error: 'schema_mismatch',
        message: expect.stringContaining('asynchronously'),
      });
    }
  });
});
