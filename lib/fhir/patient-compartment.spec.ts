import { describe, expect, it } from '@jest/globals';
import { PatientCompartment } from './patient-compartment.js';
import { PATIENT_COMPARTMENT } from './patient-compartment-data.js';

const BASE = 'https://ehr.example/fhir';
const compartment = new PatientCompartment(BASE, 'ada', () => undefined);
const narrowed = (type: string, query = '') =>
  compartment.narrowed(type, [...new URLSearchParams(query)]).map(([name, value]) => `${name}=${value}`);

/** CompartmentDefinition/patient of FHIR 4.0.1: its types, and the parameters of those that have several. */
const R4_TYPES =
  'Account AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent Basic BodyStructure CarePlan CareTeam ChargeItem Claim ClaimResponse ClinicalImpression Communication CommunicationRequest Composition Condition Consent Coverage CoverageEligibilityRequest CoverageEligibilityResponse DetectedIssue DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference Encounter EnrollmentRequest EpisodeOfCare ExplanationOfBenefit FamilyMemberHistory Flag Goal Group ImagingStudy Immunization ImmunizationEvaluation ImmunizationRecommendation Invoice List MeasureReport Media MedicationAdministration MedicationDispense MedicationRequest MedicationStatement MolecularSequence NutritionOrder Observation Patient Person Procedure Provenance QuestionnaireResponse RelatedPerson RequestGroup ResearchSubject RiskAssessment Schedule ServiceRequest Specimen SupplyDelivery SupplyRequest VisionPrescription'.split(
    ' ',
  );

describe('a search in the compartment of a patient', () => {
  it('knows every type of R4’s definition', () => {
    expect(R4_TYPES).toHaveLength(66);
    for (const type of R4_TYPES) expect(PATIENT_COMPARTMENT).toHaveProperty(type);
  });

  it.each([
    ['Observation', 'patient=Patient/ada'],
    ['AllergyIntolerance', 'patient=Patient/ada'],
    ['Appointment', 'patient=Patient/ada'],
    ['AdverseEvent', 'subject=Patient/ada'],
    ['Group', 'member=Patient/ada'],
    ['Schedule', 'actor=Patient/ada'],
    ['Patient', '_id=ada'],
  ])('asks for what is about the patient: %s', (type, parameter) => {
    expect(narrowed(type)).toEqual([parameter]);
    expect(narrowed(type, '_count=2')).toEqual([parameter, '_count=2']);
  });

  it.each([
    'Practitioner',
    'Organization',
    'Medication',
    'Binary',
    'Bundle',
    'toString',
    '__proto__',
    '',
    '../x',
  ])('is refused for a type that is not in it: %j', (type) => {
    expect(() => narrowed(type)).toThrow(expect.objectContaining({ error: 'invalid_request' }));
  });

  it.each([
    'patient=ada',
    'patient=Patient/ada',
    `patient=${BASE}/Patient/ada`,
    'patient:Patient=ada',
    'subject=Patient/ada',
    'patient=ada,Patient/ada',
  ])('takes the patient’s own name: %s', (query) => {
    const [first, ...others] = narrowed('Observation', query);
    expect(first).toBe('patient=Patient/ada');
    expect(others.filter((parameter) => parameter.startsWith('patient='))).toEqual([]);
  });

  it.each([
    ['Observation', 'patient=bob'],
    ['Observation', 'patient=Patient/bob'],
    ['Observation', 'patient=ada,bob'],
    ['Observation', 'patient:Patient=bob'],
    ['Observation', 'patient=https://other.example/fhir/Patient/ada'],
    ['Observation', 'patient=Patient/ada/../bob'],
    ['Observation', 'subject=Patient/bob'],
    ['Observation', 'subject=Group/ada'],
    ['Observation', 'patient=ada&patient=bob'],
    ['Schedule', 'actor=Patient/bob'],
    ['Patient', '_id=bob'],
    ['Patient', '_id=ada,bob'],
  ])('refuses another patient, without naming either: %s?%s', (type, query) => {
    const refused = { error: 'invalid_request', message: expect.not.stringMatching(/ada|bob/) };
    expect(() => narrowed(type, query)).toThrow(expect.objectContaining(refused));
  });

  it('leaves further conditions alone', () => {
    const query = 'patient.name=bob&performer=Practitioner/dr&patient:identifier=urn:mrn|1&_id=o1';
    expect(narrowed('Observation', query)).toEqual(['patient=Patient/ada', ...query.split('&')]);
  });

  it('asks for what says whom it is about', () => {
    expect(narrowed('Observation', '_elements=code,value')).toEqual([
      'patient=Patient/ada',
      '_elements=code,value,subject',
    ]);
    expect(narrowed('Group', '_elements=member')).toEqual(['member=Patient/ada', '_elements=member']);
    expect(narrowed('Patient', '_elements=name')).toEqual(['_id=ada', '_elements=name']);
    expect(() => narrowed('Observation', '_summary=text')).toThrow(
      expect.objectContaining({ error: 'invalid_request' }),
    );
    expect(narrowed('Observation', '_summary=count')).toEqual(['patient=Patient/ada', '_summary=count']);
  });
});

