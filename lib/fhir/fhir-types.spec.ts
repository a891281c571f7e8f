import { describe, expect, it } from '@jest/globals';
import type * as r4 from 'fhir/r4.js';
import type * as r4b from 'fhir/r4b.js';
import type * as r5 from 'fhir/r5.js';
import { z } from 'zod';
import type { ReadyClient } from '../ready-client.js';
import type { SmartError } from '../smart-error.js';
import type {
  AnyResource,
  BundleOf,
  FhirResult,
  FhirResultOf,
  ResourceOf,
  ResourceTypeName,
} from './fhir-types.js';
import type { BinaryContent, FhirResponse } from './response.js';

// The compiler does the work here: `tsc --noEmit` fails where a type is another. Running it proves nothing.

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Does not compile unless A and B are the same type. */
function same<A, B>(..._proof: Equal<A, B> extends true ? [] : ['these types differ', A, B]): void {}

/** Does not compile unless the value is of exactly this type. */
function exactly<Expected>() {
  return <A>(_value: A, ..._proof: Equal<A, Expected> extends true ? [] : ['these types differ', A]) => {};
}

type Answer<T> = Promise<T | SmartError>;

describe('the type of a path', () => {
  it('is the resource or the Bundle that the path answers', () => {
    same<FhirResult<'Patient/1'>, r4.Patient>();
    same<FhirResult<'/Patient/1'>, r4.Patient>();
    same<FhirResult<'Patient/1?_summary=true'>, r4.Patient>();
    same<FhirResult<`Patient/${string}`>, r4.Patient>();
    same<FhirResult<'Patient/1/_history/2'>, r4.Patient>();
    same<FhirResult<'Patient'>, r4.Bundle<r4.Patient>>();
    same<FhirResult<'Observation?code=x'>, r4.Bundle<r4.Observation>>();
    same<FhirResult<`Observation?code=${string}`>, r4.Bundle<r4.Observation>>();
    same<FhirResult<'Observation?url=http://example.org/Patient/1'>, r4.Bundle<r4.Observation>>();
    same<FhirResult<'Observation/_search?code=x'>, r4.Bundle<r4.Observation>>();
    same<FhirResult<'Patient/_history'>, r4.Bundle<r4.Patient>>();
    same<FhirResult<'Patient/1/_history'>, r4.Bundle<r4.Patient>>();
    same<FhirResult<'Patient/1/Observation'>, r4.Bundle<r4.Observation>>();
    same<FhirResult<'Patient/1/Observation?code=x'>, r4.Bundle<r4.Observation>>();
    same<FhirResult<'metadata'>, r4.CapabilityStatement>();
  });

  it('is any resource where the path does not say', () => {
    same<FhirResult<string>, r4.FhirResource>();
    same<FhirResult<'Patient/1/$everything'>, r4.FhirResource>();
    same<FhirResult<'Patient/$match'>, r4.FhirResource>();
    same<FhirResult<'?_getpages=abc'>, r4.FhirResource>();
    same<FhirResult<'Pateint/1'>, r4.FhirResource>();
    same<FhirResult<'https://ehr.example.org/fhir/Patient/1'>, r4.FhirResource>();
  });

  it('is of the release that was asked for', () => {
    same<FhirResult<'Patient/1', 'R4B'>, r4b.Patient>();
    same<FhirResult<'Patient/1', 'R5'>, r5.Patient>();
    same<FhirResult<'Observation?code=x', 'R5'>, r5.Bundle<r5.Observation>>();
    same<FhirResult<'metadata', 'R5'>, r5.CapabilityStatement>();
    same<FhirResult<'Transport/1', 'R5'>, r5.Transport>();
    same<FhirResult<'Transport/1'>, r4.FhirResource>();
    same<FhirResult<string, 'R5'>, r5.FhirResource>();
  });
});

describe('the type of a request that writes', () => {
  it('is what the server stored, or nothing', () => {
    same<FhirResultOf<'POST', 'Patient'>, r4.Patient | undefined>();
    same<FhirResultOf<'PUT', '/Patient/1'>, r4.Patient | undefined>();
    same<FhirResultOf<'PUT', 'Patient?identifier=x'>, r4.Patient | undefined>();
    same<FhirResultOf<'POST', 'Patient/_search'>, r4.Bundle<r4.Patient> | undefined>();
    same<FhirResultOf<'PATCH', 'Transport/1', 'R5'>, r5.Transport | undefined>();
    same<FhirResultOf<'DELETE', 'Patient/1'>, r4.FhirResource | undefined>();
    same<FhirResultOf<'GET', 'Patient'>, r4.Bundle<r4.Patient>>();
    same<FhirResultOf<'POST', string>, r4.FhirResource | undefined>();
  });

  it('is known for every resource type of R4, R4B and R5', () => {
    same<{ [T in ResourceTypeName]: FhirResult<`${T}/1`> }, { [T in ResourceTypeName]: ResourceOf<T> }>();
    same<
      { [T in ResourceTypeName<'R4B'>]: FhirResult<`${T}/1`, 'R4B'> },
      { [T in ResourceTypeName<'R4B'>]: ResourceOf<T, 'R4B'> }
    >();
    same<
      { [T in ResourceTypeName<'R5'>]: FhirResult<`${T}/1`, 'R5'> },
      { [T in ResourceTypeName<'R5'>]: ResourceOf<T, 'R5'> }
    >();
  });
});

