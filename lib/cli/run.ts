import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ALGORITHMS, makeKeyPair, readKeyPair } from './key-pair.js';
import type { ClientKeyPair, KeyAlgorithm } from './key-pair.js';

const USAGE = `Usage: nestjs-smart-on-fhir keys [--alg ES384|RS384] [--pem FILE] [--out DIR]

Makes a key pair for private_key_jwt (SMART App Launch, client authentication: asymmetric) and prints it: the
private JWK for your secret store (the option privateKey), and the JWK set to register with the EHR.

  --alg   ES384 (default) or RS384
  --pem   takes an existing private key instead of making one
  --out   writes private.jwk.json (for its owner alone) and jwks.json to a folder, and prints no secret`;

/** Where a command says what it did. */
export interface Terminal {
  out(text: string): void;
  error(text: string): void;
}

/** Runs the command line; answers the exit code. */
export async function run(args: string[], terminal: Terminal): Promise<number> {
  try {
    const { positionals, values } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        alg: { type: 'string' },
        pem: { type: 'string' },
        out: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) {
      terminal.out(USAGE);
      return 0;
    }
    if (positionals.join(' ') !== 'keys') throw new Error('The command is "keys"');
    const pair = values.pem === undefined ? await makeKeyPair(algorithm(values)) : await fromPem(values);
    if (values.out === undefined) print(pair, terminal);
    else await write(pair, values.out, terminal);
    return 0;
  } catch (error) {
    terminal.error(`${(error as Error).message}\n\n${USAGE}`);
    return 1;
  }
}

function algorithm({ alg = 'ES384' }: { alg?: string }): KeyAlgorithm {
  const found = ALGORITHMS.find((name) => name === alg);
  if (!found) throw new Error(`--alg is one of ${ALGORITHMS.join(', ')}`);
  return found;
}

async function fromPem({ pem = '', alg }: { pem?: string; alg?: string }): Promise<ClientKeyPair> {
  if (alg !== undefined) throw new Error('--alg is decided by the key of --pem: leave it out');
  const text = await readFile(pem, 'utf8').catch(() => {
    throw new Error(`--pem: ${pem} cannot be read`);
  });
  return readKeyPair(text).catch((error: Error) => {
    throw new Error(`--pem: ${error.message}`);
  });
}

function print({ privateJwk, jwks }: ClientKeyPair, terminal: Terminal): void {
  terminal.out('Private JWK, secret: the option privateKey, from a secret store');
  terminal.out(JSON.stringify(privateJwk));
  terminal.out('\nPublic JWK set: register it, or the URL of /fhir/jwks.json, with the EHR');
  terminal.out(JSON.stringify(jwks, null, 2));
}

/** A file that is there is kept: a key that is in use cannot be made again. */
async function write({ privateJwk, jwks }: ClientKeyPair, folder: string, terminal: Terminal): Promise<void> {
  await mkdir(folder, { recursive: true });
  const files = [
    { path: join(folder, 'private.jwk.json'), json: privateJwk, mode: 0o600 },
    { path: join(folder, 'jwks.json'), json: jwks, mode: 0o644 },
  ];
  for (const { path, json, mode } of files) {
    await writeFile(path, `${JSON.stringify(json, null, 2)}\n`, { mode, flag: 'wx' }).catch(
      ({ code }: NodeJS.ErrnoException) => {
        throw new Error(
          `--out: ${path} cannot be written (${code === 'EEXIST' ? 'it is there already' : code})`,
        );
      },
    );
    terminal.out(`Wrote ${path}`);
  }
}
