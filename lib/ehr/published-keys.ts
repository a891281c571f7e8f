import { isDeepStrictEqual } from 'node:util';
import type { JWK } from 'jose';
import { signingKeys } from './client-authentication.js';
import type { SigningKey } from './client-keys.js';
import type { ClientPrivateKey, KnownFhirServer, SmartClientConfiguration } from './known-fhir-server.js';

type WithKeys = Pick<SmartClientConfiguration, 'privateKey' | 'knownFhirServers'>;

/** Keys by the option that holds them. All of them are published in one JWKS, where EHRs find them by kid. */
export function keysByOption(configuration: WithKeys): [option: string, keys: SigningKey[]][] {
  return [
    ...(configuration.knownFhirServers ?? []).map((server, index): [string, SigningKey[]] => [
      `client.knownFhirServers[${index}].privateKey`,
      keysOf(server),
    ]),
    ['client.privateKey', clientKeys(configuration)],
  ];
}

/** Public keys for the JWKS route: of every known server, and those of `client.privateKey`. */
export function publishedKeys(configuration: WithKeys): JWK[] {
  const keys = keysByOption(configuration).flatMap(([, ofOption]) => ofOption);
  const byKid = new Map(keys.map(({ kid, publicJwk }) => [kid, publicJwk]));
  return [...byKid.values()].filter((key) => key !== undefined);
}

/** Names of the keys that a server signs with and the JWKS route does not publish. */
export function unpublishedKids(configuration: WithKeys, server: KnownFhirServer): string[] {
  const published = publishedKeys(configuration);
  return keysOf(server)
    .filter(({ kid, publicJwk }) => {
      const known = published.find((key) => key.kid === kid);
      return known === undefined || (publicJwk !== undefined && !isSameKey(known, publicJwk));
    })
    .map(({ kid }) => kid);
}

export function isSameKey(one: JWK | undefined, other: JWK | undefined): boolean {
  return isDeepStrictEqual({ ...one }, { ...other });
}

function clientKeys(configuration: { privateKey?: ClientPrivateKey | ClientPrivateKey[] }): SigningKey[] {
  const { privateKey } = configuration;
  return privateKey === undefined ? [] : signingKeys(configuration as { privateKey: ClientPrivateKey });
}

function keysOf(server: KnownFhirServer): SigningKey[] {
  return server.type === 'confidential-asymmetric' ? signingKeys(server) : [];
}
