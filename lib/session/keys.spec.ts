import { describe, expect, it } from '@jest/globals';
import { INDEX_PREFIX, LAUNCH_PREFIX, PENDING_PREFIX, entryKey, randomId } from './keys.js';

describe('the key of a store entry', () => {
  it('C-20 does not give away the id it is made of', () => {
    const id = randomId();
    const key = entryKey(LAUNCH_PREFIX, id);
    expect(key).toMatch(/^smart:launch:[A-Za-z0-9_-]{43}$/);
    expect(key).not.toContain(id);
    expect(entryKey(LAUNCH_PREFIX, id)).toBe(key);
  });

  it('A6-2 of state and browser cannot be had with the two divided otherwise', () => {
    const keys = [
      ['state', 'browser'],
      ['stateb', 'rowser'],
      ['statebrowser', ''],
      ['', 'statebrowser'],
      ['browser', 'state'],
      ['5:state', 'browser'],
    ].map((parts) => entryKey(PENDING_PREFIX, ...parts));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('C-20 of one kind is never that of another', () => {
    const keys = [PENDING_PREFIX, LAUNCH_PREFIX, INDEX_PREFIX].map((prefix) => entryKey(prefix, 'id'));
    expect(new Set(keys).size).toBe(3);
  });
});

describe('a random id', () => {
  it('C-7 has 256 bits in text that a cookie can carry', () => {
    const ids = new Set(Array.from({ length: 1_000 }, randomId));
    expect(ids.size).toBe(1_000);
    expect([...ids].filter((id) => !/^[A-Za-z0-9_-]{43}$/.test(id))).toEqual([]);
  });
});