describe('the type of a resource name', () => {
  it('is the resource', () => {
    same<ResourceOf<'Encounter'>, r4.Encounter>();
    same<ResourceOf<'Encounter', 'R5'>, r5.Encounter>();
    same<ResourceOf<'Patient' | 'Practitioner'>, r4.Patient | r4.Practitioner>();
    same<BundleOf<r4.Patient>, r4.Bundle<r4.Patient>>();
    same<AnyResource, r4.FhirResource>();
    same<ResourceTypeName, r4.FhirResource['resourceType']>();
    same<'Transport' extends ResourceTypeName ? true : false, false>();
    same<'Transport' extends ResourceTypeName<'R5'> ? true : false, true>();
  });
});

/** Never called: only its types matter. */
export async function typesOfTheClient(fhir: ReadyClient, path: string): Promise<void> {
  exactly<Answer<r4.Patient>>()(fhir.request('Patient/1'));
  exactly<Answer<r4.Patient>>()(fhir.request(`Patient/${path}`));
  exactly<Answer<r4.Bundle<r4.Observation>>>()(fhir.request('Observation?code=x', { headers: {} }));
  exactly<Answer<r4.FhirResource>>()(fhir.request(path));
  exactly<Answer<r4.FhirResource>>()(fhir.request(new URL('https://ehr.example.org/fhir/Patient/1')));
  exactly<Answer<{ id: string }>>()(fhir.request('Patient/1', { schema: z.object({ id: z.string() }) }));

  exactly<Answer<FhirResponse<r4.Patient>>>()(fhir.request('Patient/1', { includeResponse: true }));
  exactly<Answer<string>>()(fhir.request('Binary/1', { as: 'text' }));
  exactly<Answer<BinaryContent>>()(fhir.request('Binary/1', { as: 'binary' }));
  exactly<Answer<FhirResponse<BinaryContent>>>()(
    fhir.request('Binary/1', { as: 'binary', includeResponse: true }),
  );
  exactly<Answer<r4.Patient>>()(fhir.request({ url: 'Patient/1' }));
  exactly<Answer<r4.Patient | undefined>>()(fhir.request({ url: 'Patient', method: 'POST', body: {} }));
  exactly<Answer<FhirResponse<r4.Patient | undefined>>>()(
    fhir.request({ url: 'Patient/1', method: 'PUT', body: {}, includeResponse: true }),
  );
  void fhir.request('Patient/1', {
    headers: new Headers(),
    signal: AbortSignal.abort(),
    timeout: 1,
    retry: false,
  });
  void fhir.request('Patient/1', { headers: [['x', 'y']], cache: { ttlMs: 5 } });
  // @ts-expect-error misspelt
  void fhir.request('Patient/1', { timeoutMs: 1 });
  // @ts-expect-error no such form
  void fhir.request('Binary/1', { as: 'blob' });
  // @ts-expect-error no such method
  void fhir.request({ url: 'Patient/1', method: 'HEAD' });
  // @ts-expect-error misspelt
  void fhir.request({ url: 'Patient/1', methd: 'PUT' });

  exactly<Answer<r4.Condition>>()(fhir.read('Condition', path));
  exactly<Answer<r4.Condition>>()(fhir.vread('Condition', path, '1'));
  exactly<Answer<FhirResponse<r4.Condition>>>()(fhir.read('Condition', path, { includeResponse: true }));
  // @ts-expect-error no such resource
  void fhir.read('Conditions', path);
  exactly<Promise<r4.Condition[]>>()(fhir.history('Condition', path).toArray());
  exactly<Promise<r4.FhirResource[]>>()(fhir.history().toArray());
  exactly<Answer<r4.Bundle<r4.FhirResource>>>()(fhir.operation('$everything', { on: 'Patient/1' }));
  exactly<Answer<r4.ValueSet>>()(fhir.operation('$expand', { parameters: { url: 'x' } }));
  exactly<Answer<r4.FhirResource>>()(fhir.operation('$own'));
  exactly<Answer<r4.CapabilityStatement>>()(fhir.capabilities());

  exactly<Promise<r4.Observation[]>>()(
    fhir.search('Observation', { code: ['a', 'b'], _count: 20 }).toArray(),
  );
  exactly<Promise<r4.Patient | undefined>>()(fhir.search('Patient').first());
  for await (const page of fhir.search('Patient').pages()) exactly<r4.Bundle<r4.Patient>>()(page);
  for await (const patient of fhir.search('Patient')) exactly<r4.Patient>()(patient);
  // @ts-expect-error no such resource
  fhir.search('Observations');
  exactly<Promise<number | undefined>>()(fhir.search('Observation', 'code=x').total());
  // @ts-expect-error a filter that is null would ask for everything
  fhir.search('Observation', { patient: null });
  // @ts-expect-error an id that may be missing is looked at first
  fhir.search('Observation', { patient: fhir.patient.id });

  type Found<T> = Promise<T[]>;
  const query = { date: { ge: new Date() }, code: { or: ['a', { system: 'b', code: 'c' }] } };
  exactly<Found<r4.Observation>>()(fhir.search('Observation', query).toArray());
  exactly<Found<r4.Observation>>()(fhir.search('Observation', new URLSearchParams()).toArray());
  exactly<Found<r4.Observation | r4.Patient>>()(
    fhir.search('Observation', { _include: 'Observation:subject:Patient' }).toArray(),
  );
  exactly<Found<r4.Observation | r4.Patient | r4.Encounter>>()(
    fhir
      .search('Observation', { _include: ['Observation:subject:Patient', 'Observation:encounter:Encounter'] })
      .toArray(),
  );
  exactly<Found<r4.Observation | r4.Provenance>>()(
    fhir.search('Observation', { _revinclude: 'Provenance:target' }).toArray(),
  );
  exactly<Found<r4.FhirResource>>()(
    fhir.search('Observation', { '_include:iterate': 'Observation:subject' }).toArray(),
  );
  const withPatient = fhir.search('Observation', { _include: 'Observation:subject:Patient' });
  for await (const match of withPatient.matches()) exactly<r4.Observation>()(match);
  exactly<Promise<r4.Observation | undefined>>()(withPatient.first());

  exactly<Found<r4.Condition>>()(fhir.patient.search('Condition', { category: 'x' }).toArray());
  // @ts-expect-error nobody's
  fhir.patient.search('Practitioner');

  const patient: r4.Patient = { resourceType: 'Patient', active: true };
  exactly<Answer<r4.Patient & { id: string }>>()(fhir.create(patient));
  exactly<Answer<r4.Patient & { id: string }>>()(fhir.update(patient));
  exactly<Answer<FhirResponse<r4.Patient & { id: string }>>>()(
    fhir.update(patient, { ifMatch: '1', includeResponse: true }),
  );
  exactly<Answer<r4.Patient>>()(fhir.patch('Patient/1', { resourceType: 'Parameters' }));
  exactly<Answer<{ deleted: true }>>()(fhir.delete('Patient/1', { ifMatch: '1' }));
  // @ts-expect-error a create has no version to match
  void fhir.create(patient, { ifMatch: '1' });
  // @ts-expect-error no such resource
  void fhir.create({ resourceType: 'Pateint' });

  exactly<Answer<r4.Patient>>()(fhir.resolve('Patient/1'));
  exactly<Answer<r4.Patient>>()(fhir.resolve('Patient/1/_history/2'));
  exactly<Answer<r4.FhirResource>>()(fhir.resolve('#contained', { in: patient }));
  exactly<Answer<r4.FhirResource>>()(fhir.resolve(path));
  exactly<Answer<r4.FhirResource>>()(fhir.resolve({ reference: 'Patient/1' }));
  exactly<Answer<r4.Practitioner>>()(fhir.resolve<r4.Practitioner>(patient.generalPractitioner?.[0]));
  exactly<Answer<r4.Patient>>()(fhir.batched().request('Patient/1'));

  exactly<Answer<r4.Patient>>()(fhir.patient.request());
  exactly<Answer<FhirResponse<r4.Patient>>>()(fhir.patient.request({ includeResponse: true }));
  exactly<Answer<{ id: string }>>()(fhir.patient.request({ schema: z.object({ id: z.string() }) }));
  exactly<Answer<r4.Encounter>>()(fhir.encounter.request());
  exactly<Answer<r4.Practitioner>>()(fhir.practitioner.request());
  exactly<string | SmartError>()(fhir.getClaim('sub', z.string()));
  exactly<unknown>()(fhir.getClaim('sub'));
}

/** Never called: the client of an R5 server. */
export function typesOfTheR5Client(fhir: ReadyClient<'R5'>): void {
  exactly<Answer<r5.Patient>>()(fhir.request('Patient/1'));
  exactly<Answer<r5.Patient>>()(fhir.patient.request());
  exactly<Answer<r5.Transport>>()(fhir.read('Transport', '1'));
  exactly<Answer<r5.CapabilityStatement>>()(fhir.capabilities());
  exactly<Answer<r5.Bundle<r5.FhirResource>>>()(fhir.operation('$everything', { on: 'Patient/1' }));
  exactly<Promise<r5.Transport | undefined>>()(fhir.search('Transport').first());
  exactly<Promise<r5.Condition | undefined>>()(fhir.patient.search('Condition').first());
}

it('the helper that compares types knows one from another', () => {
  // @ts-expect-error they differ
  same<r4.Patient, r4.Observation>();
  // @ts-expect-error the one is wider
  same<r4.FhirResource, r4.Patient>();
  expect(typeof same).toBe('function');
});
