import { fork } from 'node:child_process';
import { once } from 'node:events';

/** Starts the EHR in a process of its own; answers its FHIR base. */
export async function startEhr(env = {}) {
  const child = fork(new URL('ehr.mjs', import.meta.url), { env: { ...process.env, ...env } });
  const [{ port }] = await once(child, 'message');
  return { iss: `http://127.0.0.1:${port}/fhir`, url: `http://127.0.0.1:${port}`, close: () => child.kill() };
}

/** CPU microseconds of this process and wall milliseconds per call of `run`, `count` times. */
async function once_(run, count) {
  globalThis.gc?.();
  const cpu = process.cpuUsage();
  const start = performance.now();
  await run(count);
  const wallMs = (performance.now() - start) / count;
  const { user, system } = process.cpuUsage(cpu);
  return { cpuUs: (user + system) / count, wallMs };
}

/** Every variant once per round, in turn, so that a slow moment hits all of them; medians at the end. */
export async function interleaved(variants, { rounds, count, warmUp = count }) {
  for (const run of Object.values(variants)) await run(warmUp);
  const raw = Object.fromEntries(Object.keys(variants).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const names = Object.keys(variants);
    // another one first in every round
    const order = names.map((_, at) => names[(at + round) % names.length]);
    for (const name of order) raw[name].push(await once_(variants[name], count));
  }
  const medians = Object.fromEntries(
    Object.entries(raw).map(([name, runs]) => [
      name,
      { cpuUs: median(runs.map(({ cpuUs }) => cpuUs)), wallMs: median(runs.map(({ wallMs }) => wallMs)) },
    ]),
  );
  return { raw, medians };
}

/** The median of the ratios round by round: both were measured within the same second. */
export function ratio(raw, name, baseline, figure = 'cpuUs') {
  return median(raw[name].map((run, round) => run[figure] / raw[baseline][round][figure]));
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
