import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type * as r4 from 'fhir/r4.js';
import { clientWith } from '../test/support/client-with.js';
import { EhrServer } from '../test/support/ehr-server.js';
import type { EhrAnswer } from '../test/support/ehr-server.js';
import { httpClient } from '../test/support/launch-parts.js';
import type { ReadyClient } from './ready-client.js';
import { SmartError, unwrap } from './smart-error.js';

const http = httpClient();
let ehr: EhrServer;
let evil: EhrServer;
let iss: string;
let fhir: ReadyClient;
/** what the server has, by path below the base */
let stored: Record<string, unknown>;

const PATIENT: r4.Patient = { resourceType: 'Patient', id: '1' };
const ENCOUNTER: r4.Encounter = {
  resourceType: 'Encounter',
  id: '2',
  status: 'finished',
  class: {},
  serviceProvider: { reference: 'Organization/3' },
};
const ORGANIZATION: r4.Organization = { resourceType: 'Organization', id: '3' };
const OBSERVATION: r4.Observation = {
  resourceType: 'Observation',
  id: '4',
  status: 'final',
  code: {},
  subject: { reference: 'Patient/1' },
  encounter: { reference: 'Encounter/2' },
  performer: [{ reference: 'Organization/3' }, { reference: 'Patient/1' }],
};

beforeAll(async () => {
  [ehr, evil] = [await EhrServer.start(), await EhrServer.start()];
  iss = `${ehr.url}/fhir`;
});
afterAll(async () => {
  await http.close();
  await ehr.close();
  await evil.close();
});
beforeEach(() => {
  ehr.reset();
  evil.reset();
  stored = { 'Patient/1': PATIENT, 'Encounter/2': ENCOUNTER, 'Organization/3': ORGANIZATION };
  ehr.respondWith(({ path }): EhrAnswer => {
    const json = stored[path.slice('/fhir/'.length)];
    return json === undefined ? { status: 404 } : { json };
  });
  ({ fhir } = clientWith(iss, http, {}, new SmartError('session_expired', 'over')));
});

const reads = () => ehr.requests.map(({ path }) => path.slice('/fhir/'.length));

