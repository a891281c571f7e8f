import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { codeBlocks } from './markdown-code.js';
import { typeErrors } from './type-check.js';

const root = new URL('../../', import.meta.url);

function documents(): string[] {
  const folder = new URL('docs/', root);
  const docs = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
  return ['README.md', ...docs.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];
}

describe('the documentation', () => {
  it('has TypeScript examples that compile', () => {
    const blocks = documents().flatMap((file) => codeBlocks(file, readFileSync(new URL(file, root), 'utf8')));
    expect(blocks).not.toEqual([]);
    expect(typeErrors(blocks)).toEqual([]);
  }, 60_000);
});

describe('the check itself', () => {
  const markdown = [
    'Words.',
    '',
    '```ts',
    "const id: string = 'a';",
    'const wrong: number = id;',
    '```',
    '',
    '* In a list:',
    '  ```ts',
    "  import { NestFactory } from '@nestjs/core';",
    '  NestFactory.creates();',
    '  ```',
    '',
    '<!-- compile: skip -->',
    '```ts',
    'not code at all',
    '```',
    '```json',
    '{ "id": 1 }',
    '```',
  ].join('\n');

  it('finds the TypeScript blocks and where they start', () => {
    expect(codeBlocks('a.md', markdown)).toEqual([
      { file: 'a.md', line: 4, code: "const id: string = 'a';\nconst wrong: number = id;" },
      { file: 'a.md', line: 10, code: "import { NestFactory } from '@nestjs/core';\nNestFactory.creates();" },
    ]);
  });

  it('names the file and the line of each error', () => {
    expect(typeErrors(codeBlocks('a.md', markdown))).toEqual([
      "a.md:5: Type 'string' is not assignable to type 'number'.",
      expect.stringMatching(/^a\.md:11: Property 'creates' does not exist/),
    ]);
  }, 60_000);
});
