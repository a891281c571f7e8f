import { SmartError } from '../smart-error.js';
import type { ReadResource, SmartLaunchModuleOptions } from './module-options.js';

/** The resource of a reference `<Type>/<id>`, as this user may read it; 404 otherwise. */
export async function readableResource(
  reference: string,
  options: Pick<SmartLaunchModuleOptions, 'readResource'>,
  request: object,
): Promise<ReadResource | SmartError> {
  const [type, id] = reference.split('/');
  const resource = await options.readResource(reference, request);
  if (resource && resource.resourceType === type && resource.id === id) return resource;
  const message = `There is no such ${type}, or it may not be read`;
  return new SmartError('invalid_launch_request', message, { status: 404 });
}
