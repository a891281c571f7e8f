import { describe, expect, it } from '@jest/globals';
import { SmartError } from '../smart-error.js';
import { errorPage } from './error-page.js';
import { escapeHtml } from './page.js';

describe('errorPage', () => {
  it('C-28 says what happened, with the code and the reference, and loads nothing', () => {
    const page = errorPage(new SmartError('access_denied', 'The user refused'), 'c0ffee');

    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain('<p>The user refused</p>');
    expect(page).toContain('Code: <code>access_denied</code>, reference: <code>c0ffee</code>');
    expect(page).not.toMatch(/<script|<style|<link|<img|\son\w+=|src=|href=/);
  });

  it('C-28 escapes what may come from outside', () => {
    const attack = `</p><script>alert('x')</script><img src="x" onerror=alert(1)>&amp;`;

    const page = errorPage(new SmartError('unknown_issuer', attack), attack);

    expect(page).not.toMatch(/<script|<img|alert\('|"x"/);
    expect(page.match(/&#60;script&#62;alert\(&#39;x&#39;\)/g)).toHaveLength(2);
    expect(page).toContain('&#38;amp;');
  });

  it('C-28 shows nothing else of the error', () => {
    const error = new SmartError('authorization_failed', 'The EHR could not authorize the launch', {
      oauthError: 'c4n4ry',
      errorUri: 'https://c4n4ry.example/',
      missing: ['c4n4ry'],
      cause: new Error('c4n4ry'),
      operationOutcome: { resourceType: 'OperationOutcome', issue: [] },
    });

    expect(errorPage(error, 'id')).not.toMatch(/c4n4ry|OperationOutcome/);
  });
});

describe('escapeHtml', () => {
  it.each([
    ['&', '&#38;'],
    ['<', '&#60;'],
    ['>', '&#62;'],
    ['"', '&#34;'],
    ["'", '&#39;'],
    ['<<', '&#60;&#60;'],
    ['Adán: 5', 'Adán: 5'],
  ])('C-28 writes %s as %s', (text, expected) => {
    expect(escapeHtml(text)).toBe(expected);
  });
});