describe('a reference', () => {
  it.each<[string, () => string]>([
    ['relative', () => 'Patient/1'],
    ['absolute', () => `${iss}/Patient/1`],
    ['absolute, the host in capitals', () => `${iss}/Patient/1`.replace('http', 'HTTP')],
  ])('A8-2 to this server is read: %s', async (_what, reference) => {
    expect(await fhir.resolve(reference())).toEqual(PATIENT);
    expect(await fhir.resolve({ reference: reference(), type: 'Patient' })).toEqual(PATIENT);
    expect(reads()).toEqual(['Patient/1', 'Patient/1']);
    expect(ehr.requests[0]!.headers.authorization).toBe('Bearer access-1');
  });

  it('to a version is read as that version', async () => {
    const old = { ...PATIENT, meta: { versionId: '2' } };
    stored['Patient/1/_history/2'] = old;
    expect(await fhir.resolve('Patient/1/_history/2')).toEqual(old);
    expect(await fhir.resolve({ reference: `${iss}/Patient/1/_history/2` })).toEqual(old);
    stored['Patient/1/_history/2'] = { ...PATIENT, meta: { versionId: '3' } };
    expect(await fhir.resolve('Patient/1/_history/2')).toMatchObject({ error: 'invalid_fhir_response' });
  });

  it.each<[string, unknown]>([
    ['another id', { resourceType: 'Patient', id: '2' }],
    ['another type', { resourceType: 'Practitioner', id: '1' }],
    ['no id', { resourceType: 'Patient' }],
    ['an OperationOutcome', { resourceType: 'OperationOutcome', issue: [] }],
    ['a list', []],
  ])('that is answered with %s is an error', async (_what, answer) => {
    stored['Patient/1'] = answer;
    const refused = await fhir.resolve('Patient/1');
    expect(refused).toMatchObject({ error: 'invalid_fhir_response' });
    expect((refused as SmartError).message).not.toContain('/1');
  });

  it('that the server does not have is its error', async () => {
    expect(await fhir.resolve('Patient/9')).toMatchObject({ error: 'fhir_request_failed', status: 404 });
  });

  it('takes headers and a signal', async () => {
    await fhir.resolve('Patient/1', { headers: { 'x-app': '1' } });
    expect(ehr.requests[0]!.headers).toMatchObject({ 'x-app': '1' });
    expect(await fhir.resolve('Patient/1', { signal: AbortSignal.abort() })).toMatchObject({
      error: 'aborted',
    });
  });

  it.each<[string, () => string]>([
    ['another host', () => `${evil.url}/fhir/Patient/1`],
    ['another base', () => `${ehr.url}/other/Patient/1`],
    ['a base that begins like ours', () => `${iss}-evil/Patient/1`],
    ['a base below ours', () => `${iss}/tenant/Patient/1`],
  ])('A8-2 to %s gets no token, and is an error', async (_what, reference) => {
    const refused = await fhir.resolve({ reference: reference() });
    expect(refused).toMatchObject({
      error: 'invalid_request',
      message: expect.stringContaining('another server'),
    });
    expect([...ehr.requests, ...evil.requests]).toEqual([]);
  });

  it.each<[string, unknown, RegExp]>([
    ['an identifier only', { identifier: { value: 'secret-id' } }, /identifier/],
    ['no reference', { display: 'somebody' }, /no reference/],
    ['null for a reference', { reference: null }, /no reference/],
    ['null', null, /no reference/],
    ['undefined', undefined, /no reference/],
    ['nothing', '', /no reference/],
    ['a number', 7, /no reference/],
    ['another type than it says', { reference: 'Patient/1', type: 'Practitioner' }, /type/],
    ['a urn without its Bundle', 'urn:uuid:4d8d5c9e-0000-4000-8000-000000000000', /Bundle/],
    ['a contained one without its container', '#p1', /contains it/],
    ['a search', 'Patient?identifier=secret-id', /none of/],
    ['no id', 'Patient', /none of/],
    ['too many parts', 'Patient/1/Observation/2', /none of/],
    ['a fragment', 'Patient/1#p1', /none of/],
    ['a script', 'javascript:Patient/1', /none of/],
    ['a user in the URL', 'http://evil@example.org/Patient/1', /none of/],
  ])('A8-6 of %s cannot be resolved, and says why', async (_what, reference, why) => {
    const refused = await fhir.resolve(reference as string);
    expect(refused).toMatchObject({ error: 'invalid_request', message: expect.stringMatching(why) });
    expect((refused as SmartError).message).not.toContain('secret-id');
    expect(ehr.requests).toEqual([]);
  });

  it.each([
    'Patient/../Binary/1',
    'Patient/..',
    '../Patient/1',
    'Patient/a%2Fb',
    'Patient/1\n',
    '//evil/Patient/1',
  ])('A8-6 that climbs is refused: %j', async (reference) => {
    expect(await fhir.resolve(reference)).toMatchObject({ error: 'invalid_request' });
    expect(ehr.requests).toEqual([]);
  });
});

describe('a contained resource', () => {
  const medication: r4.Medication = { resourceType: 'Medication', id: 'm1', ingredient: [] };
  const request: r4.MedicationRequest = {
    resourceType: 'MedicationRequest',
    id: '5',
    status: 'active',
    intent: 'order',
    subject: { reference: 'Patient/1' },
    medicationReference: { reference: '#m1' },
    contained: [medication, { resourceType: 'Organization', id: 'o1' }],
  };

  it('is taken from the resource that contains it', async () => {
    const found = await fhir.resolve<r4.Medication>(request.medicationReference, { in: request });
    expect(found).toBe(medication);
    expect(await fhir.resolve('#', { in: request })).toBe(request);
    expect(ehr.requests).toEqual([]);
  });

  it.each([
    ['of no such id', '#m2', request],
    ['of two with the id', '#m1', { ...request, contained: [medication, medication] }],
    ['of a resource that contains nothing', '#m1', PATIENT],
    ['of a Bundle, which contains none', '#m1', { resourceType: 'Bundle', type: 'collection' }],
  ] as const)('%s cannot be resolved', async (_what, reference, container) => {
    expect(await fhir.resolve(reference, { in: container as r4.Patient })).toMatchObject({
      error: 'invalid_request',
    });
  });
});

