import { fork, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { AppSettings } from './app.js';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Of this worker's own: another may run what it compiled while this one compiles. */
const OUTPUT = here(`dist/${process.env.JEST_WORKER_ID ?? '0'}`);

/** Compiles the app and the package as they ship: Node runs them without Jest. */
export function compileApp(): void {
  const compiler = here('../../node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(
    process.execPath,
    [compiler, '-p', here('tsconfig.app.json'), '--outDir', OUTPUT],
    {
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(`The app does not compile:\n${stdout}`);
}

/** A process that runs the app. */
export class AppProcess {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
  ) {}

  static async start(settings: AppSettings): Promise<AppProcess> {
    const child = fork(`${OUTPUT}/test/processes/app.js`, {
      env: { ...process.env, APP_SETTINGS: JSON.stringify(settings) },
      // without the flags that Jest needs
      execArgv: [],
    });
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`The app's process ended with status ${code}`);
    });
    const [{ url }] = (await Promise.race([once(child, 'message'), ended])) as [{ url: string }];
    ended.catch(() => undefined);
    return new AppProcess(url, child);
  }

  async advanceClock(ms: number): Promise<void> {
    const advanced = once(this.child, 'message');
    this.child.send({ advance: ms });
    await advanced;
  }

  /** SIGKILL: it ends where it is. */
  async kill(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }

  async stop(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.disconnect();
    await exited;
  }
}
