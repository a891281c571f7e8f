import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What an app has installed: how many packages, and how many bytes they take on disk. */
export async function installedSize(appFolder) {
  const modules = join(appFolder, 'node_modules');
  const lock = JSON.parse(await readFile(join(modules, '.package-lock.json'), 'utf8'));
  return { packages: Object.keys(lock.packages).length, bytes: await bytesOnDisk(modules) };
}

async function bytesOnDisk(folder) {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const { blocks, size } = await stat(join(entry.parentPath, entry.name));
    // A small file takes a whole block; Windows does not say how many.
    bytes += blocks ? blocks * 512 : size;
  }
  return bytes;
}
