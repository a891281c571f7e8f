import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { faultsOf, readAreas, testsOf, withResults } from './conformance.mjs';
import { markdownPage, textTable } from './tables.mjs';

/**
 * Runs every test, says which rows of the checklist they prove, and writes docs/conformance.md. Where CI is
 * `true` the page is compared instead, so that a stale one does not land.
 *
 * `--report FILE --output FILE` read the JSON report and the output of a run of all tests that is over.
 */
const root = fileURLToPath(new URL('../../', import.meta.url));
const page = join(root, 'docs/conformance.md');

const { values: given } = parseArgs({ options: { report: { type: 'string' }, output: { type: 'string' } } });
const { status, report, output } = given.report ? readTests(given) : await runTests();
const tests = testsOf(report, root);
const areas = withResults(readAreas(), tests);
const faults = faultsOf(areas, tests, output);
if (status !== 0) faults.unshift(`the tests ended with status ${status}`);

// A run with failures says nothing of the rows, so the page stays what it is.
const isRunGood = status === 0;
const written = existsSync(page) ? readFileSync(page, 'utf8') : '';
const current = markdownPage(areas);
if (isRunGood && written !== current && process.env.CI === 'true') {
  faults.push('docs/conformance.md is stale: run "npm run conformance" and commit what it writes');
} else if (isRunGood && written !== current) {
  mkdirSync(join(root, 'docs'), { recursive: true });
  writeFileSync(page, current);
}

const rows = areas.flatMap((area) => area.rows);
const count = (result) => rows.filter((row) => row.result === result).length;
console.log(textTable(areas));
console.log(
  `\n${rows.length} rows: ${count('passed')} passed, ${count('failed')} failed, ${count('no test')} without a test`,
);
for (const fault of faults) console.log(`FAULT ${fault}`);
process.exitCode = faults.length ? 1 : 0;

function readTests({ report: file, output }) {
  const report = JSON.parse(readFileSync(file, 'utf8'));
  return { status: report.success ? 0 : 1, report, output: output ? readFileSync(output, 'utf8') : '' };
}

async function runTests() {
  const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
  const file = join(folder, 'report.json');
  try {
    const jest = spawn('npm', ['test', '--', '--json', `--outputFile=${file}`], { cwd: root });
    const chunks = [];
    for (const [stream, target] of [
      [jest.stdout, process.stdout],
      [jest.stderr, process.stderr],
    ]) {
      stream.on('data', (chunk) => {
        chunks.push(chunk);
        target.write(chunk);
      });
    }
    const status = await new Promise((resolve, reject) => jest.on('error', reject).on('close', resolve));
    if (!existsSync(file)) throw new Error(`the tests ended with status ${status} and without a report`);
    return {
      status,
      report: JSON.parse(readFileSync(file, 'utf8')),
      output: Buffer.concat(chunks).toString('utf8'),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
