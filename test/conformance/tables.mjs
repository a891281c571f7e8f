/** For the terminal: each row with the files that hold its tests, then the rows without one. */
export function textTable(areas) {
  const blocks = areas.map(({ area, title, rows }) =>
    [`\n${area} ${title}`, ...rows.flatMap((row) => [textRow(row), ...filesOf(row.tests)])].join('\n'),
  );
  const bare = areas.flatMap(({ rows }) => rows).filter(({ result }) => result === 'no test');
  const list = bare.map((row) => textRow(row) + (row.reason ? ` (left out: ${row.reason})` : ''));
  return [...blocks, `\nRows without a test: ${bare.length}`, ...list].join('\n');
}

function textRow({ id, level, result, asks }) {
  return `  ${id.padEnd(9)} ${level.padEnd(8)} ${result.padEnd(7)} ${asks}`;
}

/** One line per file: the first title, and how many more there are. */
function filesOf(tests) {
  const files = [...new Set(tests.map(({ file }) => file))].sort();
  return files.map((file) => {
    const [{ title }, ...more] = tests.filter((test) => test.file === file);
    return `${' '.repeat(28)}${file}: ${title}${more.length ? ` (and ${more.length} more)` : ''}`;
  });
}

const INTRODUCTION = `# Conformance

What a SMART App Launch client must do and refuse, row by row, and what tests prove. Every test carries the
ids of its rows in its title: \`npm test -- -t A6-3\` runs those of one row. The rows are in
\`test/conformance/rows\`; \`npm run conformance\` runs all tests and writes this page. It fails when a MUST of an
area that is done has no test that passes.

In the areas that are not done, "not yet" means that nothing is claimed: the feature may be missing, or only its
test.
`;

const MAX_FILES = 3;

/** For `docs/conformance.md`. Nothing in it changes while rows, tests and results stay what they are. */
export function markdownPage(areas) {
  const overview = areas.map(({ area, title, isFinished, rows }) => {
    const passed = rows.filter(({ result }) => result === 'passed').length;
    return [`[${area}](#${anchor(`${area} ${title}`)})`, title, rows.length, passed, isFinished ? 'yes' : ''];
  });
  const sections = areas.map(
    ({ area, title, rows, isFinished }) =>
      `## ${area} ${title}\n\n${table(
        ['row', 'what it asks', 'level', 'tests', 'result'],
        rows.map((row) => cells(row, isFinished)),
      )}`,
  );
  const heading = ['area', '', 'rows', 'proven', 'done'];
  return [INTRODUCTION, table(heading, overview), ...sections].join('\n');
}

function cells({ id, asks, level, tests, result, reason }, isFinished) {
  const left = reason ? `left out: ${reason}` : isFinished ? result : 'not yet';
  return [id, asks, level, links(tests), result === 'no test' ? left : result];
}

/** The files that hold the tests. */
function links(tests) {
  const files = [...new Set(tests.map(({ file }) => file))].sort();
  const shown = files.slice(0, MAX_FILES).map((file) => `[${nameOf(file)}](../${file})`);
  if (files.length > MAX_FILES) shown.push(`${files.length - MAX_FILES} more`);
  return shown.join(', ');
}

function nameOf(file) {
  return file.slice(file.lastIndexOf('/') + 1).replace(/\.spec\.ts$/, '');
}

function table(heading, lines) {
  const rule = heading.map(() => '---');
  return `${[heading, rule, ...lines].map((line) => `| ${line.join(' | ')} |`).join('\n')}\n`;
}

function anchor(heading) {
  return heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .replace(/\s/g, '-');
}
