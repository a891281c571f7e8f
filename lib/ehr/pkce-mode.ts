import type { PkceMode, SmartClientConfiguration } from './known-fhir-server.js';

const PKCE_MODES: PkceMode[] = ['required', 'ifSupported', 'disabled', 'unsafeV1'];

/** @param standard the mode of servers that set none */
export function checkPkceModes(configuration: SmartClientConfiguration, standard?: PkceMode): string[] {
  const oneOf = `must be one of ${PKCE_MODES.join(', ')}`;
  const noPublic = 'must not be disabled for a public client: nothing else protects its code';
  const mistakes =
    standard === undefined || PKCE_MODES.includes(standard) ? [] : [`options.pkceMode ${oneOf}`];
  if (standard === 'disabled' && configuration.allowAnyIssuer) {
    mistakes.push(`options.pkceMode ${noPublic}, as every client of allowAnyIssuer is`);
  }
  (configuration.knownFhirServers ?? []).forEach(({ pkceMode, type }, index) => {
    const path = `client.knownFhirServers[${index}].pkceMode`;
    if (pkceMode !== undefined && !PKCE_MODES.includes(pkceMode)) mistakes.push(`${path} ${oneOf}`);
    if (type === 'public' && (pkceMode ?? standard) === 'disabled') mistakes.push(`${path} ${noPublic}`);
  });
  return mistakes;
}

/** Names of the servers whose authorization codes have no PKCE to protect them. */
export function serversWithoutPkce(configuration: SmartClientConfiguration, standard?: PkceMode): string[] {
  const servers = configuration.knownFhirServers ?? [];
  return servers.flatMap(({ name, pkceMode }) => ((pkceMode ?? standard) === 'disabled' ? [name] : []));
}
