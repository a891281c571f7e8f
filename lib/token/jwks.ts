import QuickLRU from 'quick-lru';
import type { JSONWebKeySet } from 'jose';
import type { HttpClient } from '../http/http-client.js';
import { isJsonObject, parseJsonObject } from '../http/json.js';

interface Known {
  keys: JSONWebKeySet;
  fetchedAt: number;
  /** when an unknown key last made us ask again */
  askedAgainAt: number;
}

const COOLDOWN_MS = 30_000;
const MAX_REMEMBERED = 500;

/**
 * The servers' public keys. A token signed with a key we do not know makes us ask once more, at most every
 * 30 s a server, so that a rotated key gets through and a forger cannot make us hammer the EHR.
 */
export class JwksCache {
  readonly #known: QuickLRU<string, Known>;
  readonly #pending = new Map<string, Promise<Known>>();

  constructor(
    private readonly http: HttpClient,
    private readonly ttlMs: number,
  ) {
    this.#known = new QuickLRU({ maxSize: MAX_REMEMBERED });
  }

  /** @param trusted whether the operator named the server, see HttpRequest */
  async get(jwksUri: string, trusted = false): Promise<JSONWebKeySet> {
    const known = this.#known.get(jwksUri);
    if (known && Date.now() - known.fetchedAt < this.ttlMs) return known.keys;
    return (await this.#fetch(jwksUri, trusted)).keys;
  }

  /** Newer keys than the ones that did not fit: asks again, or undefined while cooling down. */
  async getAgain(jwksUri: string, unfit: JSONWebKeySet, trusted = false): Promise<JSONWebKeySet | undefined> {
    const pending = this.#pending.get(jwksUri);
    if (pending) return (await pending).keys;
    const known = this.#known.get(jwksUri);
    // another login that met the same rotated key was faster
    if (known && known.keys !== unfit) return known.keys;
    const now = Date.now();
    if (known && now - known.askedAgainAt < COOLDOWN_MS) return undefined;
    if (known) known.askedAgainAt = now;
    const fetched = await this.#fetch(jwksUri, trusted);
    fetched.askedAgainAt = now;
    return fetched.keys;
  }

  #fetch(jwksUri: string, trusted: boolean): Promise<Known> {
    let pending = this.#pending.get(jwksUri);
    if (!pending) {
      pending = this.#request(jwksUri, trusted).finally(() => this.#pending.delete(jwksUri));
      this.#pending.set(jwksUri, pending);
    }
    return pending;
  }

  async #request(jwksUri: string, trusted: boolean): Promise<Known> {
    const answer = await this.http.send({
      method: 'GET',
      url: new URL(jwksUri),
      headers: { accept: 'application/json, application/jwk-set+json' },
      trusted,
    });
    if (answer.status !== 200) throw new Error(`The JWKS answered with status ${answer.status}`);
    const document = parseJsonObject(answer.body);
    if (!document || !Array.isArray(document.keys)) throw new Error('The JWKS is not a JWK set');
    const keys = document.keys.filter(isJsonObject);
    const known = {
      keys: { keys },
      fetchedAt: Date.now(),
      askedAgainAt: this.#known.get(jwksUri)?.askedAgainAt ?? 0,
    };
    this.#known.set(jwksUri, known);
    return known;
  }
}
