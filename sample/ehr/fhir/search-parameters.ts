import type { ResourceType } from './fhir-store.js';

export type SearchParameterType = 'string' | 'token' | 'date' | 'reference' | 'quantity' | 'uri';

export interface SearchParameter {
  type: SearchParameterType;
  /** element paths below the resource, dotted */
  paths: readonly string[];
  /** the type a reference parameter is confined to, such as Patient for `patient` */
  target?: ResourceType;
}

const of =
  (type: SearchParameterType) =>
  (...paths: string[]): SearchParameter => ({ type, paths });
const string = of('string');
const token = of('token');
const date = of('date');
const reference = of('reference');
const quantity = of('quantity');
const uri = of('uri');
const patient = (...paths: string[]): SearchParameter => ({ type: 'reference', paths, target: 'Patient' });

type Parameters = Readonly<Record<string, SearchParameter>>;

/** Parameters of every resource type. */
export const COMMON_PARAMETERS: Parameters = {
  _id: token('id'),
  _lastUpdated: date('meta.lastUpdated'),
  _profile: uri('meta.profile'),
  _tag: token('meta.tag'),
};

const identifier = token('identifier');
const status = token('status');
const category = token('category');
const code = token('code');
const encounter = reference('encounter');
const subject = { patient: patient('subject'), subject: reference('subject') };
const person = {
  identifier,
  name: string('name'),
  family: string('name.family'),
  given: string('name.given'),
  gender: token('gender'),
  active: token('active'),
  telecom: token('telecom'),
  address: string('address'),
  'address-city': string('address.city'),
  'address-state': string('address.state'),
  'address-postalcode': string('address.postalCode'),
};

