import type { SmartError } from '../smart-error.js';
import type { FhirHttpAnswer } from './fhir-http.js';
import { asOperationOutcome } from './operation-outcome.js';
import { isAsked, notAsked } from './response.js';

type Given = { resourceType: string; id?: string };

/**
 * What the server stored of a write; a server that answers without a body says at least where it is.
 *
 * @param isSame the write named the resource, so that another one cannot be the answer
 */
export function stored<T>(resource: Given, answer: FhirHttpAnswer, isSame: boolean): T | SmartError {
  const { body } = answer;
  const asked = { type: resource.resourceType, id: resource.id ?? '' };
  if ((body as Partial<Given> | undefined)?.resourceType === asked.type) {
    return !isSame || isAsked(body, asked) ? (body as T) : notAsked(asked);
  }
  const isOther = body !== undefined && body !== null && !asOperationOutcome(body);
  const id = locatedId(answer);
  if (isSame && (isOther || (id !== undefined && id !== asked.id))) return notAsked(asked);
  return (id === undefined ? resource : { ...resource, id }) as T;
}

function locatedId({ header }: FhirHttpAnswer): string | undefined {
  const location = header('location') ?? '';
  return /(?:^|\/)[A-Z][A-Za-z]+\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/|$)/.exec(location)?.[1];
}
