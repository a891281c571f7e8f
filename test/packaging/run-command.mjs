import { spawn } from 'node:child_process';

/** Runs a command to its end and resolves with its standard output; a failure shows both outputs. */
export function run(command, args, cwd) {
  return new Promise((resolve, reject) => {
    // npm and npx are scripts on Windows, which start only through a shell.
    const child = spawn(command, args, { cwd, shell: process.platform === 'win32' });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(stdout);
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}\n${stdout}${stderr}`));
    });
  });
}
