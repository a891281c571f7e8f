/**
 * Checks the package as its users get it: packs it, lints the tarball, then installs it into four
 * throw-away apps, {Nest 11, Nest 12} x {ESM, CommonJS}, that compile and boot. Needs the npm registry.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installedSize } from './installed-size.mjs';
import { run } from './run-command.mjs';
import { ThrowAwayApp } from './throw-away-app.mjs';

const APPS = [
  { name: 'nest-11-esm', nest: 11, type: 'module' },
  { name: 'nest-11-cjs', nest: 11, type: 'commonjs' },
  { name: 'nest-12-esm', nest: 12, type: 'module' },
  { name: 'nest-12-cjs', nest: 12, type: 'commonjs' },
];
/** What the package may add to an empty Nest app, both exclusive. */
const MOST_PACKAGES = 40;
const MOST_MEGABYTES = 20;

const root = join(import.meta.dirname, '../..');
const folder = await mkdtemp(join(tmpdir(), 'packaging-'));

try {
  const tarball = await pack();
  await run('npx', ['--no', '--', 'publint', tarball, '--strict'], root);
  await run('npx', ['--no', '--', 'attw', tarball, '--profile', 'esm-only', '--no-definitely-typed'], root);
  console.log('publint and attw: no complaints');
  for (const app of APPS) await checkApp(app, tarball);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function pack() {
  const [packed] = JSON.parse(
    await run('npm', ['pack', '--json', '--foreground-scripts=false', '--pack-destination', folder], root),
  );
  console.log(
    `${packed.filename}: ${packed.entryCount} files, ${megabytes(packed.unpackedSize)} MB unpacked`,
  );
  return join(folder, packed.filename);
}

async function checkApp({ name, nest, type }, tarball) {
  const app = await ThrowAwayApp.create(join(folder, name), { nest, type });
  const before = await installedSize(app.folder);
  await app.install(tarball);
  const after = await installedSize(app.folder);
  const packages = after.packages - before.packages;
  const bytes = after.bytes - before.bytes;

  await app.compile();
  const keys = await run('npx', ['--no', '--', 'nestjs-smart-on-fhir', 'keys'], app.folder);
  const { guarded, launch } = await app.start();
  console.log(
    `${name}: guarded route ${guarded}, launch without parameters ${launch}; ` +
      `adds ${packages} packages, ${megabytes(bytes)} MB`,
  );

  if (!keys.includes('"alg":"ES384"')) throw new Error(`${name}: "keys" printed no key`);
  if (guarded !== 401) throw new Error(`${name}: the guarded route answered ${guarded}, not 401`);
  if (launch !== 400) throw new Error(`${name}: a launch without parameters answered ${launch}, not 400`);
  if (packages >= MOST_PACKAGES) throw new Error(`${name}: ${packages} packages, must be < ${MOST_PACKAGES}`);
  if (bytes >= MOST_MEGABYTES * 1e6)
    throw new Error(`${name}: ${megabytes(bytes)} MB, must be < ${MOST_MEGABYTES}`);
}

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(1);
}
