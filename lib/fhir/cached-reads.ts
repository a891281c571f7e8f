import { parseJson } from '../http/json.js';
import { SmartError } from '../smart-error.js';
import type { PreparedCall, ReadCache, SendCall } from './exchange.js';
import type { FhirHttpAnswer } from './fhir-http.js';
import type { FhirReadOptions } from './request-options.js';

/** One launch's entries, as they stand now. */
export interface ReadStore {
  get(name: string): Promise<string | undefined>;
  set(name: string, value: string, ttlMs: number): Promise<void>;
}

/** Where one launch's reads are kept. */
export interface ReadStores {
  /** undefined: nothing may be kept now */
  open(): Promise<ReadStore | undefined>;
  /** What was kept is never found again. Never rejects. */
  drop(): Promise<void>;
}

interface Entry {
  /** epoch milliseconds */
  keptAt: number;
  status: number;
  headers: FhirHttpAnswer['headers'];
  text: string;
}

const MAX_TTL_MS = 3_600_000;
/** how long an answer with an ETag is kept, to be asked for again cheaply */
const REVALIDATE_MS = 10 * 60_000;
/** characters; larger answers are not kept */
const MAX_LENGTH = 256 * 1024;

/**
 * Answers of GETs, kept by URL and headers. One that is too old is asked for with its ETag. A store that is down is a
 * cache that is empty. `Cache-Control` is obeyed (RFC 9111): `no-store`, `no-cache`, and a `max-age` or `s-maxage` that
 * is shorter than the time an answer may be used here; so is `Vary: *`.
 */
export class CachedReads implements ReadCache {
  constructor(
    private readonly stores: ReadStores,
    private readonly options: { ttlMs: number; always: boolean },
  ) {}

  ttlMs(option: FhirReadOptions['cache']): number | undefined {
    if (option === undefined ? !this.options.always : option === false) return undefined;
    return Math.min(typeof option === 'object' ? option.ttlMs : this.options.ttlMs, MAX_TTL_MS);
  }

  async read(call: PreparedCall, ttlMs: number, send: SendCall): Promise<FhirHttpAnswer | SmartError> {
    const { headers, url } = call;
    // The caller has conditions of its own.
    if (Object.keys(headers).some((name) => name.startsWith('if-'))) return send(call);
    const store = await this.stores.open().catch(() => undefined);
    if (!store) return send(call);
    const name = JSON.stringify([url.href, headers]);
    const entry = readEntry(await store.get(name).catch(() => undefined));
    const ageMs = entry === undefined ? Infinity : Date.now() - entry.keptAt;
    if (entry && ageMs >= 0 && ageMs < Math.min(ttlMs, freshMs(entry.headers))) return answerOf(entry, url);
    const etag = entry?.headers.etag;
    const answer = await send(
      typeof etag === 'string'
        ? { ...call, headers: { ...headers, 'if-none-match': etag }, isRevalidation: true }
        : call,
    );
    const keep = (value: Entry | null, keepMs: number) =>
      store.set(name, JSON.stringify(value), Math.max(1, keepMs)).catch(() => undefined);
    if (answer instanceof SmartError) {
      // it may be gone, or no longer allowed
      if (entry && answer.error === 'fhir_request_failed') await keep(null, 1);
      return answer;
    }
    const isUnchanged = entry !== undefined && answer.status === 304;
    const kept: Entry = isUnchanged
      ? { ...entry, keptAt: Date.now(), headers: updated(entry.headers, answer.headers) }
      : { keptAt: Date.now(), status: answer.status, headers: answer.headers, text: answer.bytes.toString() };
    const keepMs = hasEtag(kept) ? Math.max(ttlMs, REVALIDATE_MS) : Math.min(ttlMs, freshMs(kept.headers));
    if (mayBeKept(kept) && keepMs > 0) await keep(kept, keepMs);
    // the newer answer was seen: a request that takes older ones must not go back behind it
    else if (entry) await keep(null, 1);
    return isUnchanged ? answerOf(kept, url) : answer;
  }

  async drop(): Promise<void> {
    await this.stores.drop();
  }
}

function mayBeKept({ status, headers, text }: Entry): boolean {
  return status === 200 && text.length > 0 && text.length <= MAX_LENGTH && isStorable(headers);
}

function isStorable(headers: Entry['headers']): boolean {
  return !says(headers, 'no-store') && !listOf(headers.vary).includes('*');
}

/** What a 304 says anew about keeping the answer (RFC 9111 3.2); the rest is the answer's own. */
function updated(kept: Entry['headers'], given: Entry['headers']): Entry['headers'] {
  const { 'cache-control': control = kept['cache-control'], vary = kept.vary, age } = given;
  return { ...kept, 'cache-control': control, vary, age };
}

function hasEtag({ headers }: Entry): boolean {
  return typeof headers.etag === 'string';
}

function says(headers: Entry['headers'], directive: string): boolean {
  return listOf(headers['cache-control']).includes(directive);
}

/** Milliseconds that the server lets an answer be used unasked (RFC 9111 4.2.1); one that cannot be read is none. */
function freshMs(headers: Entry['headers']): number {
  if (says(headers, 'no-cache')) return 0;
  const limits = listOf(headers['cache-control']).flatMap((directive) => {
    const [name = '', value = ''] = directive.split('=').map((part) => part.trim());
    if (name !== 'max-age' && name !== 's-maxage') return [];
    return [seconds(value.replace(/^"(.*)"$/, '$1')) ?? 0];
  });
  if (limits.length === 0) return Infinity;
  const age = seconds(listOf(headers.age)[0] ?? '') ?? 0;
  return Math.max(0, Math.min(...limits) - age) * 1_000;
}

function seconds(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function listOf(header: string | string[] | undefined): string[] {
  return String(header ?? '')
    .toLowerCase()
    .split(',')
    .map((item) => item.trim());
}

function readEntry(text: string | undefined): Entry | undefined {
  if (text === undefined) return undefined;
  try {
    return (JSON.parse(text) as Entry | null) ?? undefined;
  } catch {
    return undefined;
  }
}

function answerOf({ status, headers, text }: Entry, url: URL): FhirHttpAnswer {
  const bytes = Buffer.from(text);
  const header = (name: string) => {
    const value = headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  };
  return { status, headers, header, url, bytes, body: parseJson(bytes) };
}