describe('a resource that was found', () => {
  const observation = (subject: unknown) => ({ resourceType: 'Observation', subject });
  const at = (reference: unknown) => ({ reference });

  it.each<[string, unknown]>([
    ['relative', at('Patient/ada')],
    ['relative, of a version', at('Patient/ada/_history/2')],
    ['absolute', at(`${BASE}/Patient/ada`)],
    ['absolute, with the default port', at('https://ehr.example:443/fhir/Patient/ada')],
    ['one of several', [at('Patient/bob'), at('Patient/ada')]],
  ])('is the patient’s: %s', (_how, subject) => {
    expect(compartment.isForeign(observation(subject), 'Observation')).toBe(false);
  });

  it.each<[string, unknown]>([
    ['another patient', at('Patient/bob')],
    ['an id that begins alike', at('Patient/ada2')],
    ['another case', at('Patient/ADA')],
    ['the same id at another server', at('https://other.example/fhir/Patient/ada')],
    ['the same id at a base that begins alike', at('https://ehr.example/fhir-evil/Patient/ada')],
    ['a path that climbs', at('Patient/bob/../ada')],
    ['another type with the id', at('Group/ada')],
    ['a contained resource', at('#ada')],
    ['a URN', at('urn:uuid:ada')],
    ['an identifier', { identifier: { value: 'ada' } }],
    ['a reference that is no text', at(['Patient/ada'])],
    ['a text', 'Patient/ada'],
    ['nobody', undefined],
  ])('is not the patient’s: %s', (_what, subject) => {
    expect(compartment.isForeign(observation(subject), 'Observation')).toBe(true);
  });

  it('is looked at where its type has the patient', () => {
    const appointment = (...ids: string[]) => ({
      resourceType: 'Appointment',
      participant: ids.map((id) => ({ actor: at(id) })),
    });
    expect(compartment.isForeign(appointment('Practitioner/dr', 'Patient/ada'), 'Appointment')).toBe(false);
    expect(compartment.isForeign(appointment('Practitioner/dr', 'Patient/bob'), 'Appointment')).toBe(true);
    const coverage = {
      resourceType: 'Coverage',
      beneficiary: at('Patient/bob'),
      subscriber: at('Patient/ada'),
    };
    expect(compartment.isForeign(coverage, 'Coverage')).toBe(true);
    expect(compartment.isForeign({ resourceType: 'Patient', id: 'ada' }, 'Patient')).toBe(false);
    expect(compartment.isForeign({ resourceType: 'Patient', id: 'bob' }, 'Patient')).toBe(true);
  });

  it.each<[string, boolean, { resourceType: string; [name: string]: unknown }]>([
    ['a Practitioner', false, { resourceType: 'Practitioner', id: 'dr' }],
    ['the patient', false, { resourceType: 'Patient', id: 'ada' }],
    ['another patient', true, { resourceType: 'Patient', id: 'bob' }],
    ['an Encounter of the patient', false, { resourceType: 'Encounter', subject: at('Patient/ada') }],
    ['an Encounter of another', true, { resourceType: 'Encounter', subject: at('Patient/bob') }],
    [
      'an Encounter at another server',
      true,
      { resourceType: 'Encounter', subject: at('https://x.example/Patient/ada') },
    ],
    ['a Provenance of the result', false, { resourceType: 'Provenance', target: [at('Observation/o1')] }],
    ['a Provenance of another', true, { resourceType: 'Provenance', target: [at('Patient/bob')] }],
    ['a Device of another', true, { resourceType: 'Device', patient: at('Patient/bob') }],
    ['an Observation of nobody', true, { resourceType: 'Observation' }],
  ])('came with the search: %s', (_what, isForeign, resource) => {
    expect(compartment.isForeign(resource, 'Observation')).toBe(isForeign);
  });

  const contained = (type: string) => [{ resourceType: type, id: 'x' }];

  it.each<[string, boolean, { resourceType: string; [name: string]: unknown }]>([
    ['a conditional reference', true, { resourceType: 'Encounter', subject: at('Patient?identifier=m|2') }],
    ['an identifier', true, { resourceType: 'Encounter', subject: { identifier: { value: '2' } } }],
    ['a name', true, { resourceType: 'Encounter', subject: { display: 'Bob' } }],
    ['a text', true, { resourceType: 'Encounter', subject: 'Patient/bob' }],
    [
      'a URN',
      true,
      { resourceType: 'Encounter', subject: at('urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0') },
    ],
    [
      'a contained patient',
      true,
      { resourceType: 'Encounter', contained: contained('Patient'), subject: at('#x') },
    ],
    ['nothing that is contained', true, { resourceType: 'Encounter', subject: at('#x') }],
    ['a Group', true, { resourceType: 'CarePlan', subject: at('Group/g') }],
    [
      'another in an element of an older release',
      true,
      { resourceType: 'Encounter', patient: at('Patient/bob') },
    ],
    ['a Bundle', true, { resourceType: 'Bundle', entry: [] }],
    ['Parameters', true, { resourceType: 'Parameters' }],
    ['a type outside the compartment', true, { resourceType: 'Transport', for: at('Patient/bob') }],
    [
      'a deep reference outside the compartment',
      true,
      { resourceType: 'Linkage', item: [{ resource: at('Patient/ada') }, { resource: at('Patient/bob') }] },
    ],
    [
      'a contained patient outside the compartment',
      true,
      { resourceType: 'Transport', contained: contained('Patient'), for: at('#x') },
    ],
    [
      'a patient’s identifier outside the compartment',
      true,
      { resourceType: 'Transport', for: { type: 'Patient', identifier: { value: '2' } } },
    ],
    ['a device of an identifier', true, { resourceType: 'Device', patient: { identifier: { value: '2' } } }],
    ['this patient outside the compartment', false, { resourceType: 'Transport', for: at('Patient/ada') }],
    ['a device of this patient', false, { resourceType: 'Device', patient: at('Patient/ada') }],
    ['a practitioner’s schedule', false, { resourceType: 'Schedule', actor: [at('Practitioner/dr')] }],
    [
      'a contained practitioner',
      false,
      { resourceType: 'Schedule', contained: contained('Practitioner'), actor: [at('#x')] },
    ],
    [
      'an identifier of a practitioner',
      false,
      { resourceType: 'Schedule', actor: [{ type: 'Practitioner', identifier: { value: '1' } }] },
    ],
    [
      'an organization’s parent',
      false,
      { resourceType: 'Organization', partOf: at('Organization/o'), identifier: [{ value: '1' }] },
    ],
    ['a location', false, { resourceType: 'Location', managingOrganization: at('Organization/o') }],
    ['a medication', false, { resourceType: 'Medication', manufacturer: at('Organization/o') }],
    ['a role', false, { resourceType: 'PractitionerRole', practitioner: at('Practitioner/dr') }],
  ])('came with the search, and names %s: foreign %s', (_whom, isForeign, resource) => {
    expect(compartment.isForeign(resource, 'Observation')).toBe(isForeign);
  });

  it.each<[string, boolean, unknown]>([
    ['none', false, undefined],
    ['this server', false, `${BASE}/Observation/9`],
    ['this server, with the default port', false, 'https://EHR.example:443/fhir/Observation/9'],
    ['this server, with a version', false, `${BASE}/Observation/9/_history/2`],
    ['a UUID', false, 'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0'],
    ['a path', false, 'Observation/9'],
    ['another server', true, 'https://other.example/fhir/Observation/9'],
    ['another scheme', true, 'http://ehr.example/fhir/Observation/9'],
    ['a base that begins alike', true, 'https://ehr.example/fhir-evil/Observation/9'],
    ['a base below this', true, `${BASE}/tenant/Observation/9`],
    ['a URL that is not REST', true, 'https://other.example/9.json'],
    ['a server without a scheme', true, '//other.example/fhir/Observation/9'],
    ['a space before another server', true, ' https://other.example/fhir/Observation/9'],
    ['no text', true, 7],
  ])('is where its fullUrl says: %s, foreign %s', (_where, isForeign, fullUrl) => {
    const own = (resource: { resourceType: string; id?: string; [name: string]: unknown }, type: string) =>
      compartment.isForeign(resource, type, fullUrl);
    expect(own(observation(at('Patient/ada')), 'Observation')).toBe(isForeign);
    expect(own({ resourceType: 'Patient', id: 'ada' }, 'Patient')).toBe(isForeign);
    expect(own({ resourceType: 'Encounter', subject: at('Patient/ada') }, 'Observation')).toBe(isForeign);
    // an absolute URL needs no base
    expect(own(observation(at(`${BASE}/Patient/ada`)), 'Observation')).toBe(false);
    expect(own({ resourceType: 'Organization' }, 'Observation')).toBe(false);
  });
});
