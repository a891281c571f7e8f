import { describe, expect, it } from '@jest/globals';
import { ownUrl, requiredText } from './check-configuration-values.js';

const CALLBACK = 'client.callbackUrl';

describe('ownUrl', () => {
  it.each(['https://app.example.com/fhir/callback', 'https://app.example.com/cb?tenant=1'])(
    'A1-1 takes %s',
    (url) => {
      expect(ownUrl(CALLBACK, url, false)).toEqual([]);
    },
  );

  it.each<[unknown, RegExp]>([
    ['http://app/cb', /must use https/],
    ['http://localhost/cb', /must use https/],
    ['/cb', /not an absolute URL/],
    ['app.example.com/cb', /not an absolute URL/],
    ['', /is missing/],
    [undefined, /is missing/],
    [5, /is missing/],
    ['https://a/cb#x', /fragment/],
    ['https://a/cb#', /fragment/],
    ['https://*.example.com/cb', /wildcard/],
    ['https://a/*', /wildcard/],
    ['https://user@a/cb', /credentials/],
    ['https://:secret@a/cb', /credentials/],
    ['javascript:alert(1)', /must use https/],
    ['myapp://callback', /must use https/],
  ])('A1-1 refuses %j', (url, mistake) => {
    expect(ownUrl(CALLBACK, url, false)).toEqual([expect.stringMatching(mistake)]);
  });

  it.each([
    'http://localhost:3000/cb',
    'http://127.0.0.1/cb',
    'http://[::1]:8080/cb',
    'https://app.example/cb',
  ])('A1-1 takes %s in development', (url) => {
    expect(ownUrl(CALLBACK, url, true)).toEqual([]);
  });

  it.each([
    'http://app.example.com/cb',
    'http://localhost.evil/cb',
    'http://10.0.0.1/cb',
    'ftp://localhost/cb',
  ])('A1-1 refuses %s in development, too', (url) => {
    expect(ownUrl(CALLBACK, url, true)).toEqual([expect.stringMatching(/http only for localhost/)]);
  });

  it('names the option and every mistake of it', () => {
    expect(ownUrl(CALLBACK, 'http://u:p@*.example/#x', false)).toEqual(
      ['must use https', 'fragment', 'wildcard', 'credentials'].map((text) =>
        expect.stringMatching(new RegExp(`^client\\.callbackUrl .*${text}`)),
      ),
    );
  });

  it('lets the page after the launch have a fragment, which no EHR registers', () => {
    expect(ownUrl('client.redirectUrl', 'https://app.example.com/#/chart', false)).toEqual([]);
  });
});

describe('requiredText', () => {
  it.each([5, [], ['launch']])('refuses %j, which is not one string', (value) => {
    expect(requiredText('client.scope', value, 'scopes')).toEqual([
      'client.scope must be one string: scopes',
    ]);
  });

  it.each(['', '   ', undefined, null])('refuses %j with the fix', (value) => {
    expect(requiredText('client.scope', value, 'scopes')).toEqual(['client.scope is missing: give scopes']);
  });

  it('takes text', () => {
    expect(requiredText('client.scope', 'launch', 'scopes')).toEqual([]);
  });
});
