import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { JWK } from 'jose';
import type { ClientSigner } from '../../lib/ehr/known-fhir-server.js';

/** A key management service in a process of its own: this one sees public keys and signatures. */
export class Kms {
  /** kid of each signature so far */
  readonly signedWith: string[] = [];
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #calls = 0;

  constructor() {
    // without the flags that Jest needs
    this.#child = fork(fileURLToPath(new URL('kms-process.mjs', import.meta.url)), { execArgv: [] });
    this.#child.on('message', ({ id, result }: { id: number; result: unknown }) => {
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    });
  }

  /** Makes a key; what is answered is what an app configures. */
  async key(alg: 'ES384' | 'RS384', kid: string): Promise<ClientSigner> {
    const publicJwk = await this.#ask<JWK>('make', { kid, alg });
    const sign = async (data: Uint8Array) => {
      this.signedWith.push(kid);
      const signature = await this.#ask<string>('sign', { kid, data: Buffer.from(data).toString('base64') });
      return Buffer.from(signature, 'base64');
    };
    return { sign, kid, alg, publicJwk };
  }

  /** Whether a text holds a private key, which only the service can tell. */
  async finds(text: string): Promise<boolean> {
    if (!(await this.#ask<boolean>('findsItself', {}))) throw new Error('The search finds nothing at all');
    return this.#ask('isIn', { text });
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }

  #ask<T>(operation: string, parameters: object): Promise<T> {
    const id = (this.#calls += 1);
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, resolve as (result: unknown) => void);
      this.#child.send({ id, operation, ...parameters }, (error) => error && reject(error));
    });
  }
}
