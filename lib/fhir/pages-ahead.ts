import type { Page } from './search-pages.js';
import type { SearchRequest } from './search-request.js';

/** Rejects with a SmartError. */
export type FetchPage = (request: SearchRequest, signal: AbortSignal) => Promise<Page>;

interface Fetched {
  page: Promise<Page>;
  abort: AbortController;
  isGuess: boolean;
}

/**
 * Pages on their way before they are asked for. The next one is the server's own link; those after it are guesses, made
 * where the links count on (`offset=50`, `offset=100`), and used only if the server then links to the very same. A guess
 * that failed was never asked for: where the server links there, the page is asked for anew.
 */
export class PagesAhead {
  readonly #ahead = new Map<string, Fetched>();
  readonly #running = new Set<AbortController>();
  #isStopped = false;
  #mayGuess = true;
  #current = '';

  constructor(private readonly fetchPage: FetchPage) {}

  /** The page of this request: the one on its way, or a new one. */
  take(request: SearchRequest): Promise<Page> {
    const { target } = request;
    this.#giveUpUnless(target);
    const fetched = this.#ahead.get(target);
    this.#ahead.delete(target);
    this.#current = target;
    return (fetched ? this.#linked(fetched, request) : this.#start(request)).page;
  }

  /** Sends for the next page, and for so many in all where the links tell which. */
  prepare(next: SearchRequest, pages: number): void {
    this.#giveUpUnless(next.target);
    const follows = this.#mayGuess ? counted(this.#current, next.target) : undefined;
    for (let step = 0; step < pages; step += 1) {
      const target = step === 0 ? next.target : follows?.(step);
      if (target === undefined) return;
      const fetched = this.#ahead.get(target);
      if (step === 0) this.#ahead.set(target, fetched ? this.#linked(fetched, next) : this.#start(next));
      else if (!fetched) this.#ahead.set(target, this.#start({ method: 'GET', target, isGuess: true }));
    }
  }

  /** Aborts what is on its way; nothing is sent after it. */
  stop(): void {
    this.#isStopped = true;
    for (const abort of this.#running) abort.abort();
    this.#ahead.clear();
  }

  /** The server counts otherwise: what was guessed is no page of this search. */
  #giveUpUnless(target: string): void {
    if (this.#ahead.size === 0 || this.#ahead.has(target)) return;
    this.#mayGuess = false;
    for (const { abort } of this.#ahead.values()) abort.abort();
    this.#ahead.clear();
  }

  /** What was guessed before the server linked to it. */
  #linked(fetched: Fetched, request: SearchRequest): Fetched {
    if (!fetched.isGuess) return fetched;
    const { abort } = fetched;
    const page = fetched.page.catch((error: unknown) => {
      if (abort.signal.aborted) throw error;
      return this.#start(request).page;
    });
    page.catch(() => undefined);
    return { page, abort, isGuess: false };
  }

  #start(request: SearchRequest): Fetched {
    const abort = new AbortController();
    this.#running.add(abort);
    if (this.#isStopped) abort.abort();
    const page = this.fetchPage(request, abort.signal).finally(() => this.#running.delete(abort));
    const isGuess = request.isGuess === true;
    // nobody may ever ask for it; and where one guess fails, others would
    page.catch(() => (this.#mayGuess &&= !isGuess));
    return { page, abort, isGuess };
  }
}

/** The links after these two, where they differ in one number that grows. */
function counted(before: string, next: string): ((steps: number) => string) | undefined {
  const [from, to] = [before.split(/(\d+)/), next.split(/(\d+)/)];
  const [at, ...others] = to.flatMap((part, index) => (part === from[index] ? [] : [index]));
  if (from.length !== to.length || at === undefined || others.length > 0 || at % 2 === 0) return undefined;
  const value = Number(to[at]);
  const step = value - Number(from[at]);
  if (step <= 0 || value > 1e12 || String(value) !== to[at]) return undefined;
  return (steps) => to.with(at, String(value + steps * step)).join('');
}
