import QuickLRU from 'quick-lru';
import type { JSONWebKeySet, JWK } from 'jose';
import type { HttpClient } from '../http/http-client.js';
import { isJsonObject, parseJsonObject } from '../http/json.js';
import type { JsonObject } from '../http/json.js';

interface Known {
  keys: JSONWebKeySet;
  fetchedAt: number;
  /** when an unknown key last made us ask again */
  askedAgainAt: number;
}

const COOLDOWN_MS = 30_000;
const MAX_REMEMBERED = 500;
/** a token without kid is tried with every key that fits, and whoever names a JWKS decides how many those are */
const MAX_KEYS = 100;
/** an RSA modulus of 16,384 bits has 2,731 characters */
const MAX_MEMBER_LENGTH = 4_096;
const MEMBERS = ['kty', 'use', 'alg', 'kid', 'n', 'e', 'crv', 'x', 'y'] as const;

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
    const known = this.#known.get(nameOf(jwksUri, trusted));
    if (known && Date.now() - known.fetchedAt < this.ttlMs) return known.keys;
    return (await this.#fetch(jwksUri, trusted)).keys;
  }

  /** Newer keys than the ones that did not fit: asks again, or undefined while cooling down. */
  async getAgain(jwksUri: string, unfit: JSONWebKeySet, trusted = false): Promise<JSONWebKeySet | undefined> {
    const name = nameOf(jwksUri, trusted);
    const pending = this.#pending.get(name);
    if (pending) return (await pending).keys;
    const known = this.#known.get(name);
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
    const name = nameOf(jwksUri, trusted);
    let pending = this.#pending.get(name);
    if (!pending) {
      pending = this.#request(jwksUri, trusted).finally(() => this.#pending.delete(name));
      this.#pending.set(name, pending);
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
    const keys = document.keys.slice(0, MAX_KEYS).filter(isJsonObject).filter(isPublic).map(verificationKey);
    const name = nameOf(jwksUri, trusted);
    const known = {
      keys: { keys },
      fetchedAt: Date.now(),
      askedAgainAt: this.#known.get(name)?.askedAgainAt ?? 0,
    };
    this.#known.set(name, known);
    return known;
  }
}

/** A stranger who names a known EHR's JWKS gets neither past the egress policy nor into its cool-down. */
function nameOf(jwksUri: string, trusted: boolean): string {
  return `${trusted ? 'known' : 'any'} ${jwksUri}`;
}

/** Who publishes a private key has told everybody how to sign (B-26). */
function isPublic(jwk: JsonObject): boolean {
  return !['d', 'k'].some((name) => Object.hasOwn(jwk, name));
}

/** What verifies a signature; certificates and members of somebody's own are not kept for every login. */
function verificationKey(jwk: JsonObject): JWK {
  const operations = Array.isArray(jwk.key_ops) ? jwk.key_ops.slice(0, 10).filter(isShort) : undefined;
  const members = MEMBERS.map((name) => [name, jwk[name]] as const).filter(([, value]) => isShort(value));
  return { ...(Object.fromEntries(members) as JWK), ...(operations && { key_ops: operations }) };
}

function isShort(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_MEMBER_LENGTH;
}
