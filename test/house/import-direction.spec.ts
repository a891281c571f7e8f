import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { ESLint } from 'eslint';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The rules under test. Typed rules need their files on disk and are left out. */
const HOUSE_RULES = new Set([
  'import-x/no-restricted-paths',
  'import-x/no-default-export',
  'no-restricted-imports',
  '@typescript-eslint/no-explicit-any',
]);

const eslint = new ESLint({
  cwd: root,
  overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
  ruleFilter: ({ ruleId }) => HOUSE_RULES.has(ruleId),
});

async function brokenRules(filePath: string, code: string): Promise<(string | null)[]> {
  const [result] = await eslint.lintText(code, { filePath });
  return (result?.messages ?? []).map((message) => message.ruleId);
}

/** An import that resolves: the rule looks at files, so a made-up one would pass unseen. */
function importOf(room: string): string {
  if (room.endsWith('.ts')) return `import '../${room.replace(/ts$/, 'js')}';`;
  const file = readdirSync(`${root}/lib/${room}`).find((name) => /(?<!\.spec)\.ts$/.test(name));
  if (!file) throw new Error(`lib/${room} has no source file`);
  return `import '../${room}/${file.replace(/ts$/, 'js')}';`;
}

describe('imports in lib run one way', () => {
  it.each([
    ['token', 'nest'],
    ['token', 'session'],
    ['token', 'ready-client.ts'],
    ['session', 'token'],
    ['ehr', 'session'],
    ['fhir', 'ehr'],
    ['scope', 'fhir'],
    ['http', 'ehr'],
    ['nest', 'index.ts'],
  ])('lib/%s may not import lib/%s', async (room, other) => {
    expect(await brokenRules(`lib/${room}/probe.ts`, importOf(other))).toEqual([
      'import-x/no-restricted-paths',
    ]);
  });

  it.each([
    ['nest', 'ready-client.ts'],
    ['nest', 'fhir'],
    ['token', 'ehr'],
    ['session', 'ehr'],
    ['fhir', 'smart-error.ts'],
    ['http', 'smart-error.ts'],
  ])('lib/%s may import lib/%s', async (room, other) => {
    expect(await brokenRules(`lib/${room}/probe.ts`, importOf(other))).toEqual([]);
  });

  it('lib/smart-client.ts may not import lib/nest', async () => {
    const code = importOf('nest').replace('../', './');
    expect(await brokenRules('lib/smart-client.ts', code)).toEqual(['import-x/no-restricted-paths']);
  });

  it('a spec may import what it tests with', async () => {
    expect(await brokenRules('lib/token/probe.spec.ts', importOf('nest'))).toEqual([]);
  });
});

describe('lib knows Nest in few places', () => {
  it.each(['lib/token/probe.ts', 'lib/fhir/probe.ts', 'lib/smart-client.ts'])('not in %s', async (file) => {
    for (const name of ['@nestjs/common', 'rxjs', 'reflect-metadata']) {
      expect(await brokenRules(file, `import '${name}';`)).toEqual(['no-restricted-imports']);
    }
  });

  it.each([
    'lib/nest/probe.ts',
    'lib/smart-launch/probe.ts',
    'lib/testing/probe.ts',
    'lib/smart-on-fhir.module.ts',
  ])('but in %s', async (file) => {
    expect(await brokenRules(file, "import '@nestjs/common';")).toEqual([]);
  });
});

describe('lib exports names and types', () => {
  it('no default export', async () => {
    expect(await brokenRules('lib/scope/probe.ts', 'export default 1;')).toEqual([
      'import-x/no-default-export',
    ]);
  });

  it('no any', async () => {
    expect(await brokenRules('lib/scope/probe.ts', 'export const anything: any = 1;')).toEqual([
      '@typescript-eslint/no-explicit-any',
    ]);
  });
});