describe('a reference in a Bundle', () => {
  const UUID = 'urn:uuid:4d8d5c9e-0000-4000-8000-000000000000';
  const OID = 'urn:oid:1.2.3';
  const bundle = (entry: r4.Bundle['entry'], type: r4.Bundle['type'] = 'searchset'): r4.Bundle => ({
    resourceType: 'Bundle',
    type,
    entry,
  });

  it('by urn is the entry of that fullUrl', async () => {
    const within = bundle([
      { fullUrl: UUID, resource: PATIENT },
      { fullUrl: OID, resource: ORGANIZATION },
    ]);
    expect(await fhir.resolve({ reference: UUID }, { in: within })).toBe(PATIENT);
    expect(await fhir.resolve(OID, { in: within })).toBe(ORGANIZATION);
    expect(await fhir.resolve(UUID, { in: bundle([]) })).toMatchObject({ error: 'invalid_request' });
    const twice = bundle([
      { fullUrl: UUID, resource: PATIENT },
      { fullUrl: UUID, resource: ORGANIZATION },
    ]);
    expect(await fhir.resolve(UUID, { in: twice })).toMatchObject({ error: 'invalid_request' });
    expect(ehr.requests).toEqual([]);
  });

  it('to a resource that came along costs no request', async () => {
    const included = { ...PATIENT, active: true };
    const within = bundle([{ fullUrl: `${iss}/Patient/1`, resource: included }]);
    expect(await fhir.resolve('Patient/1', { in: within })).toBe(included);
    expect(await fhir.resolve(`${iss}/Patient/1`, { in: within })).toBe(included);
    expect(ehr.requests).toEqual([]);
  });

  it('to one that did not is read', async () => {
    const within = bundle([{ fullUrl: `${iss}/Patient/2`, resource: { ...PATIENT, id: '2' } }]);
    expect(await fhir.resolve('Patient/1', { in: within })).toEqual(PATIENT);
  });

  it('to a version is that version, or is read', async () => {
    const [one, two] = ['1', '2'].map((versionId) => ({ ...PATIENT, meta: { versionId } }));
    const fullUrl = `${iss}/Patient/1`;
    const history = bundle(
      [
        { fullUrl, resource: one! },
        { fullUrl, resource: two! },
      ],
      'history',
    );
    expect(await fhir.resolve('Patient/1/_history/2', { in: history })).toBe(two);
    expect(await fhir.resolve('Patient/1', { in: history })).toEqual(PATIENT);
    expect(reads()).toEqual(['Patient/1']);
  });

  it('is not an entry whose resource is another than its fullUrl says', async () => {
    const other = { ...PATIENT, id: '2' };
    const within = bundle([{ fullUrl: `${iss}/Patient/1`, resource: other }]);
    expect(await fhir.resolve('Patient/1', { in: within })).toEqual(PATIENT);
    const elsewhere = 'https://other.example.org/fhir/Patient/1';
    const foreign = bundle([{ fullUrl: elsewhere, resource: other }]);
    expect(await fhir.resolve(elsewhere, { in: foreign })).toMatchObject({ error: 'invalid_request' });
  });

  it('A8-2 of another server is resolved in it, and never here', async () => {
    const theirs = { ...PATIENT, active: false };
    const base = 'https://other.example.org/fhir';
    const within = bundle([
      { fullUrl: `${base}/Observation/4`, resource: OBSERVATION },
      { fullUrl: `${base}/Patient/1`, resource: theirs },
    ]);
    expect(await fhir.resolve(`${base}/Patient/1`, { in: within })).toBe(theirs);
    // relative to which of the two?
    expect(await fhir.resolve('Patient/1', { in: within })).toMatchObject({ error: 'invalid_request' });
    const { get, missing } = unwrap(await fhir.resolveReferences(within, ['subject', 'encounter']));
    expect(get(OBSERVATION.subject)).toBe(theirs);
    expect(get('Patient/1')).toBeUndefined();
    expect(get(`${base}/Patient/1`)).toBe(theirs);
    expect(missing).toMatchObject([{ reference: 'Encounter/2', error: { error: 'invalid_request' } }]);
    expect(ehr.requests).toEqual([]);
  });

  it('A8-2 that was carried here is not taken for one of this server', async () => {
    const entry = [{ fullUrl: UUID, resource: OBSERVATION }];
    expect(await fhir.resolve('Patient/1', { in: bundle(entry, 'document') })).toMatchObject({
      error: 'invalid_request',
    });
    expect(ehr.requests).toEqual([]);
    // one that is to be sent here is
    expect(await fhir.resolve('Patient/1', { in: bundle(entry, 'transaction') })).toEqual(PATIENT);
  });
});

