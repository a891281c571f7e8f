/** A TypeScript block of a markdown file; `line` is where its first line of code stands, counted from 1. */
export interface CodeBlock {
  file: string;
  line: number;
  code: string;
}

const FENCE = /^(?<indent>\s*)```(?:ts|typescript)\b/;
const SKIP = '<!-- compile: skip -->';

/** The ```ts blocks of a markdown text, but for those with `<!-- compile: skip -->` on the line before. */
export function codeBlocks(file: string, markdown: string): CodeBlock[] {
  const lines = markdown.split(/\r?\n/);
  const blocks: CodeBlock[] = [];
  for (let at = 0; at < lines.length; at++) {
    const fence = FENCE.exec(lines[at] ?? '');
    if (!fence) continue;
    const skipped = lines[at - 1]?.trim() === SKIP;
    const start = at + 1;
    while (++at < lines.length && lines[at]?.trim() !== '```');
    // A block in a list is indented with it; cutting whole columns keeps the compiler's columns right.
    const indent = fence.groups?.indent?.length ?? 0;
    const code = lines.slice(start, at).map((line) => line.slice(indent));
    if (!skipped) blocks.push({ file, line: start + 1, code: code.join('\n') });
  }
  return blocks;
}
