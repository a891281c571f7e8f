import { fork } from 'node:child_process';
import { once } from 'node:events';
import { interleaved, ratio, startEhr } from '../support/measure.mjs';
import { startApp } from './app.mjs';

/** What the guard and the decorator cost: CPU per request of routes of one Nest app, Express and Fastify. */
export async function run() {
  const ehr = await startEhr();
  const load = fork(new URL('../support/load.mjs', import.meta.url));
  const variants = {};
  const apps = [];
  for (const name of ['Express', 'Fastify']) {
    const { app, url, cookie } = await startApp(name, ehr.iss);
    apps.push(app);
    for (const path of ['bare', 'noop', 'guarded', 'scoped']) {
      variants[`${name} ${path}`] = requests(load, `${url}/bench/${path}`, cookie);
    }
  }
  const results = await interleaved(variants, { rounds: 15, count: 3_000 });
  load.disconnect();
  for (const app of apps) await app.close();
  ehr.close();
  const perSecond = (name) => 1 / ratio(results.raw, name, `${name.split(' ')[0]} noop`);
  return {
    ...results,
    unit: 'CPU µs per request of the process under test',
    head: ['route', 'CPU µs', "of the no-op guard's requests per CPU second"],
    rows: Object.entries(results.medians).map(([name, { cpuUs }]) => [
      name,
      cpuUs.toFixed(0),
      perSecond(name).toFixed(2),
    ]),
    limits: ['Express', 'Fastify'].map((name) => [
      `${name}: guard and decorator against the no-op guard`,
      perSecond(`${name} guarded`),
      '>=',
      0.85,
    ]),
  };
}

export function requests(load, url, cookie) {
  return async (count) => {
    load.send({ url, headers: { cookie, accept: 'application/json' }, count });
    const [{ failed }] = await once(load, 'message');
    if (failed) throw new Error(`${failed} requests to ${url} failed`);
  };
}
