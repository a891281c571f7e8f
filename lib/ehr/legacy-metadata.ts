import { isJsonObject } from '../http/json.js';
import type { JsonObject } from '../http/json.js';

const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris';

/** Names in the extension and in a SMART configuration. */
const MEMBERS = {
  authorize: 'authorization_endpoint',
  token: 'token_endpoint',
  register: 'registration_endpoint',
  manage: 'management_endpoint',
  introspect: 'introspection_endpoint',
  revoke: 'revocation_endpoint',
} as const;

/**
 * The endpoints in a capability statement (DSTU2: conformance statement) of SMART 1, as the members of a SMART
 * configuration; `undefined` where it has none. Where the extension is repeated, as for further authorization
 * servers, the first one with a token endpoint counts.
 */
export function legacyConfiguration(statement: JsonObject): JsonObject | undefined {
  const candidates = objects(statement.rest)
    .filter(({ mode }) => mode === undefined || mode === 'server')
    .flatMap(({ security }) => objects(isJsonObject(security) ? security.extension : undefined))
    .filter(({ url }) => url === OAUTH_URIS)
    .map(({ extension }) => endpoints(objects(extension)));
  return candidates.find(({ token_endpoint: token }) => token !== undefined);
}

function endpoints(extensions: JsonObject[]): JsonObject {
  const found: JsonObject = {};
  for (const { url, valueUri, valueUrl } of extensions) {
    const member = typeof url === 'string' && Object.hasOwn(MEMBERS, url) ? url : undefined;
    if (member) found[MEMBERS[member as keyof typeof MEMBERS]] ??= valueUri ?? valueUrl;
  }
  return found;
}

function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
