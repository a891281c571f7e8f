import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import type { OperationOutcome } from 'fhir/r4.js';
import { SmartError } from '../smart-error.js';
import { outcomeText } from './operation-outcome.js';

function textOf(...issue: unknown[]): string | undefined {
  const operationOutcome = { resourceType: 'OperationOutcome', issue } as OperationOutcome;
  return outcomeText(new SmartError('fhir_request_failed', 'refused', { operationOutcome }));
}

describe('what the server says of a refusal', () => {
  it.each<[string, unknown, string]>([
    ['the text', { details: { text: 'No\n such  patient' }, diagnostics: 'x' }, 'No such patient'],
    ['the display', { details: { coding: [{ display: 'Not found' }] } }, 'Not found'],
    ['the diagnostics', { details: {}, diagnostics: 'HAPI-1' }, 'HAPI-1'],
  ])('is %s', (_what, issue, expected) => {
    expect(textOf(issue)).toBe(expected);
  });

  it('is one line of all issues', () => {
    expect(textOf({ diagnostics: 'a' }, {}, { diagnostics: 'b' })).toBe('a; b');
    expect(textOf({ diagnostics: 'x'.repeat(5_000) })).toHaveLength(1_000);
  });

  it.each<[string, unknown[]]>([
    ['nothing', []],
    ['no issues', [null, 1, {}]],
    ['no texts', [{ details: { text: '', coding: [null] }, diagnostics: 1 }]],
  ])('is undefined where it says %s', (_what, issues) => {
    expect(textOf(...issues)).toBeUndefined();
  });

  it('is undefined of an error without OperationOutcome', () => {
    expect(outcomeText(new SmartError('ehr_timeout', 'late'))).toBeUndefined();
  });

  it('C-19 is nowhere else in the error', () => {
    const operationOutcome = { resourceType: 'OperationOutcome', issue: [{ diagnostics: 'canary' }] };
    const error = new SmartError('conflict', 'refused', { operationOutcome: operationOutcome as never });
    expect(inspect(error, { depth: 9 }) + JSON.stringify(error)).not.toContain('canary');
  });
});
