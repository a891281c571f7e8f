import { isDeepStrictEqual } from 'node:util';

import { FhirError } from './fhir-error.js';
import { isObject } from './json.js';

const OPERATIONS = ['add', 'remove', 'replace', 'move', 'copy', 'test'] as const;

interface PatchOperation {
  op: (typeof OPERATIONS)[number];
  path: string;
  from?: string;
  value?: unknown;
}

/** Applies a JSON Patch (RFC 6902) to a copy of the document. */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw invalid('a JSON Patch is an array of operations');
  return patch.reduce<unknown>(
    (current, operation, index) => applyOne(current, parseOperation(operation, index)),
    structuredClone(document),
  );
}

function applyOne(document: unknown, operation: PatchOperation): unknown {
  const path = parsePointer(operation.path);
  switch (operation.op) {
    case 'add':
      return add(document, path, structuredClone(operation.value));
    case 'remove':
      return remove(document, path);
    case 'replace':
      return path.length === 0
        ? structuredClone(operation.value)
        : add(remove(document, path), path, structuredClone(operation.value));
    case 'move': {
      const from = parsePointer(operation.from ?? '');
      if (path.length > from.length && from.every((token, depth) => token === path[depth])) {
        throw unprocessable(`cannot move ${operation.from} into itself`);
      }
      const value = get(document, from);
      return add(remove(document, from), path, value);
    }
    case 'copy':
      return add(document, path, structuredClone(get(document, parsePointer(operation.from ?? ''))));
    case 'test':
      if (!isDeepStrictEqual(plain(get(document, path)), plain(operation.value))) {
        throw unprocessable(`test failed at ${operation.path}`);
      }
      return document;
  }
}

function parseOperation(operation: unknown, index: number): PatchOperation {
  if (!isObject(operation)) throw invalid(`operation ${index} is not an object`);
  const { op, path, from } = operation;
  const known = OPERATIONS.find((name) => name === op);
  if (!known) throw invalid(`operation ${index}: unknown op ${JSON.stringify(op)}`);
  if (typeof path !== 'string') throw invalid(`operation ${index}: path is missing`);
  if (['move', 'copy'].includes(known) && typeof from !== 'string') {
    throw invalid(`operation ${index}: from is missing`);
  }
  if (['add', 'replace', 'test'].includes(known) && !('value' in operation)) {
    throw invalid(`operation ${index}: value is missing`);
  }
  return { op: known, path, value: operation['value'], ...(typeof from === 'string' ? { from } : {}) };
}

function parsePointer(pointer: string): string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw invalid(`not a JSON Pointer: ${pointer}`);
  const tokens = pointer
    .slice(1)
    .split('/')
    .map((token) => token.replace(/~1/g, '/').replace(/~0/g, '~'));
  if (tokens.includes('__proto__')) throw invalid(`not an element: ${pointer}`);
  return tokens;
}

function get(document: unknown, path: string[]): unknown {
  return path.reduce((node, token) => {
    if (Array.isArray(node)) return (node as unknown[])[arrayIndex(token, node.length - 1, path)];
    if (isObject(node) && Object.hasOwn(node, token)) return node[token];
    throw missing(path);
  }, document);
}

function add(document: unknown, path: string[], value: unknown): unknown {
  const token = path.at(-1);
  if (token === undefined) return value;
  const parent = get(document, path.slice(0, -1));
  if (Array.isArray(parent)) {
    parent.splice(token === '-' ? parent.length : arrayIndex(token, parent.length, path), 0, value);
  } else if (isObject(parent)) parent[token] = value;
  else throw missing(path);
  return document;
}

function remove(document: unknown, path: string[]): unknown {
  const token = path.at(-1);
  if (token === undefined) throw unprocessable('cannot remove the whole resource');
  get(document, path);
  const parent = get(document, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(Number(token), 1);
  else if (isObject(parent)) delete parent[token];
  return document;
}

function arrayIndex(token: string, last: number, path: string[]): number {
  if (!/^(0|[1-9]\d*)$/.test(token) || Number(token) > last) throw missing(path);
  return Number(token);
}

/** Strips prototypes, which differ between a parsed body and a clone but mean nothing in JSON. */
const plain = (value: unknown): unknown =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value));

const invalid = (message: string): FhirError => new FhirError(400, 'invalid', `JSON Patch: ${message}`);
const unprocessable = (message: string): FhirError =>
  new FhirError(422, 'processing', `JSON Patch: ${message}`);
const missing = (path: string[]): FhirError => unprocessable(`there is nothing at /${path.join('/')}`);
