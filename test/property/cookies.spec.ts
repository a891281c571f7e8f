import { describe, expect } from '@jest/globals';
import fc from 'fast-check';
import { SessionCookies } from '../../lib/nest/session-cookies.js';
import { anyText, wellFormed } from './hostile-text.js';
import { holds } from './holds.js';

const NAMES = [
  '__Host-smart-session',
  '__Host-smart-session-launch',
  'smart-session',
  '__proto__',
  'constructor',
];
const ID = /^[A-Za-z0-9_-]{43}$/;
const id = fc.string({ unit: fc.constantFrom(...'abcXYZ019_-'), minLength: 43, maxLength: 43 });

/** `name=value` pairs that are nearly right, joined in ways that are nearly right. */
const header = fc.oneof(
  anyText(...NAMES, '=', ';', ',', '"'),
  fc
    .array(fc.tuple(fc.constantFrom(...NAMES), fc.oneof(id, anyText('a'.repeat(43), '=', ';'))), {
      maxLength: 6,
    })
    .chain((pairs) =>
      fc
        .constantFrom('; ', ';', ', ', ' ')
        .map((separator) => pairs.map(([name, value]) => `${name}=${value}`).join(separator)),
    ),
);

describe('a Cookie header', () => {
  const cookies = [true, false].map(
    (secure) => new SessionCookies({ name: 'smart-session', secure, embedded: false }),
  );

  holds('A6-2 C-27 gives ids of 43 characters or none, whatever is in it', header, (cookie) => {
    for (const reader of cookies) {
      for (const value of Object.values(reader.read({ headers: { cookie } }))) {
        if (value !== null) expect(value).toMatch(ID);
      }
    }
  });

  holds(
    'A6-2 gives each id under its own name, among other cookies',
    fc.tuple(id, id, fc.array(fc.tuple(fc.stringMatching(/^[a-z]{1,9}$/), anyText().map(encodeSafely)))),
    ([session, launch, others]) => {
      const pairs = [...others, ['__Host-smart-session', session], ['__Host-smart-session-launch', launch]];
      const cookie = pairs.map(([name, value]) => `${name}=${value}`).join('; ');
      expect(cookies[0]?.read({ headers: { cookie } })).toEqual({ sessionId: session, browserId: launch });
      expect(cookies[1]?.read({ headers: { cookie } })).toEqual({ sessionId: null, browserId: null });
    },
  );
});

function encodeSafely(text: string): string {
  return encodeURIComponent(wellFormed(text));
}
