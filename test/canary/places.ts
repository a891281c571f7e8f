import { inspect } from 'node:util';
import { jest } from '@jest/globals';
import type { Secrets } from './secrets.js';

/** Everything written to the terminal from now on; nothing of it gets there. */
export function captureOutput(): { text(): string; stop(): void } {
  const chunks: string[] = [];
  const keep = (chunk: unknown): boolean => {
    chunks.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk as Uint8Array).toString('utf8'));
    return true;
  };
  const spies = [process.stdout, process.stderr].map((stream) =>
    jest.spyOn(stream, 'write').mockImplementation(keep),
  );
  const consoles = (['log', 'info', 'warn', 'error', 'debug', 'trace'] as const).map((method) =>
    jest
      .spyOn(console, method)
      .mockImplementation((...values: unknown[]) => void keep(values.map(shown).join(' '))),
  );
  return {
    text: () => chunks.join(''),
    stop: () => [...spies, ...consoles].forEach((spy) => spy.mockRestore()),
  };
}

/**
 * An error as a logger shows it at its most talkative: what is not enumerable too, except
 * `operationOutcome`, which is documented to hold what the server said and is hidden for that reason.
 */
export function shownError(error: unknown): string {
  if (!(error instanceof Error)) return shown(error);
  const members = Reflect.ownKeys(error)
    .filter((key) => key !== 'operationOutcome')
    .map((key) => `${String(key)}: ${shownError((error as unknown as Record<PropertyKey, unknown>)[key])}`);
  return [inspect(error, { depth: 9 }), String(error), JSON.stringify(error), ...members].join('\n');
}

export function shown(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value, { depth: 9, showHidden: true });
}

/** As `shown`, and as JSON, which calls `toJSON`. */
export function shownAndSerialized(value: unknown): string {
  return `${shown(value)}\n${JSON.stringify(value)}`;
}

/** Where secrets were found, in words that hold none. */
export class Search {
  readonly #leaks = new Set<string>();

  constructor(private readonly secrets: Secrets) {}

  in(place: string, text: string, allowed: readonly string[] = []): void {
    for (const name of this.secrets.in(text, allowed)) this.#leaks.add(`${name} in ${place}`);
  }

  get leaks(): string[] {
    return [...this.#leaks].sort();
  }
}
