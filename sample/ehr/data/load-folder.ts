import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { Bundle, BundleEntry, FhirResource } from 'fhir/r4.js';

import { FhirError } from '../fhir/fhir-error.js';
import type { FhirStore } from '../fhir/fhir-store.js';
import { runBundle } from '../fhir/run-bundle.js';

/** Runs the transaction Bundles (`*.json`) of a folder, in the order of their names. */
export async function loadFolder(
  store: FhirStore,
  dir: string,
): Promise<{ files: number; resources: number }> {
  const files = (await readdir(dir)).filter((name) => name.endsWith('.json')).sort();
  let resources = 0;
  for (const file of files) {
    const bundle = parseBundle(file, await readFile(join(dir, file), 'utf8'));
    resources += load(store, file, bundle);
  }
  return { files: files.length, resources };
}

function parseBundle(file: string, text: string): Bundle<FhirResource> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const bundle = content as Partial<Bundle<FhirResource>> | null;
  if (bundle?.resourceType !== 'Bundle' || bundle.type !== 'transaction') {
    throw new Error(`${file} is not a transaction Bundle`);
  }
  return bundle as Bundle<FhirResource>;
}

function load(store: FhirStore, file: string, bundle: Bundle<FhirResource>): number {
  try {
    return runBundle(store, { ...bundle, entry: (bundle.entry ?? []).map(keepId) }).entry?.length ?? 0;
  } catch (error) {
    if (error instanceof FhirError) throw new Error(`${file}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** What a Bundle would create gets the id it carries, so that a patient has the same URL after every start. */
function keepId(entry: BundleEntry<FhirResource>): BundleEntry<FhirResource> {
  const { resource, request } = entry;
  const id = resource?.id ?? /^urn:uuid:([A-Za-z0-9\-.]{1,64})$/.exec(entry.fullUrl ?? '')?.[1];
  if (!resource || !id || request?.method !== 'POST' || request.ifNoneExist !== undefined) return entry;
  return {
    ...entry,
    resource: { ...resource, id },
    request: { method: 'PUT', url: `${resource.resourceType}/${id}` },
  };
}