describe('the references of a resource', () => {
  it('are read in parallel, each once, in whatever order the paths are', async () => {
    const paths = ['encounter.serviceProvider', 'performer', 'subject', 'encounter'];
    const { get, references, missing } = unwrap(await fhir.resolveReferences(OBSERVATION, paths));
    expect(reads().sort()).toEqual(['Encounter/2', 'Organization/3', 'Patient/1']);
    expect(get(OBSERVATION.subject)).toEqual(PATIENT);
    expect(get(OBSERVATION.performer![0])).toEqual(ORGANIZATION);
    expect(get('Encounter/2')).toEqual(ENCOUNTER);
    expect(get(`${iss}/Encounter/2`)).toEqual(ENCOUNTER);
    expect([...references.keys()].sort()).toEqual(['Encounter/2', 'Organization/3', 'Patient/1']);
    expect(missing).toEqual([]);
    expect([get('Patient/9'), get(undefined), get(null), get({}), get('#x')]).toEqual(
      Array(5).fill(undefined),
    );
  });

  it('are found by a path through a reference that is not itself in the list', async () => {
    const { get } = unwrap(await fhir.resolveReferences(OBSERVATION, ['encounter.serviceProvider']));
    expect(get('Organization/3')).toEqual(ORGANIZATION);
  });

  it.each<[string, string[]]>([
    ['performer', ['Organization/3', 'Patient/1']],
    ['performer.0', ['Organization/3']],
    ['performer.1', ['Patient/1']],
    ['performer.2', []],
    ['performer..', ['Organization/3', 'Patient/1']],
    ['nothing.here', []],
    ['status', []],
    ['__proto__.x', []],
    ['constructor', []],
    ['', []],
  ])('are where the path says: %s', async (path, expected) => {
    const { references } = unwrap(await fhir.resolveReferences(OBSERVATION, [path]));
    expect([...references.keys()].sort()).toEqual(expected);
  });

  it('are those of every resource in a list of contained ones, as fhirclient has it (#88)', async () => {
    const source = {
      resourceType: 'ExplanationOfBenefit',
      id: '6',
      patient: { reference: 'Patient/1' },
      contained: [
        {
          resourceType: 'ServiceRequest',
          id: 's1',
          subject: { reference: 'Patient/1' },
          requester: { reference: '#c1' },
        },
        { resourceType: 'Coverage', id: 'c1', beneficiary: { reference: 'Patient/1' } },
      ],
    } as unknown as r4.ExplanationOfBenefit;
    const paths = [
      'patient',
      'contained.0.subject',
      'contained.1.beneficiary',
      'contained.0.requester.beneficiary',
    ];
    const { get, graph } = unwrap(await fhir.resolveReferences(source, paths));
    expect(reads()).toEqual(['Patient/1']);
    expect(get(source.patient)).toEqual(PATIENT);
    expect(get((source.contained![0] as r4.ServiceRequest).requester)).toBe(source.contained![1]);
    const coverage = { ...source.contained![1], beneficiary: PATIENT };
    expect(graph()).toEqual({
      ...source,
      patient: PATIENT,
      contained: [{ ...source.contained![0], subject: PATIENT, requester: coverage }, coverage],
    });
  });

  it('are those of every item, as fhirclient writes it (#73)', async () => {
    stored['Organization/2'] = { ...ORGANIZATION, id: '2' };
    const source: r4.Patient = {
      ...PATIENT,
      identifier: [
        { assigner: { reference: 'Organization/2' } },
        { assigner: { reference: 'Organization/3' } },
      ],
    };
    const { graph } = unwrap(await fhir.resolveReferences(source, ['identifier..assigner']));
    expect(graph()).toEqual({
      ...PATIENT,
      identifier: [{ assigner: { ...ORGANIZATION, id: '2' } }, { assigner: ORGANIZATION }],
    });
  });

  it('are left as they are, and replaced in a copy', async () => {
    const before = structuredClone(OBSERVATION);
    const paths = ['subject', 'encounter', 'encounter.serviceProvider', 'performer.0'];
    const resolved = unwrap(await fhir.resolveReferences(OBSERVATION, paths));
    const graph = resolved.graph<Record<string, Record<string, unknown>>>();
    expect(graph).toEqual({
      ...OBSERVATION,
      subject: PATIENT,
      encounter: { ...ENCOUNTER, serviceProvider: ORGANIZATION },
      performer: [ORGANIZATION, { reference: 'Patient/1' }],
    });
    graph.subject!.id = 'changed';
    expect(OBSERVATION).toEqual(before);
    expect(resolved.get('Patient/1')).toEqual(PATIENT);
    expect(resolved.graph()).toMatchObject({ subject: { id: '1' } });
  });

  it('may go round in a circle', async () => {
    stored['Organization/3'] = { ...ORGANIZATION, partOf: { reference: 'Organization/3' } };
    const paths = ['encounter.serviceProvider.partOf.partOf'];
    const resolved = unwrap(await fhir.resolveReferences(OBSERVATION, paths));
    expect(reads()).toEqual(['Encounter/2', 'Organization/3']);
    expect(JSON.stringify(resolved.graph()).match(/"Organization"/g)).toHaveLength(3);
  });

  it('may be of several resources, of Bundles, and of pages', async () => {
    const other: r4.Observation = { ...OBSERVATION, id: '7', subject: { reference: 'Patient/1' } };
    const page = (resource: r4.Observation): r4.Bundle => ({
      resourceType: 'Bundle',
      type: 'searchset',
      entry: [{ fullUrl: `${iss}/Observation/${resource.id}`, resource }, { search: { mode: 'outcome' } }],
    });
    const pages = [page(OBSERVATION), page(other)];
    const resolved = unwrap(await fhir.resolveReferences(pages, ['subject']));
    expect(reads()).toEqual(['Patient/1']);
    expect(resolved.get(other.subject)).toEqual(PATIENT);
    const graph = resolved.graph<r4.Bundle[]>();
    expect(graph.map(({ entry }) => entry![0]!.resource)).toEqual([
      { ...OBSERVATION, subject: PATIENT },
      { ...other, subject: PATIENT },
    ]);
    const list = unwrap(await fhir.resolveReferences([OBSERVATION, other], ['encounter']));
    expect(list.graph<r4.Observation[]>()[1]!.encounter).toEqual(ENCOUNTER);
    const one = unwrap(await fhir.resolveReferences(pages[0]!, ['subject']));
    expect(one.graph<r4.Bundle>().entry![0]!.resource).toEqual({ ...OBSERVATION, subject: PATIENT });
  });

  it('that are missing sink nothing else, and are named with their error', async () => {
    const outcome = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'forbidden' }] };
    ehr.respondWith(({ path }): EhrAnswer => {
      if (path.endsWith('Encounter/2')) return { status: 403, json: outcome };
      return path.endsWith('Patient/1') ? { json: PATIENT } : { status: 404 };
    });
    const source: r4.Observation = {
      ...OBSERVATION,
      hasMember: [{ identifier: { value: 'x' } }, { reference: `${evil.url}/Observation/8` }, {}],
    };
    const paths = ['subject', 'encounter', 'encounter.serviceProvider', 'performer', 'hasMember'];
    const { get, missing, graph } = unwrap(await fhir.resolveReferences(source, paths));
    expect(get(source.subject)).toEqual(PATIENT);
    expect(get(source.encounter)).toBeUndefined();
    const byReference = Object.fromEntries(missing.map(({ reference, error }) => [String(reference), error]));
    expect(byReference).toEqual({
      'Encounter/2': expect.objectContaining({ status: 403, operationOutcome: outcome }),
      'Organization/3': expect.objectContaining({ status: 404 }),
      [`${evil.url}/Observation/8`]: expect.objectContaining({ error: 'invalid_request' }),
      null: expect.objectContaining({ error: 'invalid_request' }),
    });
    expect(graph()).toMatchObject({ subject: PATIENT, encounter: source.encounter });
    expect(reads().filter((path) => path === 'Encounter/2')).toHaveLength(1);
    expect(evil.requests).toEqual([]);
  });

  it('that are null are ignored', async () => {
    const source = { ...OBSERVATION, subject: { reference: null } as unknown as r4.Reference };
    const { missing, graph } = unwrap(await fhir.resolveReferences(source, ['subject']));
    expect(missing).toEqual([]);
    expect(graph()).toEqual(source);
  });

  it('A8-5 of a session that ended are the error of the whole call, and no more are asked for', async () => {
    ehr.respondWith(() => ({ status: 401 }));
    const source: r4.Patient = {
      ...PATIENT,
      generalPractitioner: Array.from({ length: 40 }, (_, at) => ({ reference: `Practitioner/${at}` })),
    };
    expect(await fhir.resolveReferences(source, ['generalPractitioner'])).toMatchObject({
      error: 'session_expired',
    });
    expect(ehr.requests.length).toBeLessThan(20);
  });

  it('are read a few at a time', async () => {
    let [now, most] = [0, 0];
    const waiting: (() => void)[] = [];
    ehr.respondWith(async ({ path }) => {
      now += 1;
      most = Math.max(most, now);
      // each batch is let go when as many wait as may
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length === 4) waiting.splice(0).forEach((go) => go());
      });
      now -= 1;
      return { json: { resourceType: 'Practitioner', id: path.split('/').at(-1) } };
    });
    const source: r4.Patient = {
      ...PATIENT,
      generalPractitioner: Array.from({ length: 20 }, (_, at) => ({ reference: `Practitioner/${at}` })),
    };
    const options = { concurrency: 4 };
    const { references } = unwrap(await fhir.resolveReferences(source, ['generalPractitioner'], options));
    expect(references.size).toBe(20);
    expect(most).toBe(4);
  });

  it('are given up where the caller aborts', async () => {
    const controller = new AbortController();
    ehr.respondWith(({ path }): EhrAnswer => {
      if (!path.endsWith('Encounter/2')) return { json: PATIENT };
      controller.abort();
      return 'silence';
    });
    const options = { signal: controller.signal, headers: { 'x-custom-header': 'someCustomKey' } };
    expect(await fhir.resolveReferences(OBSERVATION, ['subject', 'encounter'], options)).toMatchObject({
      error: 'aborted',
    });
    expect(ehr.requests.every(({ headers }) => headers['x-custom-header'] === 'someCustomKey')).toBe(true);
  });

  it('need paths that are texts, and a concurrency that is a number', async () => {
    const call = (paths: unknown, concurrency?: number) =>
      fhir.resolveReferences(OBSERVATION, paths as string[], { concurrency });
    expect(await call('subject')).toMatchObject({ error: 'invalid_request' });
    expect(await call([7])).toMatchObject({ error: 'invalid_request' });
    for (const concurrency of [0, -1, 1.5, 101, Number.NaN]) {
      expect(await call(['subject'], concurrency)).toMatchObject({ error: 'invalid_request' });
    }
    expect(ehr.requests).toEqual([]);
  });
});
