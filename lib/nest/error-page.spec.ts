import { describe, expect, it } from '@jest/globals';
import { SmartError } from '../smart-error.js';
import type { SmartErrorCode } from '../smart-error.js';
import { errorPage } from './error-page.js';
import { PAGE_TEXTS } from './error-page-texts.js';
import { escapeHtml } from './page.js';

describe('errorPage', () => {
  it('C-28 says what happened, with the code and the reference, and loads nothing', () => {
    const page = errorPage(new SmartError('access_denied', 'The user refused'), 'c0ffee');

    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain('<p>Access was refused, by you or by the EHR. Open the app again from the EHR.');
    expect(page).toContain('Code: <code>access_denied</code>, reference: <code>c0ffee</code>');
    expect(page).not.toMatch(/<script|<style|<link|<img|\son\w+=|src=|href=/);
  });

  it('C-28 escapes what may come from outside', () => {
    const attack = `</p><script>alert('x')</script><img src="x" onerror=alert(1)>&amp;`;

    const page = errorPage(new SmartError('unknown_issuer', attack), attack, { ownWindow: attack });

    expect(page).not.toMatch(/<script|<img|alert\('|"x"/);
    expect(page.match(/&#60;script&#62;alert\(&#39;x&#39;\)/g)).toHaveLength(2);
    expect(page).toContain('&#38;amp;');
  });

  it('C-28 shows nothing else of the error', () => {
    const error = new SmartError('authorization_failed', 'c4n4ry: set an option of the module', {
      oauthError: 'c4n4ry',
      errorUri: 'https://c4n4ry.example/',
      missing: ['c4n4ry'],
      cause: new Error('c4n4ry'),
      operationOutcome: { resourceType: 'OperationOutcome', issue: [] },
    });

    expect(errorPage(error, 'id')).not.toMatch(/c4n4ry|OperationOutcome/);
  });
});

describe('what the page says', () => {
  const codes = Object.keys(PAGE_TEXTS) as SmartErrorCode[];

  it.each(codes)('C-28 of %s is for people, and says what to do', (code) => {
    const page = errorPage(new SmartError(code, 'add it to knownFhirServers'), 'id');

    const [, text] = /<p>(.*?)<\/p>/.exec(page)!;
    expect(text).not.toMatch(/knownFhirServers|options\.|[a-z][A-Z]|_|\(RFC|token|issuer|scope/);
    expect(text).toMatch(/Open the app again|[Tt]ry again|[Tt]ell your IT department|Load the page again/);
    expect(page).toContain(`<code>${code}</code>`);
  });

  it('C-10 C-28 of a launch whose cookie did not come back names the cookie, and leads to a window', () => {
    const error = new SmartError('invalid_state', 'for developers');
    const details = { lacksCookie: true, ownWindow: 'https://app.example.com/' };

    expect(errorPage(error, 'id', details)).toMatch(
      /The browser did not send the cookie[^]*<a href="https:\/\/app.example.com\/" target="_blank"/,
    );
    expect(errorPage(error, 'id')).not.toMatch(/cookie|<a /);
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
