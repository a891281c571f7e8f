import { readdirSync } from 'node:fs';
import { defineConfig } from 'eslint/config';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/**
 * Which way imports run in lib/: each room may import itself and the rooms in its list, nothing else.
 * The floor (smart-error.ts and http/) lies under all of them. The story is smart-client.ts with the files
 * beside it that help to tell it. index.ts and the module file may import any room, and no room imports them.
 */
const FLOOR = ['smart-error.ts', 'http'];
const DOMAIN = ['token', 'session', 'ehr', 'fhir', 'scope', 'brands', ...FLOOR];
const STORY = readdirSync(`${import.meta.dirname}/lib`).filter(
  (name) => name.endsWith('.ts') && !['index.ts', 'smart-on-fhir.module.ts', 'smart-error.ts'].includes(name),
);
const ROOMS = {
  'smart-error.ts': [],
  http: ['smart-error.ts'],
  scope: FLOOR,
  fhir: FLOOR,
  brands: FLOOR,
  ehr: FLOOR,
  cli: [],
  session: ['ehr', ...FLOOR],
  token: ['ehr', ...FLOOR],
  ...Object.fromEntries(STORY.map((file) => [file, [...STORY, ...DOMAIN]])),
  nest: [...STORY, ...DOMAIN],
  'smart-launch': ['nest', ...STORY, ...DOMAIN],
};

const importDirection = Object.entries(ROOMS).map(([room, mayImport]) => ({
  target: `./lib/${room}`,
  from: './lib',
  except: [...new Set([room, ...mayImport])].map((path) => `./${path}`),
  message: `lib/${room} may import ${mayImport.join(', ') || 'nothing else in lib'} (see CONTRIBUTING.md).`,
}));

/** The only places that know Nest. */
const NEST_ROOMS = ['lib/nest/**', 'lib/smart-launch/**', 'lib/testing/**', 'lib/smart-on-fhir.module.ts'];

const SPECS = ['**/*.spec.ts', 'test/**/*.ts'];

export default defineConfig(
  { ignores: ['**/dist/', '**/coverage/', '**/node_modules/', 'sample/app/public/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { 'import-x': importX },
    settings: {
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      // Sources import './x.js' and mean './x.ts'.
      'import-x/resolver-next': [
        createNodeResolver({ extensions: ['.ts', '.js'], extensionAlias: { '.js': ['.ts', '.js'] } }),
      ],
    },
    rules: {
      'import-x/no-cycle': 'error',
      // Leaves decorated classes alone: Nest reads their parameter types at run time.
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      // Implementing an async interface without awaiting is no mistake.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['lib/**/*.ts'],
    rules: {
      'import-x/no-default-export': 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['lib/**/*.ts'],
    ignores: ['**/*.spec.ts'],
    rules: {
      'import-x/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones: importDirection }],
    },
  },
  {
    files: ['lib/**/*.ts'],
    ignores: ['**/*.spec.ts', ...NEST_ROOMS],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['@nestjs/*', 'reflect-metadata', 'rxjs', 'rxjs/*'],
              message: 'Only nest/, smart-launch/, testing/ and the module file know Nest.',
            },
          ],
        },
      ],
    },
  },
  {
    // Tests read untyped answers all day; the compiler still checks what is typed.
    files: SPECS,
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['**/*.mjs'],
    extends: [tseslint.configs.recommended],
  },
  {
    // Its own tsconfig finds the package in dist/, which a fresh clone does not have.
    files: ['sample/**/*.ts'],
    languageOptions: { parserOptions: { projectService: false, project: './tsconfig.json' } },
  },
);
