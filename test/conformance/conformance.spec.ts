import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import {
  faultsOf,
  FINISHED,
  idsInSource,
  idsInTitle,
  readAreas,
  testsOf,
  withResults,
} from './conformance.mjs';

const root = new URL('../../', import.meta.url);
const areas = readAreas();
const rows = areas.flatMap((area) => area.rows);

/** Where titles are written: specs, and what they take their cases from. Examples in this folder are none. */
function sources(): string[] {
  const paths = ['lib', 'sample', 'test'].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' }).map(
      (path) => `${folder}/${path}`,
    ),
  );
  return paths.filter(
    (path) =>
      (path.endsWith('.spec.ts') || /^test\/.*\.ts$/.test(path)) &&
      !/^test\/conformance\/|\/dist\//.test(path),
  );
}

describe('the checklist', () => {
  it('has each row once, in its area, with a level and few words', () => {
    const ids = rows.map(({ id }) => id);
    const strange = areas.flatMap(({ area, rows: own }) =>
      own.filter(
        ({ id, level, asks }) =>
          !id.startsWith(`${area}-`) ||
          !['MUST', 'MUST NOT', 'SHOULD', 'MAY', 'INFO'].includes(level) ||
          asks.length > 100,
      ),
    );

    expect(strange).toEqual([]);
    // JSON.parse takes the last of two members with one name
    const written = readdirSync(new URL('rows/', import.meta.url)).flatMap(
      (file) =>
        readFileSync(new URL(`rows/${file}`, import.meta.url), 'utf8').match(/"[A-G]\d*-[^"]+":/g) ?? [],
    );
    expect(written).toHaveLength(new Set(written).size);
    expect(ids).toHaveLength(written.length);
    expect(FINISHED.filter((name) => !areas.some(({ area }) => area === name))).toEqual([]);
  });

  it('has a row for every id that a title names', () => {
    const known = new Set(rows.map(({ id }) => id));
    const unknown = sources().flatMap((path) =>
      idsInSource(readFileSync(new URL(path, root), 'utf8'))
        .filter((id) => !known.has(id))
        .map((id) => `${path}: ${id}`),
    );

    expect(unknown).toEqual([]);
  });

  it('is what docs/conformance.md shows', () => {
    const shown =
      readFileSync(new URL('docs/conformance.md', root), 'utf8').match(/^\| [A-G]\d*-.*$/gm) ?? [];

    expect(shown.map((line) => line.split(' | ').slice(0, 3).join(' | '))).toEqual(
      rows.map(({ id, asks, level }) => `| ${id} | ${asks} | ${level}`),
    );
  });
});

describe('ids', () => {
  it('stand at the start of a title, or after the colon of one made of two parts', () => {
    // In one list: as titles of this file they would count as tests of those rows.
    const titles: [string, string[]][] = [
      ['A9-4 A9-9 refreshes before expiry', ['A9-4', 'A9-9']],
      ['E-MISC-1 is an error', ['E-MISC-1']],
      ['A3-1: refuses', ['A3-1']],
      ['is refused: B-2 another iss', ['B-2']],
      ['reads what A3-1 is about', []],
      ['B-2slash', []],
      ['RS384 A1-1', []],
    ];
    expect(titles.map(([title]) => idsInTitle(title))).toEqual(titles.map(([, ids]) => ids));
  });

  it('are found in the source, in tables too', () => {
    const source = ["it('A3-1 x', …", "['B-2 another iss', {}]", '`C-1 ${x}`', "'is refused: B-3 y'"].join(
      '\n',
    );
    expect(idsInSource(source)).toEqual(['A3-1', 'B-2', 'C-1', 'B-3']);
  });
});

describe('what makes the run fail', () => {
  const area = (finished: boolean, level = 'MUST') => [
    { area: 'A2', title: '', isFinished: finished, rows: [{ id: 'A2-1', level, asks: 'asks' }] },
  ];
  const faults = (given: ReturnType<typeof area>, title: string, status: string, output = '') => {
    const tests = testsOf(
      { testResults: [{ name: '/r/a.spec.ts', assertionResults: [{ title, status }] }] },
      '/r/',
    );
    return faultsOf(withResults(given, tests), tests, output);
  };

  it.each([
    ['a MUST without a test', 'something else', 'passed', 'A2-1 (MUST): asks: no test'],
    ['a MUST whose test was skipped', 'A2-1 x', 'pending', 'A2-1 (MUST): asks: no test'],
    ['a MUST whose test failed', 'A2-1 x', 'failed', 'A2-1 (MUST): asks: failed'],
  ])('%s', (_, title, status, fault) => {
    expect(faults(area(true), title, status)).toEqual([fault]);
  });

  it('an id that is no row', () => {
    expect(faults(area(false), 'A2-1 A2-99 x', 'passed')).toEqual([
      'a.spec.ts: "A2-1 A2-99 x" names A2-99, which is no row',
    ]);
  });

  it('a canary in the output, which is not repeated', () => {
    const canary = ['canary', 'secret'].join('-');
    expect(faults(area(true), 'A2-1 x', 'passed', `fine\ntoken ${canary}`)).toEqual([
      'line 2 of the output has a canary',
    ]);
  });

  it('nothing else: a SHOULD, an area that is not finished, a row that is proven', () => {
    expect([
      faults(area(true, 'SHOULD'), 'x', 'passed'),
      faults(area(false), 'A2-1 x', 'failed'),
      faults(area(true), 'A2-1 x', 'passed'),
    ]).toEqual([[], [], []]);
  });
});