/** What can be searched for in which resource type, and so also which types the server knows. */
export const SEARCH_PARAMETERS: Readonly<Partial<Record<ResourceType, Parameters>>> = {
  AllergyIntolerance: {
    identifier,
    patient: patient('patient'),
    code: token('code', 'reaction.substance'),
    category,
    criticality: token('criticality'),
    type: token('type'),
    date: date('recordedDate'),
    'clinical-status': token('clinicalStatus'),
    'verification-status': token('verificationStatus'),
  },
  Appointment: {
    identifier,
    status,
    date: date('start'),
    patient: patient('participant.actor'),
    actor: reference('participant.actor'),
    'service-type': token('serviceType'),
  },
  Binary: {},
  CarePlan: { identifier, ...subject, encounter, status, category, date: date('period') },
  CareTeam: { identifier, ...subject, encounter, status, category, date: date('period') },
  Communication: { identifier, ...subject, encounter, status, category, sent: date('sent') },
  Condition: {
    identifier,
    ...subject,
    encounter,
    code,
    category,
    severity: token('severity'),
    'clinical-status': token('clinicalStatus'),
    'verification-status': token('verificationStatus'),
    'onset-date': date('onsetDateTime', 'onsetPeriod'),
    'abatement-date': date('abatementDateTime', 'abatementPeriod'),
    'recorded-date': date('recordedDate'),
    asserter: reference('asserter'),
  },
  Coverage: {
    identifier,
    status,
    patient: patient('beneficiary'),
    beneficiary: reference('beneficiary'),
    type: token('type'),
  },
  Device: { identifier, patient: patient('patient'), status, type: token('type') },
  DiagnosticReport: {
    identifier,
    ...subject,
    encounter,
    status,
    category,
    code,
    date: date('effectiveDateTime', 'effectivePeriod'),
    issued: date('issued'),
    result: reference('result'),
  },
  DocumentReference: {
    identifier: token('masterIdentifier', 'identifier'),
    ...subject,
    encounter: reference('context.encounter'),
    status,
    category,
    type: token('type'),
    date: date('date'),
    period: date('context.period'),
  },
  Encounter: {
    identifier,
    ...subject,
    status,
    class: token('class'),
    type: token('type'),
    date: date('period'),
    'reason-code': token('reasonCode'),
    participant: reference('participant.individual'),
    practitioner: { ...reference('participant.individual'), target: 'Practitioner' },
    'service-provider': reference('serviceProvider'),
    location: reference('location.location'),
  },
  FamilyMemberHistory: { identifier, patient: patient('patient'), status, date: date('date') },
  Goal: {
    identifier,
    ...subject,
    category,
    'lifecycle-status': token('lifecycleStatus'),
    'start-date': date('startDate'),
  },
  Group: { identifier, type: token('type'), code, member: reference('member.entity') },
  Immunization: {
    identifier,
    patient: patient('patient'),
    status,
    date: date('occurrenceDateTime'),
    'vaccine-code': token('vaccineCode'),
  },
  Location: { identifier, name: string('name', 'alias'), status, type: token('type') },
  Medication: { identifier, code, status },
  MedicationAdministration: {
    identifier,
    ...subject,
    status,
    code: token('medicationCodeableConcept'),
    'effective-time': date('effectiveDateTime', 'effectivePeriod'),
  },
  MedicationRequest: {
    identifier,
    ...subject,
    encounter,
    status,
    intent: token('intent'),
    category,
    code: token('medicationCodeableConcept'),
    medication: reference('medicationReference'),
    authoredon: date('authoredOn'),
    requester: reference('requester'),
  },
  MedicationStatement: {
    identifier,
    ...subject,
    status,
    category,
    code: token('medicationCodeableConcept'),
    effective: date('effectiveDateTime', 'effectivePeriod'),
  },
  Observation: {
    identifier,
    ...subject,
    encounter,
    status,
    category,
    code,
    'combo-code': token('code', 'component.code'),
    'component-code': token('component.code'),
    date: date('effectiveDateTime', 'effectivePeriod', 'effectiveInstant'),
    performer: reference('performer'),
    'value-quantity': quantity('valueQuantity'),
    'component-value-quantity': quantity('component.valueQuantity'),
    'value-concept': token('valueCodeableConcept'),
    'derived-from': reference('derivedFrom'),
    'has-member': reference('hasMember'),
  },
  Organization: {
    identifier,
    name: string('name', 'alias'),
    active: token('active'),
    type: token('type'),
    'address-city': string('address.city'),
    partof: reference('partOf'),
  },
  Patient: {
    ...person,
    birthdate: date('birthDate'),
    'death-date': date('deceasedDateTime'),
    deceased: token('deceasedBoolean'),
    language: token('communication.language'),
    'general-practitioner': reference('generalPractitioner'),
    organization: reference('managingOrganization'),
  },
  Practitioner: person,
  PractitionerRole: {
    identifier,
    active: token('active'),
    practitioner: reference('practitioner'),
    organization: reference('organization'),
    role: token('code'),
    specialty: token('specialty'),
  },
  Procedure: {
    identifier,
    ...subject,
    encounter,
    status,
    category,
    code,
    date: date('performedDateTime', 'performedPeriod'),
  },
  Provenance: { target: reference('target'), recorded: date('recorded'), patient: patient('target') },
  Questionnaire: {
    identifier,
    url: uri('url'),
    name: string('name'),
    title: string('title'),
    status,
    version: token('version'),
  },
  QuestionnaireResponse: {
    identifier,
    ...subject,
    encounter,
    status,
    authored: date('authored'),
    questionnaire: uri('questionnaire'),
    author: reference('author'),
  },
  RelatedPerson: { ...person, patient: patient('patient'), birthdate: date('birthDate') },
  ServiceRequest: {
    identifier,
    ...subject,
    encounter,
    status,
    intent: token('intent'),
    category,
    code,
    authored: date('authoredOn'),
    requester: reference('requester'),
  },
  Task: {
    identifier,
    patient: patient('for'),
    subject: reference('for'),
    encounter,
    status,
    intent: token('intent'),
    code,
    owner: reference('owner'),
    'authored-on': date('authoredOn'),
  },
};

export function isResourceType(type: string): type is ResourceType {
  return Object.hasOwn(SEARCH_PARAMETERS, type);
}

export function searchParametersOf(type: ResourceType): Parameters {
  return { ...COMMON_PARAMETERS, ...SEARCH_PARAMETERS[type] };
}
