import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

interface Manifest {
  engines: Record<string, string>;
  main: string;
  types: string;
  exports: Record<string, unknown>;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional?: boolean }>;
}

const root = new URL('../../', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as Manifest;

/** Every package that the sources import, with the files that do: `{ jose: ['token/id-token.ts'] }`. */
function importedPackages(): Map<string, string[]> {
  const packages = new Map<string, string[]>();
  const lib = new URL('lib/', root);
  for (const file of readdirSync(lib, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.spec.ts')) continue;
    const { importedFiles } = ts.preProcessFile(readFileSync(new URL(file, lib), 'utf8'));
    for (const { fileName: specifier } of importedFiles) {
      if (/^(\.|node:)/.test(specifier)) continue;
      const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
      packages.set(name, [...(packages.get(name) ?? []), file]);
    }
  }
  return packages;
}

describe('package.json', () => {
  it('names every package that lib imports as a dependency or a peer', () => {
    const declared = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }));
    // fhir/r4 has types only, which live in @types/fhir.
    const missing = [...importedPackages()].filter(
      ([name]) => !declared.has(name) && !declared.has(`@types/${name}`),
    );
    expect(missing).toEqual([]);
  });

  it('has no dependency that lib does not import', () => {
    const imported = importedPackages();
    const idle = Object.keys(manifest.dependencies).filter(
      (name) => !imported.has(name.replace(/^@types\//, '')),
    );
    expect(idle).toEqual([]);
  });

  it('has one ESM build with types, found by old and new resolvers alike', () => {
    expect(manifest.exports).toEqual({
      '.': { types: './dist/index.d.ts', default: './dist/index.js' },
      './package.json': './package.json',
    });
    expect(manifest).toMatchObject({ type: 'module', main: './dist/index.js', types: './dist/index.d.ts' });
  });

  it('runs on the Node versions that can require() an ES module', () => {
    expect(manifest.engines.node).toBe('^20.19.0 || ^22.12.0 || >=24');
  });

  it('takes Nest from the app, version 11 or 12', () => {
    expect(manifest.dependencies).not.toHaveProperty('@nestjs/common');
    expect(manifest.peerDependencies).toMatchObject({
      '@nestjs/common': '^11.0.0 || ^12.0.0',
      '@nestjs/core': '^11.0.0 || ^12.0.0',
    });
  });

  it('asks nobody to install a store they do not use', () => {
    expect(manifest.peerDependenciesMeta).toMatchObject({
      '@keyv/redis': { optional: true },
      '@nestjs/terminus': { optional: true },
      '@opentelemetry/api': { optional: true },
      'cache-manager': { optional: true },
    });
  });
});
