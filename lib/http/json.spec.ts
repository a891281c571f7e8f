import { describe, expect, it } from '@jest/globals';
import { isJsonObject, parseJson, parseJsonObject } from './json.js';

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

describe('parseJson', () => {
  const nested = (depth: number, open: string, inside: string, close: string) =>
    Buffer.from(open.repeat(depth) + inside + close.repeat(depth));

  it.each<[string, string, string, string]>([
    ['lists', '[', '', ']'],
    ['objects', '{"a":', '1', '}'],
    ['both', '[{"a":', '1', '}]'],
  ])('C-17 takes what is as deep as FHIR may be, and nothing deeper: %s', (_what, open, inside, close) => {
    const levels = (open.match(/[[{]/g) ?? []).length;
    expect(parseJson(nested(100 / levels, open, inside, close))).toBeDefined();
    expect(parseJson(nested(100 / levels + 1, open, inside, close))).toBeUndefined();
    expect(parseJson(nested(1_000_000, open, inside, close))).toBeUndefined();
  });

  it('takes brackets in text for text', () => {
    expect(parseJson(Buffer.from(`["${'['.repeat(2_000_000)}"]`))).toHaveLength(1);
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
