import { isLoopback } from '../ehr/fhir-base-url.js';

/** An app that the EHR can launch, as Medplum's resource of this name has it. */
export interface ClientApplication {
  /** FHIR id: the `:id` of `ClientApplication/:id/$smart-launch` */
  id: string;
  /** shown to users */
  name: string;
  /** where a launch leads, registered with the app; https, or http on loopback. Left out: it cannot be launched */
  launchUri?: string;
  /** where the authorization server may send codes */
  redirectUris?: readonly string[];
  /** Default: `id` */
  clientId?: string;
  /** picture for a list of apps (RFC 7591 `logo_uri`) */
  logoUri?: string;
}

/** Where applications are registered: your client registry, as the user of `request` may see it. */
export interface ClientApplicationStore {
  /** Nothing where there is none, or none for this user; it may throw a Nest `HttpException`, too. */
  findById(
    id: string,
    request: object,
  ): ClientApplication | null | undefined | Promise<ClientApplication | null | undefined>;
}

export function clientIdOf({ id, clientId }: ClientApplication): string {
  return clientId ?? id;
}

/** The registered launch URL; undefined where there is none that a browser may be sent to. */
export function launchUrlOf({ launchUri }: ClientApplication): URL | undefined {
  if (typeof launchUri !== 'string' || !URL.canParse(launchUri)) return undefined;
  const url = new URL(launchUri);
  const isPlain = url.username === '' && url.password === '';
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
  return isPlain && isSafe ? url : undefined;
}

/** Where the browser goes (SMART 2.2 "EHR launch"): the app's own parameters stay, ours replace any of that name. */
export function withLaunchParameters(launchUrl: URL, iss: string, handle: string): string {
  const url = new URL(launchUrl);
  url.searchParams.set('iss', iss);
  url.searchParams.set('launch', handle);
  return url.href;
}

/** Names of applications that share a launch URL: which of them is launched, the app cannot tell. */
export function sharedLaunchUrls(applications: readonly ClientApplication[]): string[][] {
  const names = new Map<string, string[]>();
  for (const application of applications) {
    const url = launchUrlOf(application);
    if (!url) continue;
    url.hash = '';
    names.set(url.href, [...(names.get(url.href) ?? []), application.name]);
  }
  return [...names.values()].filter(({ length }) => length > 1);
}
