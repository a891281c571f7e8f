import { Inject } from '@nestjs/common';
import type { InjectionToken } from '@nestjs/common';
import { BackendFhirClient } from '../../backend-fhir-client.js';

/** What the client of a backend is provided as: the class itself, or for a named one a token of its own. */
export function backendFhirClientToken(name?: string): InjectionToken<BackendFhirClient> {
  return name === undefined ? BackendFhirClient : `BackendFhirClient ${name}`;
}

/**
 * Injects the {@link BackendFhirClient} of a named backend.
 *
 * @example
 * constructor(@InjectBackendFhirClient('lab') private readonly lab: BackendFhirClient) {}
 */
export function InjectBackendFhirClient(name?: string): ReturnType<typeof Inject> {
  return Inject(backendFhirClientToken(name));
}
