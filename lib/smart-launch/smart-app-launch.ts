import { createHash } from 'node:crypto';
import { randomId } from '../session/keys.js';
import { clientIdOf } from './client-application.js';
import type { ClientApplication } from './client-application.js';
import type { LaunchMembers } from './launch-members.js';

/** SMART sets no limit; ten minutes cover a login with a second factor. */
export const LAUNCH_LIFETIME_MS = 10 * 60_000;

/** A launch that waits for its app to come to the authorization endpoint. JSON: dates are epoch milliseconds. */
export interface SmartAppLaunch {
  /** SHA-256 of the handle, hex: a FHIR id that opens nothing */
  id: string;
  /** what it is for: the app, the user and the FHIR base; nobody else can take it */
  applicationId: string;
  clientId: string;
  userId: string;
  iss: string;
  context: LaunchMembers;
  createdAt: number;
  expiresAt: number;
}

/** A launch as a FHIR resource, in the shape of Medplum's. */
export interface SmartAppLaunchResource {
  resourceType: 'SmartAppLaunch';
  id: string;
  patient?: { reference: string };
  encounter?: { reference: string };
  fhirContext?: LaunchMembers['fhirContext'];
}

/**
 * A new launch with its handle: 256 random bits that the app hands back as `launch`. The launch itself has only the
 * handle's hash, so that a dump of the store launches nothing.
 *
 * For the tests of your authorization server, too: `save` the launch in the store that the module was given.
 */
export function issueSmartAppLaunch(parts: {
  application: ClientApplication;
  userId: string;
  /** the `fhirBaseUrl` of the module */
  iss: string;
  context: LaunchMembers;
}): { handle: string; launch: SmartAppLaunch } {
  const { application, userId, iss, context } = parts;
  const handle = randomId();
  const now = Date.now();
  const launch = {
    id: launchIdOf(handle),
    applicationId: application.id,
    clientId: clientIdOf(application),
    userId,
    iss,
    context,
    createdAt: now,
    expiresAt: now + LAUNCH_LIFETIME_MS,
  };
  return { handle, launch };
}

export function launchIdOf(handle: string): string {
  return createHash('sha256').update(handle).digest('hex');
}

export function launchResource({ id, context }: SmartAppLaunch): SmartAppLaunchResource {
  const { patient, encounter, fhirContext } = context;
  return {
    resourceType: 'SmartAppLaunch',
    id,
    ...(patient !== undefined && { patient: { reference: `Patient/${patient}` } }),
    ...(encounter !== undefined && { encounter: { reference: `Encounter/${encounter}` } }),
    ...(fhirContext && { fhirContext }),
  };
}
