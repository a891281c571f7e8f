import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { run } from './run-command.mjs';

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const INSTALL = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];

/** A user's app in a folder of its own: `app/main.ts`, installed, compiled and started like any other. */
export class ThrowAwayApp {
  constructor(folder) {
    this.folder = folder;
  }

  /** An empty Nest app, before the package is added. */
  static async create(folder, { nest, type }) {
    await mkdir(folder);
    await writeJson(join(folder, 'package.json'), {
      private: true,
      type,
      dependencies: {
        '@nestjs/common': `^${nest}.0.0`,
        '@nestjs/core': `^${nest}.0.0`,
        '@nestjs/platform-express': `^${nest}.0.0`,
        '@types/node': '^20.19.0',
        'reflect-metadata': '^0.2.2',
        rxjs: '^7.8.1',
      },
    });
    await writeJson(join(folder, 'tsconfig.json'), {
      compilerOptions: {
        target: 'es2022',
        module: 'nodenext',
        types: ['node'],
        strict: true,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
        // The declarations a user compiles against are under test too.
        skipLibCheck: false,
        outDir: 'dist',
      },
      include: ['main.ts'],
    });
    await copyFile(join(import.meta.dirname, 'app/main.ts'), join(folder, 'main.ts'));
    const app = new ThrowAwayApp(folder);
    await app.install();
    return app;
  }

  async install(...packages) {
    await run('npm', [...INSTALL, ...packages], this.folder);
  }

  async compile() {
    await run(process.execPath, [tsc, '-p', '.'], this.folder);
  }

  /** Boots the app and resolves with the statuses it printed last. */
  async start() {
    const output = await run(process.execPath, ['dist/main.js'], this.folder);
    return JSON.parse(output.trim().split('\n').at(-1));
  }
}

async function writeJson(path, value) {
  await writeFile(path, JSON.stringify(value, null, 2));
}
