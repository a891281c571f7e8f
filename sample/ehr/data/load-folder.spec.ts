import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Bundle, FhirResource } from 'fhir/r4.js';

import { FhirStore } from '../fhir/fhir-store.js';
import { loadFolder } from './load-folder.js';

const PATIENT = 'd8e20eac-1721-4a71-ba98-c23d32e75105';

const bundle: Bundle<FhirResource> = {
  resourceType: 'Bundle',
  type: 'transaction',
  entry: [
    {
      fullUrl: `urn:uuid:${PATIENT}`,
      resource: { resourceType: 'Patient', id: PATIENT, name: [{ family: 'Echevarría' }] },
      request: { method: 'POST', url: 'Patient' },
    },
    {
      fullUrl: 'urn:uuid:312c7442-4dfc-4f80-a23a-6286ab659f96',
      resource: { resourceType: 'Condition', subject: { reference: `urn:uuid:${PATIENT}` } },
      request: { method: 'POST', url: 'Condition' },
    },
  ],
};

describe('loadFolder', () => {
  let dir = '';
  let store: FhirStore;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'bundles-'));
    store = new FhirStore();
  });

  afterEach(() => rm(dir, { recursive: true }));

  it('loads transactions under the ids they carry, with non-ASCII letters in file and name', async () => {
    await writeFile(join(dir, 'Carla_Echevarría.json'), JSON.stringify(bundle));
    await writeFile(join(dir, 'README.md'), 'not a Bundle');
    await expect(loadFolder(store, dir)).resolves.toEqual({ files: 1, resources: 2 });
    expect(store.read('Patient', PATIENT).name?.[0]?.family).toBe('Echevarría');
    const condition = store.read('Condition', '312c7442-4dfc-4f80-a23a-6286ab659f96');
    expect(condition.subject.reference).toBe(`Patient/${PATIENT}`);
  });

  it.each([
    ['{', /broken\.json is not JSON/],
    ['{"resourceType":"Patient"}', /broken\.json is not a transaction Bundle/],
    [
      JSON.stringify({ ...bundle, entry: bundle.entry?.slice(1) }),
      /broken\.json: .*Bundle\.entry\[0\].*urn:uuid/,
    ],
  ])('says which file is at fault: %s', async (content, message) => {
    await writeFile(join(dir, 'broken.json'), content);
    await expect(loadFolder(store, dir)).rejects.toThrow(message);
  });
});
