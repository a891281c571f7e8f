import { exportJWK, importJWK } from 'jose';
import type { CryptoKey, JWK } from 'jose';
import * as oidc from 'openid-client';
import QuickLRU from 'quick-lru';
import type { SmartConfiguration } from '../ehr/smart-configuration.js';
import type { HttpAnswer } from '../http/http-client.js';
import { SmartError } from '../smart-error.js';

/** what we sign proofs with, the preferred one first */
const ALGORITHMS = ['ES256', 'ES384', 'ES512'];
const MAX_REMEMBERED = 1_000;
/** NQCHAR (RFC 6749 appendix A); a nonce is repeated in a header of every request */
const NONCE = /^[\x21\x23-\x5b\x5d-\x7e]{1,1000}$/;

/** Handles know the last nonce of each server, so they are kept with their keys; a new one costs a round trip. */
const handles = new QuickLRU<string, Promise<oidc.DPoPHandle>>({ maxSize: MAX_REMEMBERED });

/** A private key for one launch's tokens (DPoP, RFC 9449), in an algorithm that the server takes. */
export async function newDpopKey(server: SmartConfiguration): Promise<JWK | SmartError> {
  const offered = server.dpop_signing_alg_values_supported ?? [];
  const alg = ALGORITHMS.find((name) => offered.includes(name));
  if (alg === undefined) {
    return new SmartError(
      'discovery_failed',
      `The known server has dpop: true, and its SMART configuration lists none of ${ALGORITHMS.join(', ')} in dpop_signing_alg_values_supported`,
    );
  }
  const { privateKey } = await oidc.randomDPoPKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg };
}

/** What openid-client signs proofs with at the authorization server. */
export function dpopHandle(key: JWK): Promise<oidc.DPoPHandle> {
  const name = `${key.x} ${key.y}`;
  let handle = handles.get(name);
  if (!handle) handles.set(name, (handle = readHandle(key)));
  return handle;
}

async function readHandle(key: JWK): Promise<oidc.DPoPHandle> {
  const { d: _private, ...publicJwk } = key;
  const privateKey = (await importJWK(key)) as CryptoKey;
  const publicKey = (await importJWK(publicJwk)) as CryptoKey;
  // it asks the configuration for nothing but a clock that is off
  const configuration = new oidc.Configuration({ issuer: 'https://as.invalid' }, 'client');
  return oidc.getDPoPHandle(configuration, { privateKey, publicKey });
}

/** The nonce that an answer tells us to use from now on (RFC 9449 8.2). */
export function dpopNonce(answer: Pick<HttpAnswer, 'header'>): string | undefined {
  const nonce = answer.header('dpop-nonce');
  return nonce !== undefined && NONCE.test(nonce) ? nonce : undefined;
}

/**
 * How a FHIR request shows a token that is bound to a key (RFC 9449 7): with a new proof each time, and once more
 * where the server wants its nonce in it.
 */
export function showWithProof(key: JWK, accessToken: string) {
  return async (
    { method, url }: { method: string; url: URL },
    send: (headers: Record<string, string>) => Promise<HttpAnswer>,
  ): Promise<HttpAnswer> => {
    const configuration = new oidc.Configuration({ issuer: url.origin }, 'client');
    // Which schemes are allowed was decided at the launch.
    oidc.allowInsecureRequests(configuration);
    let last: Promise<HttpAnswer> | undefined;
    configuration[oidc.customFetch] = async (_url, { headers: { authorization, dpop } }) => {
      last = send({ authorization: authorization!, dpop: dpop! });
      return challengeOf(await last);
    };
    const proof = { DPoP: await dpopHandle(key) };
    try {
      await oidc.fetchProtectedResource(configuration, accessToken, url, method, null, undefined, proof);
    } catch (error) {
      // it throws what the server answers, too
      if (!last) throw error;
    }
    return last!;
  };
}

/** All that openid-client needs of a FHIR server's answer: whether a nonce is wanted, and which. */
function challengeOf(answer: HttpAnswer): Response {
  const nonce = dpopNonce(answer);
  const challenge = answer.status === 401 ? answer.header('www-authenticate') : undefined;
  return new Response(null, {
    status: answer.status === 401 ? 401 : 200,
    headers: {
      ...(nonce !== undefined && { 'dpop-nonce': nonce }),
      ...(challenge !== undefined && { 'www-authenticate': challenge }),
    },
  });
}
