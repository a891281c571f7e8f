import { isFhirId } from '../ehr/launch-context.js';
import { SmartError } from '../smart-error.js';
import type { LaunchMembers } from './launch-members.js';
import type { SmartLaunchModuleOptions } from './module-options.js';
import { readableResource } from './readable-resource.js';

const MAX_REFERENCES = 100;

/**
 * What keeps this user from handing on a `fhirContext`: a resource of this server that is not there, or may not be
 * read. References to other servers, identifiers and canonicals are the app's to resolve.
 */
export async function unreadableContext(
  { fhirContext = [] }: LaunchMembers,
  options: Pick<SmartLaunchModuleOptions, 'readResource' | 'fhirBaseUrl'>,
  request: object,
): Promise<SmartError | undefined> {
  const local = new Set<string>();
  for (const { reference } of fhirContext) {
    if (reference === undefined) continue;
    const path = pathBelowBase(reference, options.fhirBaseUrl);
    if (path === undefined) continue;
    const resource = resourceOf(path);
    if (resource === undefined)
      return refused('A reference of fhirContext must be <Type>/<id>, or a URL of another server');
    local.add(resource);
  }
  if (local.size > MAX_REFERENCES)
    return refused(`fhirContext must have at most ${MAX_REFERENCES} references`);
  for (const reference of local) {
    const resource = await readableResource(reference, options, request);
    if (resource instanceof SmartError) return resource;
  }
  return undefined;
}

/** What follows the FHIR base, as a client would resolve it; undefined for a URL that is elsewhere. */
function pathBelowBase(reference: string, fhirBaseUrl: string): string | undefined {
  if (!URL.canParse(reference)) return reference;
  const { href } = new URL(reference);
  const base = `${new URL(fhirBaseUrl).href.replace(/\/+$/, '')}/`;
  return href.startsWith(base) ? href.slice(base.length) : undefined;
}

function resourceOf(path: string): string | undefined {
  const [, type, id] =
    /^([A-Z][A-Za-z]{0,63})\/([^/]+)(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/.exec(path) ?? [];
  return isFhirId(id) ? `${type}/${id}` : undefined;
}

function refused(message: string): SmartError {
  return new SmartError('invalid_launch_request', message);
}
