import { describe, expect, it } from '@jest/globals';
import { returnUrl } from './return-path.js';

const APP = 'https://app.example.com:8443/start?x=1';

describe('a path to return to', () => {
  it.each([
    ['/', '/'],
    ['/patients/1?tab=vitals&q=a%20b#top', '/patients/1?tab=vitals&q=a%20b#top'],
    ['/a/../b', '/b'],
    ['/?next=https://other.example', '/?next=https://other.example'],
    ['/@evil.example', '/@evil.example'],
  ])('A6-6 leads to the app: %s', (path, expected) => {
    expect(returnUrl(path, APP)).toBe(`https://app.example.com:8443${expected}`);
  });

  it.each([
    '',
    'patients/1',
    'https://evil.example/',
    'https:evil.example',
    'https:/evil.example',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\/evil.example',
    '/a\\b',
    '/%2fevil.example',
    '/%5Cevil.example',
    '/.//evil.example',
    '/a/..//evil.example',
    '/%0d%0aLocation:%20https://evil.example',
    '/a\r\nb',
    '/\t/evil.example',
    ' //evil.example',
    '/a b',
    '/\u202e',
    '/ä',
    'javascript:alert(1)',
    'data:text/html,x',
    '@evil.example',
    '?x',
    '#x',
    `/${'a'.repeat(2_000)}`,
  ])('C-5 is refused where it could lead elsewhere: %j', (path) => {
    expect(returnUrl(path, APP)).toBeUndefined();
  });
});
