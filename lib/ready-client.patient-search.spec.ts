import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Bundle, FhirResource, Observation, Patient } from 'fhir/r4.js';
import { clientWith } from '../test/support/client-with.js';
import { EhrServer } from '../test/support/ehr-server.js';
import { CONTEXT, httpClient } from '../test/support/launch-parts.js';
import type { ReadyClient } from './ready-client.js';

const http = httpClient();
let ehr: EhrServer;
let fhir: ReadyClient;
let dropped: string[];

beforeAll(async () => void (ehr = await EhrServer.start()));
afterAll(async () => {
  await http.close();
  await ehr.close();
});
beforeEach(() => {
  ehr.reset();
  ({ fhir, dropped } = clientWith(`${ehr.url}/fhir`, http));
});

const observation = (id: string, patient: string): Observation => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: {},
  subject: { reference: `Patient/${patient}` },
});

function answer(resources: FhirResource[], next?: string): { json: Bundle } {
  return {
    json: {
      resourceType: 'Bundle',
      type: 'searchset',
      ...(next !== undefined && { link: [{ relation: 'next', url: next }] }),
      entry: resources.map((resource) => ({ resource })),
    },
  };
}

const MINE = observation('mine', 'patient-1');
const ANOTHERS = observation('anothers', 'patient-2');

describe('a search about the patient of the launch', () => {
  it('asks for what is about the patient', async () => {
    ehr.respondWith(() => answer([MINE]));
    const search = fhir.patient.search('Observation', { category: 'vital-signs' });
    expect((await search.toArray()).map(({ id }) => id)).toEqual(['mine']);
    expect(ehr.requests.map(({ target }) => target)).toEqual([
      '/fhir/Observation?patient=Patient%2Fpatient-1&category=vital-signs',
    ]);
    expect(dropped).toEqual([]);
  });

  it('asks for the patient by _id', async () => {
    const patient: Patient = { resourceType: 'Patient', id: 'patient-1' };
    ehr.respondWith(() => answer([patient]));
    expect(await fhir.patient.search('Patient').first()).toEqual(patient);
    expect(ehr.requests[0]!.target).toBe('/fhir/Patient?_id=patient-1');
  });

  it('leaves out what belongs to another, on every page, and reports it once', async () => {
    ehr.respondWith(({ query }) =>
      query.has('page') ? answer([ANOTHERS]) : answer([ANOTHERS, MINE], 'Observation?page=2'),
    );
    const search = fhir.patient.search('Observation');
    expect((await search.toArray()).map(({ id }) => id)).toEqual(['mine']);
    expect(dropped).toEqual(['Observation 2']);
    for await (const page of search.pages()) {
      expect(page.entry?.map(({ resource }) => resource?.id)).not.toContain('anothers');
    }
    expect(dropped).toEqual(['Observation 2', 'Observation 2']);
    expect((await search.first())?.id).toBe('mine');
    for await (const match of search.matches()) expect(match.id).toBe('mine');
  });

  it('reads on for a first or a limit that is the patient’s own', async () => {
    ehr.respondWith(({ query }) =>
      query.has('page') ? answer([MINE]) : answer([ANOTHERS], 'Observation?page=2'),
    );
    expect((await fhir.patient.search('Observation').first())?.id).toBe('mine');
    expect(await fhir.patient.search('Observation').toArray({ limit: 1 })).toEqual([MINE]);
    expect(dropped).toEqual(['Observation 1', 'Observation 1']);
  });

  it('reports what it left out when the caller stops, too', async () => {
    const isAhead = new Promise<void>((resolve) => {
      ehr.respondWith(({ query }) => {
        if (query.has('page')) resolve();
        return query.has('page') ? 'silence' : answer([ANOTHERS, MINE], 'Observation?page=2');
      });
    });
    for await (const { id } of fhir.patient.search('Observation')) {
      expect(id).toBe('mine');
      await isAhead;
      break;
    }
    expect(dropped).toEqual(['Observation 1']);
  });

  it.each(['patient-2', 'Patient/patient-2', 'patient-1,patient-2'])(
    'sends nothing for another patient: %s',
    async (patient) => {
      await expect(fhir.patient.search('Observation', { patient }).toArray()).rejects.toMatchObject({
        error: 'invalid_request',
        message: expect.not.stringContaining('patient-'),
      });
      await expect(fhir.patient.search('Observation', { patient }).total()).rejects.toMatchObject({
        error: 'invalid_request',
      });
      expect(ehr.requests).toEqual([]);
    },
  );

  it('sends nothing for a type that is about nobody', async () => {
    await expect(fhir.patient.search('Practitioner' as never).first()).rejects.toMatchObject({
      error: 'invalid_request',
    });
    expect(ehr.requests).toEqual([]);
  });

  it('sends nothing where the launch has no patient', async () => {
    const context = { ...CONTEXT, patient: null };
    const { fhir: nobody } = clientWith(`${ehr.url}/fhir`, http, { context });
    for (const reading of [
      nobody.patient.search('Observation').first(),
      nobody.patient.search('Observation').total(),
      nobody.patient.search('Observation').toArray(),
    ]) {
      await expect(reading).rejects.toMatchObject({ error: 'missing_context', missing: ['patient'] });
    }
    expect(ehr.requests).toEqual([]);
  });

  it('stays with the patient where the query is POSTed', async () => {
    ehr.respondWith(() => answer([MINE, ANOTHERS]));
    const search = fhir.patient.search('Observation', { code: { or: ['a', 'b'] } }, { method: 'POST' });
    expect(await search.toArray()).toEqual([MINE]);
    expect([...ehr.requests[0]!.form]).toEqual([
      ['patient', 'Patient/patient-1'],
      ['code', 'a,b'],
    ]);
  });
});
