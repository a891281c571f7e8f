import { readdirSync, readFileSync } from 'node:fs';

/** Areas that are finished: there every MUST has a test that passes, or the run fails. */
export const FINISHED = [
  'A1',
  'A2',
  'A3',
  'A4',
  'A5',
  'A6',
  'A7',
  'A8',
  'A9',
  'A10',
  'A11',
  'A12',
  'A13',
  'A14',
  'A15',
  'A16',
  'A17',
  'B',
  'C',
  'E',
  'F',
  'G',
];

const ID = '[A-G]\\d{0,2}-(?:[A-Z]{2,5}-)?\\d+';
const IDS_IN_TITLE = new RegExp(`(?:^|: )((?:${ID}[:,]? )+)`, 'g');
const IDS_IN_SOURCE = new RegExp(`(?:['"\`]|: )((?:${ID}[:,]? )+)`, 'g');

/** Prefix of every secret planted by `test/canary`: no test run prints it. */
const CANARY = /canary-\w{4,}/;

/** The checklist, in our own words: `[level, what it asks, why it is left out]` by id. */
export function readAreas() {
  const folder = new URL('rows/', import.meta.url);
  const files = readdirSync(folder).sort();
  return files.flatMap((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8'))).map(toArea);
}

function toArea({ area, title, rows }) {
  const isFinished = FINISHED.includes(area);
  return {
    area,
    title,
    isFinished,
    rows: Object.entries(rows).map(([id, [level, asks, reason]]) => ({ id, level, asks, reason })),
  };
}

/** Ids of rows at the start of a test's title, or after the colon of a title made of two parts. */
export function idsInTitle(title) {
  return idsIn(title, IDS_IN_TITLE);
}

/** Ids where a spec's source has a title, also in tables whose entries become titles. */
export function idsInSource(source) {
  return idsIn(source, IDS_IN_SOURCE);
}

function idsIn(text, pattern) {
  const runs = [...text.matchAll(pattern)].map(([run]) => run);
  return [...new Set(runs.flatMap((run) => run.match(new RegExp(ID, 'g'))))];
}

/** Every test of a report of Jest's: file, title, status and the rows it speaks for. */
export function testsOf(report, root) {
  return report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ title, status }) => ({
      file: name.slice(root.length),
      title,
      status,
      ids: idsInTitle(title),
    })),
  );
}

/** The areas with each row's tests and result. */
export function withResults(areas, tests) {
  return areas.map((area) => ({
    ...area,
    rows: area.rows.map((row) => {
      const own = tests.filter(({ ids }) => ids.includes(row.id));
      return { ...row, tests: own, result: resultOf(own) };
    }),
  }));
}

/** A row whose tests were all skipped has nothing to show for itself. */
function resultOf(tests) {
  if (tests.some(({ status }) => status === 'failed')) return 'failed';
  return tests.some(({ status }) => status === 'passed') ? 'passed' : 'no test';
}

/** Why the run is not good enough; empty when it is. */
export function faultsOf(areas, tests, output) {
  const known = new Set(areas.flatMap(({ rows }) => rows.map(({ id }) => id)));
  const unknown = tests.flatMap(({ file, title, ids }) =>
    ids.filter((id) => !known.has(id)).map((id) => `${file}: "${title}" names ${id}, which is no row`),
  );
  const open = areas
    .filter(({ isFinished }) => isFinished)
    .flatMap(({ rows }) => rows)
    .filter(({ level, result }) => level.startsWith('MUST') && result !== 'passed')
    .map(({ id, level, asks, result }) => `${id} (${level}): ${asks}: ${result}`);
  // the line number and not the line: what was found is a secret by definition
  const leaks = output
    .split('\n')
    .flatMap((line, index) => (CANARY.test(line) ? [`line ${index + 1} of the output has a canary`] : []));
  return [...new Set(unknown), ...open, ...leaks];
}
