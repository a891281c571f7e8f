import { describe, expect, it } from '@jest/globals';
import { unknownOptions } from './unknown-options.js';

describe('unknownOptions', () => {
  const known = ['clientId', 'scope'];

  it('says nothing about options that are known, given or not', () => {
    expect(unknownOptions('client', { clientId: 'a' }, known)).toEqual([]);
  });

  it.each(['clientID', 'client_id', 'CLIENT-ID'])('G-7 knows what %s was meant to be', (name) => {
    expect(unknownOptions('client', { [name]: 'a' }, known)).toEqual([
      `client.${name} is not an option: write clientId`,
    ]);
  });

  it('G-7 lists every unknown option with those there are', () => {
    expect(unknownOptions('client', { color: 1, size: 2, scope: 's' }, known)).toEqual([
      'client.color is not an option: there are clientId, scope',
      'client.size is not an option: there are clientId, scope',
    ]);
  });
});
