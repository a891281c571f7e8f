import { describe, expect } from '@jest/globals';
import fc from 'fast-check';
import { returnUrl } from '../../lib/return-path.js';
import { anyText } from './hostile-text.js';
import { holds } from './holds.js';

const APP = 'https://app.example.com/start';
const paths = fc.oneof(
  anyText('/', '/patients/1?tab=vitals', '//evil.example', '/\\evil.example', 'https:evil.example'),
  anyText('/').map((text) => `/${text}`),
);

describe('a path to return to', () => {
  holds('C-5 A6-6 leads to the app or nowhere, for every parser of URLs', paths, (path) => {
    const url = returnUrl(path, APP);
    if (url === undefined) return;

    expect(url.startsWith('https://app.example.com/')).toBe(true);
    expect(url).toMatch(/^[\x21-\x7e]+$/);
    expect(url).not.toContain('\\');
    // also where only the path is kept, and resolved by somebody else
    const { pathname, search, hash } = new URL(url);
    expect(new URL(`${pathname}${search}${hash}`, APP).origin).toBe('https://app.example.com');
  });
});
