// npm run bench [-- name …]: runs the benchmarks one by one, each in a process of its own, and keeps what they say.
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';

const BENCHMARKS = ['fhir/patient-request', 'fhir/pages', 'fhir/streaming', 'nest/guarded-routes'];

if (process.send) await inChild(process.argv[2]);
else await all(process.argv.slice(2));

async function inChild(name) {
  const { run } = await import(`./${name}.mjs`);
  process.send(await run());
  process.disconnect();
}

async function all(asked) {
  const here = fileURLToPath(new URL('.', import.meta.url));
  if (!existsSync(`${here}node_modules`))
    execFileSync('npm', ['ci', '--omit=optional', '--no-audit', '--no-fund'], {
      cwd: here,
      stdio: 'inherit',
    });
  const names = asked.length
    ? BENCHMARKS.filter((name) => asked.some((part) => name.includes(part)))
    : BENCHMARKS;
  console.log(`${os.cpus()[0].model}, ${os.cpus().length} CPUs, Node ${process.version}`);
  let missed = 0;
  for (const name of names) {
    const child = fork(fileURLToPath(import.meta.url), [name], { execArgv: ['--expose-gc'] });
    const [result] = await Promise.race([once(child, 'message'), failed(child, name)]);
    await once(child, 'exit');
    const { raw, unit, head, rows, limits } = result;
    const kept = { name, node: process.version, cpu: os.cpus()[0].model, unit, limits, raw };
    writeFileSync(`${here}results/${name.replace('/', '-')}.json`, `${JSON.stringify(kept, null, 1)}\n`);
    console.log(`\n${table([head, ...rows])}`);
    for (const [what, value, relation, limit] of limits) {
      const holds = relation === '<=' ? value <= limit : relation === '<' ? value < limit : value >= limit;
      if (!holds) missed += 1;
      console.log(`${holds ? 'holds ' : 'MISSED'} ${what}: ${value.toFixed(2)} ${relation} ${limit}`);
    }
  }
  process.exitCode = missed ? 1 : 0;
}

async function failed(child, name) {
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${name} ended with ${code}`);
  return new Promise(() => {});
}

/** A Markdown table. */
function table([head, ...rows]) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, at) => (at ? '--:' : '---'))), ...rows.map(line)].join('\n');
}
