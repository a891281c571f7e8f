import { describe, expect, it } from '@jest/globals';

import { FhirError } from './fhir-error.js';
import { applyJsonPatch } from './json-patch.js';

describe('applyJsonPatch', () => {
  it.each([
    ['adds a member', { a: 1 }, [{ op: 'add', path: '/b', value: 2 }], { a: 1, b: 2 }],
    ['inserts into an array', { a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] }],
    ['appends with -', { a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] }],
    [
      'removes',
      { a: [1, 2], b: 1 },
      [
        { op: 'remove', path: '/a/0' },
        { op: 'remove', path: '/b' },
      ],
      { a: [2] },
    ],
    ['replaces', { a: [1, 2] }, [{ op: 'replace', path: '/a/1', value: 3 }], { a: [1, 3] }],
    ['moves', { a: { b: 1 } }, [{ op: 'move', from: '/a/b', path: '/c' }], { a: {}, c: 1 }],
    ['copies', { a: [1] }, [{ op: 'copy', from: '/a', path: '/b' }], { a: [1], b: [1] }],
    ['unescapes ~0 and ~1', { 'm/n~': 1 }, [{ op: 'replace', path: '/m~1n~0', value: 2 }], { 'm/n~': 2 }],
    ['passes a test', { a: { b: [1] } }, [{ op: 'test', path: '/a', value: { b: [1] } }], { a: { b: [1] } }],
  ])('%s', (_what, document, patch, expected) => {
    const before = structuredClone(document);
    expect(applyJsonPatch(document, patch)).toEqual(expected);
    expect(document).toEqual(before);
  });

  it.each([
    [400, {}, /array of operations/],
    [400, [1], /operation 0 is not an object/],
    [400, [{ op: 'merge', path: '/a' }], /unknown op "merge"/],
    [400, [{ op: 'add', path: '/b' }], /value is missing/],
    [400, [{ op: 'move', path: '/b' }], /from is missing/],
    [400, [{ op: 'add', path: 'b', value: 1 }], /not a JSON Pointer/],
    [400, [{ op: 'add', path: '/__proto__/polluted', value: 1 }], /not an element/],
    [422, [{ op: 'test', path: '/a', value: 2 }], /test failed at \/a/],
    [422, [{ op: 'remove', path: '/b' }], /nothing at \/b/],
    [422, [{ op: 'replace', path: '/b', value: 1 }], /nothing at \/b/],
    [422, [{ op: 'add', path: '/list/2', value: 1 }], /nothing at \/list\/2/],
    [422, [{ op: 'add', path: '/list/01', value: 1 }], /nothing at/],
    [422, [{ op: 'move', from: '/o', path: '/o/p' }], /into itself/],
  ])('answers %i to %j', (status, patch, message) => {
    const attempt = () => applyJsonPatch({ a: 1, list: [0], o: {} }, patch);
    expect(attempt).toThrow(FhirError);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(expect.objectContaining({ status }));
  });
});
