import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startDemo } from './demo.js';
import type { RunningDemo } from './demo.js';
import { listen } from './ehr/listen.js';

const USAGE =
  'npm start -- [--data DIR] [--ehr-port 4000] [--app-port 3000] [--own-app http://localhost:3456]';

interface Settings {
  ehrPort: number;
  appPort: number;
  dataDir?: string;
  ownApp?: string;
}

function readSettings(): Settings {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      'ehr-port': { type: 'string', default: '4000' },
      'app-port': { type: 'string', default: '3000' },
      'own-app': { type: 'string' },
    },
  });
  return {
    ehrPort: readPort('--ehr-port', values['ehr-port']),
    appPort: readPort('--app-port', values['app-port']),
    // npm runs this in the package's folder; a relative path means the folder the command was typed in.
    ownApp: values['own-app'] && readOrigin('--own-app', values['own-app']),
    dataDir: values.data && resolve(process.env.INIT_CWD ?? '.', values.data),
  };
}

function readPort(flag: string, text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new Error(`${flag} must be a number from 1 to 65535, not "${text}".`);
}

function readOrigin(flag: string, text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return new URL(text).origin;
  throw new Error(`${flag} must be where your app listens, e.g. http://localhost:3456, not "${text}".`);
}

function welcome({ ehr, app }: RunningDemo): string {
  const patients = ehr.store.list('Patient').length;
  return `
  Demo EHR   ${ehr.url}   (${patients} patients)
  App        ${app.url}

  Open the EHR and click "Launch Vital Signs" beside a patient. The app opens with that patient's chart.
  Ctrl-C stops both.
`;
}

/** One sentence that says what to do about it. */
function explain(error: NodeJS.ErrnoException & { port?: number }, { ehrPort, dataDir }: Settings): string {
  const { code, port } = error;
  const flag = port === ehrPort ? '--ehr-port' : '--app-port';
  if (code === 'EADDRINUSE') {
    return `Port ${port} is in use: choose another one, for example with "npm start -- ${flag} ${Number(port) + 10}".`;
  }
  if (code === 'EACCES' && port) return `Port ${port} needs more rights: choose one above 1023 with ${flag}.`;
  if (code === 'ENOENT' || code === 'ENOTDIR') return `--data: there is no folder ${dataDir}.`;
  return error.message;
}

function fail(sentence: string): void {
  console.error(sentence);
  process.exitCode = 1;
}

/** Before anything is loaded, and before Nest logs the fault in its own words. */
async function checkPorts({ ehrPort, appPort }: Settings): Promise<void> {
  if (ehrPort === appPort) throw new Error('--ehr-port and --app-port must be different.');
  await (await listen(ehrPort, '127.0.0.1')).close();
  await (await listen(appPort, 'localhost')).close();
}

async function start(settings: Settings): Promise<void> {
  await checkPorts(settings);
  const demo = await startDemo(settings);
  console.log(welcome(demo));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void demo.close());
}

try {
  const settings = readSettings();
  await start(settings).catch((error: Error) => fail(explain(error, settings)));
} catch (error) {
  fail(`${(error as Error).message}\nUsage: ${USAGE}`);
}
