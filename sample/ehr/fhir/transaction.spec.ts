import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Bundle, BundleEntry, BundleEntryRequest, Condition, FhirResource, Patient } from 'fhir/r4.js';

import { FhirStore } from './fhir-store.js';
import { runBundle } from './run-bundle.js';

const PATIENT_URN = 'urn:uuid:11111111-1111-4111-8111-111111111111';
const ENCOUNTER_URN = 'urn:uuid:22222222-2222-4222-8222-222222222222';

type Method = BundleEntryRequest['method'];

function entry(
  method: Method,
  url: string,
  resource?: FhirResource,
  rest: Partial<BundleEntryRequest> & { fullUrl?: string } = {},
): BundleEntry<FhirResource> {
  const { fullUrl, ...conditions } = rest;
  return {
    ...(fullUrl ? { fullUrl } : {}),
    ...(resource ? { resource } : {}),
    request: { method, url, ...conditions },
  };
}

const condition = (patient: string): Condition => ({
  resourceType: 'Condition',
  subject: { reference: patient },
});

const patch = (operations: unknown): FhirResource => ({
  resourceType: 'Binary',
  contentType: 'application/json-patch+json',
  data: Buffer.from(JSON.stringify(operations)).toString('base64'),
});

describe('a Bundle', () => {
  let store: FhirStore;

  beforeEach(() => {
    let ids = 0;
    store = new FhirStore({ newId: () => `id-${(ids += 1)}` });
    store.update<Patient>({
      resourceType: 'Patient',
      id: 'ana',
      identifier: [{ system: 'urn:mrn', value: '1' }],
    });
  });

  const run = (
    type: 'batch' | 'transaction',
    ...entries: BundleEntry<FhirResource>[]
  ): Bundle<FhirResource> => runBundle(store, { resourceType: 'Bundle', type, entry: entries });
  const statuses = (bundle: Bundle<FhirResource>) => bundle.entry?.map(({ response }) => response?.status);
  const failing = (status: number, message: RegExp) =>
    expect.objectContaining({ status, message: expect.stringMatching(message) });

  describe('as a transaction', () => {
    it('resolves urn:uuid: names anywhere in the resources, forwards and backwards', () => {
      const answer = run(
        'transaction',
        entry(
          'POST',
          'Encounter',
          {
            resourceType: 'Encounter',
            status: 'finished',
            class: { code: 'AMB' },
            subject: { reference: PATIENT_URN },
            diagnosis: [{ condition: { reference: 'Condition/c' } }],
          },
          { fullUrl: ENCOUNTER_URN },
        ),
        entry(
          'POST',
          'Patient',
          {
            resourceType: 'Patient',
            identifier: [{ system: 'urn:ietf:rfc:3986', value: PATIENT_URN }],
          },
          { fullUrl: PATIENT_URN },
        ),
        entry('PUT', 'Condition/c', {
          ...condition(PATIENT_URN),
          id: 'c',
          encounter: { reference: ENCOUNTER_URN },
          extension: [{ url: 'urn:x', valueUri: ENCOUNTER_URN }],
        }),
      );
      expect(answer.type).toBe('transaction-response');
      expect(answer.entry?.map(({ response }) => response?.location)).toEqual([
        'Encounter/id-1/_history/1',
        'Patient/id-2/_history/1',
        'Condition/c/_history/1',
      ]);
      expect(statuses(answer)).toEqual(['201 Created', '201 Created', '201 Created']);
      expect(answer.entry?.[0]?.response?.etag).toBe('W/"1"');
      expect(store.read('Encounter', 'id-1').subject?.reference).toBe('Patient/id-2');
      expect(store.read('Condition', 'c')).toMatchObject({
        subject: { reference: 'Patient/id-2' },
        encounter: { reference: 'Encounter/id-1' },
        extension: [{ valueUri: 'Encounter/id-1' }],
      });
      expect(store.read('Patient', 'id-2').identifier?.[0]?.value).toBe(PATIENT_URN);
    });

    it('does nothing at all when one entry fails, and says which', () => {
      const attempt = () =>
        run(
          'transaction',
          entry('POST', 'Condition', condition('Patient/ana')),
          entry('DELETE', 'Patient/ana'),
          entry('PUT', 'Patient/ben', { resourceType: 'Patient', id: 'someone-else' }),
        );
      expect(attempt).toThrow(failing(400, /Bundle\.entry\[2\].*someone-else/));
      expect(store.list('Condition')).toEqual([]);
      expect(store.read('Patient', 'ana').meta?.versionId).toBe('1');
    });

    it('deletes, creates, updates and reads in this order and answers in the order asked', () => {
      store.update({ ...condition('Patient/ana'), id: 'old' });
      const answer = run(
        'transaction',
        entry('GET', 'Condition?patient=ana'),
        entry('PATCH', 'Patient/ana', patch([{ op: 'add', path: '/gender', value: 'female' }])),
        entry('POST', 'Condition', condition('Patient/ana')),
        entry('DELETE', 'Condition/old'),
      );
      expect(statuses(answer)).toEqual(['200 OK', '200 OK', '201 Created', '204 No Content']);
      const found = answer.entry?.[0]?.resource as Bundle;
      expect(found.entry?.map(({ resource }) => resource?.id)).toEqual(['id-1']);
      expect(store.read('Patient', 'ana').gender).toBe('female');
    });

    it('keeps to ifMatch', () => {
      const ana: Patient = { resourceType: 'Patient', id: 'ana' };
      expect(() => run('transaction', entry('PUT', 'Patient/ana', ana, { ifMatch: 'W/"9"' }))).toThrow(
        failing(412, /If-Match/),
      );
      expect(() =>
        run('transaction', entry('DELETE', 'Patient/ana', undefined, { ifMatch: 'W/"9"' })),
      ).toThrow(failing(412, /If-Match/));
      expect(statuses(run('transaction', entry('PUT', 'Patient/ana', ana, { ifMatch: 'W/"1"' })))).toEqual([
        '200 OK',
      ]);
    });

    it('refers to what ifNoneExist found', () => {
      const create = (identifier: string) => [
        entry(
          'POST',
          'Patient',
          { resourceType: 'Patient' },
          { fullUrl: PATIENT_URN, ifNoneExist: identifier },
        ),
        entry('POST', 'Condition', condition(PATIENT_URN)),
      ];
      const found = run('transaction', ...create('identifier=urn:mrn|1'));
      expect(statuses(found)).toEqual(['200 OK', '201 Created']);
      expect((found.entry?.[1]?.resource as Condition).subject.reference).toBe('Patient/ana');
      expect(store.list('Patient')).toHaveLength(1);
      expect(statuses(run('transaction', ...create('identifier=urn:mrn|2')))).toEqual([
        '201 Created',
        '201 Created',
      ]);
      expect(store.list('Patient')).toHaveLength(2);
      expect(() => run('transaction', ...create('identifier=urn:mrn|1&shoe-size=4'))).toThrow(
        failing(400, /shoe-size/),
      );
    });

    it('settles ifNoneExist before the transaction writes', () => {
      const patient: Patient = { resourceType: 'Patient', identifier: [{ system: 'urn:mrn', value: '2' }] };
      const answer = run(
        'transaction',
        entry('POST', 'Patient', patient),
        entry('POST', 'Patient', patient, { fullUrl: PATIENT_URN, ifNoneExist: 'identifier=urn:mrn|2' }),
        entry('POST', 'Condition', condition(PATIENT_URN)),
      );
      const { subject } = answer.entry?.[2]?.resource as Condition;
      expect(subject.reference).toBe(`Patient/${answer.entry?.[1]?.resource?.id}`);
      expect(statuses(answer)).toEqual(['201 Created', '201 Created', '201 Created']);
    });

    it('resolves conditional references to the one match', () => {
      run(
        'transaction',
        entry('PUT', 'Condition/c', { ...condition('Patient?identifier=urn:mrn|1'), id: 'c' }),
      );
      expect(store.read('Condition', 'c').subject.reference).toBe('Patient/ana');
      const unmatched = entry('POST', 'Condition', condition('Patient?identifier=urn:mrn|2'));
      expect(() => run('transaction', unmatched)).toThrow(failing(412, /0 resources match/));
      store.update<Patient>({
        resourceType: 'Patient',
        id: 'twin',
        identifier: [{ system: 'urn:mrn', value: '1' }],
      });
      const ambiguous = entry('POST', 'Condition', condition('Patient?identifier=urn:mrn|1'));
      expect(() => run('transaction', ambiguous)).toThrow(failing(412, /2 resources match/));
    });

    it.each([
      [
        'an unknown urn:uuid:',
        [entry('POST', 'Condition', condition(PATIENT_URN))],
        /no entry .* fullUrl urn:uuid/,
      ],
      [
        'one target twice',
        [entry('DELETE', 'Patient/ana'), entry('DELETE', 'Patient/ana')],
        /Patient\/ana twice/,
      ],
      [
        'one fullUrl twice',
        [
          entry('POST', 'Patient', { resourceType: 'Patient' }, { fullUrl: PATIENT_URN }),
          entry('POST', 'Patient', { resourceType: 'Patient' }, { fullUrl: PATIENT_URN }),
        ],
        /two entries/,
      ],
      ['no request', [{}], /has no request/],
      ['an odd method', [entry('TRACE' as Method, 'Patient')], /request\.method/],
      ['a patch that is no Binary', [entry('PATCH', 'Patient/ana', { resourceType: 'Patient' })], /Binary/],
    ])('refuses %s', (_what, entries, message) => {
      expect(() => run('transaction', ...entries)).toThrow(failing(400, message));
    });
  });

  describe('as a batch', () => {
    it('answers each entry by itself', () => {
      const answer = run(
        'batch',
        entry('GET', 'Patient/ana'),
        entry('GET', 'Patient/nobody'),
        entry('POST', 'Condition', condition('Patient/ana')),
        {},
      );
      expect(answer.type).toBe('batch-response');
      expect(statuses(answer)).toEqual(['200 OK', '404 Not Found', '201 Created', '400 Bad Request']);
      expect(answer.entry?.[0]?.resource?.id).toBe('ana');
      expect(answer.entry?.[1]?.response?.outcome).toMatchObject({ issue: [{ code: 'not-found' }] });
      expect(store.list('Condition')).toHaveLength(1);
    });
  });

  it('is refused when it is neither', () => {
    expect(() => run('collection' as 'batch')).toThrow(failing(400, /neither batch nor transaction/));
  });
});
