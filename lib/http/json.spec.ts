import { describe, expect, it } from '@jest/globals';
import { isJsonObject, parseJsonObject } from './json.js';

describe('parseJsonObject', () => {
  it('reads an object, from bytes and from text', () => {
    expect(parseJsonObject(Buffer.from('{"name":"Adán"}'))).toEqual({ name: 'Adán' });
    expect(parseJsonObject('{"a":{"b":[1,null,"x"]}}')).toEqual({ a: { b: [1, null, 'x'] } });
  });

  it.each(['', 'null', '[]', '[{"a":1}]', '"text"', '5', 'true', '{"a":', '<html></html>', "{'a':1}"])(
    'A2-12 takes nothing else for an object: %s',
    (text) => {
      expect(parseJsonObject(text)).toBeUndefined();
    },
  );

  it.each([
    '{"__proto__":{"isAdmin":true},"a":1}',
    '{"nested":{"list":[{"__proto__":{"isAdmin":true}}]},"a":1}',
    '{"constructor":{"prototype":{"isAdmin":true}},"a":1}',
    '{"\\u005f_proto__":{"isAdmin":true},"a":1}',
  ])('C-27 drops what could reach a prototype: %s', (text) => {
    const parsed = parseJsonObject(text);

    expect(parsed).toMatchObject({ a: 1 });
    expect(JSON.stringify(parsed)).not.toContain('isAdmin');
    expect(JSON.stringify(Object.assign({}, parsed))).not.toContain('isAdmin');
    expect('isAdmin' in {}).toBe(false);
  });

  it('A7-15 keeps members of extensions', () => {
    expect(parseJsonObject('{"__x":1,"https://ehr.example.org/x":{"y":2}}')).toEqual({
      __x: 1,
      'https://ehr.example.org/x': { y: 2 },
    });
  });

  it('C-17 survives nesting that would exhaust the stack', () => {
    const bomb = `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;

    expect(parseJsonObject(bomb)).toBeUndefined();
  });
});

describe('isJsonObject', () => {
  it.each([
    [{}, true],
    [{ a: 1 }, true],
    [[], false],
    [null, false],
    ['text', false],
    [undefined, false],
  ])('%j → %s', (value, expected) => {
    expect(isJsonObject(value)).toBe(expected);
  });
});
