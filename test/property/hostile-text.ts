import fc from 'fast-check';

/** Characters that URL parsers, proxies and regular expressions disagree about. */
const NASTY = [
  ...[
    '@',
    ':',
    '/',
    '//',
    '\\',
    '.',
    '..',
    '%',
    '#',
    '?',
    '&',
    ';',
    '=',
    '[',
    ']',
    '|',
    '^',
    '"',
    "'",
    '<',
    '`',
  ],
  ...['\t', '\n', '\r', '\0', ' ', '\u00a0', '\u200b', '\u00ad', '\ufeff', '\u2028', '\u202e'],
  ...['%2e', '%2E%2e', '%2f', '%5c', '%40', '%23', '%3f', '%00', '%0d%0a', '%', '%zz', '%c0%af', '+'],
  ...[
    '\uff0f',
    '\uff0e',
    '\u3002',
    '\uff61',
    '\u2044',
    '\u2100',
    '\uff20',
    '\uff1a',
    '\u212a',
    '\u0131',
    '\u00df',
  ],
  ...[
    'evil.example',
    '.evil.example',
    '@evil.example',
    ':443',
    ':80',
    ':8443',
    ':0',
    '/../',
    '/./',
    '/.%2e/',
  ],
  ...[
    'https:',
    'http:',
    'HTTPS://',
    'javascript:',
    'file:///',
    'user:password@',
    '127.0.0.1',
    '0x7f.1',
    '[::1]',
  ],
  ...['\ud800', 'é', 'e\u0301', 'ａ', '﹒'],
];

type Mutation = (text: string, at: number, nasty: string) => string;

const MUTATIONS: Mutation[] = [
  (text, at, nasty) => text.slice(0, at) + nasty + text.slice(at),
  (text, at, nasty) => text.slice(0, at) + nasty + text.slice(at + 1),
  (text, at) => text.slice(0, at) + text.slice(at + 1),
  (text, at) => text.slice(0, at) + text.charAt(at) + text.slice(at),
  (text, at) => text.slice(0, at) + text.charAt(at).toUpperCase() + text.slice(at + 1),
  (text, at) => text.slice(0, at) + escaped(text.charAt(at)) + text.slice(at + 1),
  (text, _at, nasty) => text + nasty,
  (text, _at, nasty) => nasty + text,
  (text) => text.replaceAll('/', '\\'),
  (text) => text.replace('://', ':'),
  (text) => text.replace('://', ':///'),
  (text) => text.replace(/\/$|$/, '/'),
  (text) => text.toUpperCase(),
  (text) => text.replace(/:\/\/([^/]*)/, '://$1@evil.example'),
  (text) => text.replace(/:\/\/([^/]*)/, '://evil.example\\@$1'),
  (text) => text.replace(/:\/\/([^/]*)/, '://$1.'),
  (text) => `${text}/../${text.slice(text.lastIndexOf('/') + 1)}`,
];

function escaped(character: string): string {
  return character && `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** One of the texts, changed in up to four places the way an attacker would. */
export function mutated(...texts: [string, ...string[]]): fc.Arbitrary<string> {
  const step = fc.tuple(fc.constantFrom(...MUTATIONS), fc.double({ min: 0, max: 1, noNaN: true }), nasty());
  return fc
    .tuple(fc.constantFrom(...texts), fc.array(step, { maxLength: 4 }))
    .map(([text, steps]) =>
      steps.reduce(
        (changed, [mutate, place, piece]) => mutate(changed, Math.floor(place * (changed.length + 1)), piece),
        text,
      ),
    );
}

/** Text made of nasty pieces, of words, or of anything at all. */
export function anyText(...words: string[]): fc.Arbitrary<string> {
  const piece = words.length ? fc.oneof(nasty(), fc.constantFrom(...words)) : nasty();
  return fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({ maxLength: 60 }),
    fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
  );
}

function nasty(): fc.Arbitrary<string> {
  return fc.constantFrom(...NASTY);
}

/** As a URL has it: what stands alone of a pair of surrogates is replaced. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}
