import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import type { CodeBlock } from './markdown-code.js';

// The compiler writes paths with slashes on every system.
const root = fileURLToPath(new URL('../../', import.meta.url)).replaceAll('\\', '/');

/**
 * Compiles every block as a module of its own, with the options of tsconfig.json, where
 * `nestjs-smart-on-fhir` means lib. Returns one line per error: `README.md:12: Type 'string' is not …`.
 *
 * @param further compiler options of an app that has stricter ones
 */
export function typeErrors(blocks: CodeBlock[], further: ts.CompilerOptions = {}): string[] {
  // The blocks exist in memory only, as neighbours of the project's own files so that packages resolve.
  const sources = new Map(
    blocks.map((block) => [`${root}${block.file.replaceAll('/', '-')}-line-${block.line}.ts`, block]),
  );
  const options = { ...compilerOptions(), ...further };
  const program = ts.createProgram([...sources.keys()], options, hostWith(sources, options));
  return [...sources].flatMap(([path, block]) => {
    const source = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText, start = 0 }) => {
        const line = block.line + (source?.getLineAndCharacterOfPosition(start).line ?? 0);
        return `${block.file}:${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
      },
    );
  });
}

function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, (path) => ts.sys.readFile(path)) as {
    config: object;
  };
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [], include: [] }, ts.sys, root);
  return { ...options, moduleDetection: ts.ModuleDetectionKind.Force };
}

function hostWith(sources: Map<string, CodeBlock>, options: ts.CompilerOptions): ts.CompilerHost {
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  return {
    ...host,
    fileExists: (path) => sources.has(path) || fileExists(path),
    readFile: (path) => sources.get(path)?.code ?? readFile(path),
    getSourceFile: (path, language, ...rest) => {
      const block = sources.get(path);
      return block ? ts.createSourceFile(path, block.code, language) : getSourceFile(path, language, ...rest);
    },
  };
}
