import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Patient } from 'fhir/r4.js';

import { FhirStore } from './fhir-store.js';

const failing = (status: number, message: RegExp | string = '') =>
  expect.objectContaining({ status, message: expect.stringMatching(message) });

describe('FhirStore', () => {
  let store: FhirStore;
  let clock = 0;

  beforeEach(() => {
    clock = Date.parse('2026-01-01T00:00:00Z');
    let ids = 0;
    store = new FhirStore({ now: () => new Date((clock += 1000)), newId: () => `id-${(ids += 1)}` });
  });

  const patient = (id: string, rest: Partial<Patient> = {}): Patient => ({
    resourceType: 'Patient',
    id,
    ...rest,
  });

  it('gives a created resource an id, a version and a time, and keeps the rest of its meta', () => {
    const meta = { versionId: '9', tag: [{ code: 'demo' }] };
    const { resource, created } = store.create<Patient>(patient('ignored', { meta }));
    expect(created).toBe(true);
    expect(resource).toEqual({
      resourceType: 'Patient',
      id: 'id-1',
      meta: { versionId: '1', lastUpdated: '2026-01-01T00:00:01.000Z', tag: [{ code: 'demo' }] },
    });
    expect(store.read('Patient', 'id-1')).toBe(resource);
  });

  it('creates on update under the client id, then replaces', () => {
    expect(store.update(patient('p', { gender: 'male' })).created).toBe(true);
    const { created, resource } = store.update(patient('p', { birthDate: '1990' }));
    expect(created).toBe(false);
    expect(resource).toMatchObject({ birthDate: '1990', meta: { versionId: '2' } });
    expect(resource.gender).toBeUndefined();
  });

  it('is not changed by what its callers do to their objects', () => {
    const name = { family: 'Before' };
    const mine = patient('p', { name: [name] });
    store.update(mine);
    name.family = 'After';
    expect(store.read('Patient', 'p').name?.[0]?.family).toBe('Before');
    const read = store.read('Patient', 'p');
    expect(() => read.name?.push({ family: 'x' })).toThrow(TypeError);
  });

  it('answers 404 to what never was and 410 to what was deleted', () => {
    expect(() => store.read('Patient', 'p')).toThrow(failing(404));
    expect(() => store.delete('Patient', 'p')).toThrow(failing(404));
    store.update(patient('p'));
    store.delete('Patient', 'p');
    store.delete('Patient', 'p');
    expect(() => store.read('Patient', 'p')).toThrow(failing(410));
    expect(store.find('Patient', 'p')).toBeUndefined();
    expect(store.list('Patient')).toEqual([]);
    expect(store.history('Patient', 'p').map(({ method }) => method)).toEqual(['DELETE', 'PUT']);
  });

  it('brings a deleted resource back with the versions going on', () => {
    store.update(patient('p'));
    store.delete('Patient', 'p');
    const { created, resource } = store.update(patient('p'));
    expect([created, resource.meta?.versionId]).toEqual([true, '3']);
    expect(store.readVersion('Patient', 'p', '1')).toMatchObject({ meta: { versionId: '1' } });
    expect(() => store.readVersion('Patient', 'p', '2')).toThrow(failing(410));
    expect(() => store.readVersion('Patient', 'p', '4')).toThrow(failing(404));
  });

  it.each([['W/"2"'], ['"2"'], ['W/"1", W/"2"']])('writes when If-Match %s is current', (ifMatch) => {
    store.update(patient('p'));
    store.update(patient('p'));
    expect(store.update(patient('p'), { ifMatch }).resource.meta?.versionId).toBe('3');
  });

  it.each([
    ['W/"1"', 412],
    ['W/"22"', 412],
    ['2', 400],
  ])('refuses to write when If-Match is %s', (ifMatch, status) => {
    store.update(patient('p'));
    store.update(patient('p'));
    const patch = [{ op: 'add', path: '/active', value: true }];
    expect(() => store.update(patient('p'), { ifMatch })).toThrow(failing(status));
    expect(() => store.patch('Patient', 'p', patch, { ifMatch })).toThrow(failing(status));
    expect(() => store.delete('Patient', 'p', { ifMatch })).toThrow(failing(status));
    expect(store.read('Patient', 'p').meta?.versionId).toBe('2');
  });

  it('does not create where If-Match expects a version', () => {
    expect(() => store.update(patient('p'), { ifMatch: 'W/"1"' })).toThrow(failing(412, 'does not exist'));
  });

  it('patches, but neither the id nor the type', () => {
    store.update(patient('p', { gender: 'male' }));
    const { resource } = store.patch('Patient', 'p', [{ op: 'replace', path: '/gender', value: 'other' }]);
    expect(resource).toMatchObject({ gender: 'other', meta: { versionId: '2' } });
    const change = (path: string, value: string) => () =>
      store.patch('Patient', 'p', [{ op: 'replace', path, value }]);
    expect(change('/id', 'q')).toThrow(failing(422));
    expect(change('/resourceType', 'Group')).toThrow(failing(400));
  });

  it('undoes every write of a block that throws', () => {
    store.update(patient('kept', { gender: 'male' }));
    store.update(patient('deleted'));
    const work = () =>
      store.atomically(() => {
        store.update(patient('kept', { gender: 'female' }));
        store.update(patient('kept', { gender: 'other' }));
        store.delete('Patient', 'deleted');
        store.create(patient('new'), 'new');
        throw new Error('stop');
      });
    expect(work).toThrow('stop');
    expect(store.read('Patient', 'kept')).toMatchObject({ gender: 'male', meta: { versionId: '1' } });
    expect(store.read('Patient', 'deleted').id).toBe('deleted');
    expect(() => store.read('Patient', 'new')).toThrow(failing(404));
  });

  it.each([
    ['not an id!', 400, 'not a FHIR id'],
    ['x'.repeat(65), 400, 'not a FHIR id'],
  ])('refuses the id %s', (id, status, message) => {
    expect(() => store.update(patient(id))).toThrow(failing(status, message));
  });

  it('names the required elements that are missing', () => {
    const immunization = { resourceType: 'Immunization' as const, id: 'i', status: 'completed' as const };
    expect(() => store.update(immunization as never)).toThrow(
      failing(422, /Immunization\.vaccineCode, Immunization\.patient, Immunization\.occurrence\[x\]/),
    );
  });
});
