import type { Condition, Encounter, FhirResource, Patient } from 'fhir/r4.js';

import type { FhirStore } from '../fhir/fhir-store.js';
import { REFERENCE_DATE, addDays, yearsBetween } from './calendar.js';
import { nameSource, slug } from './names.js';
import type { PersonName } from './names.js';
import { PRACTICE, PRACTITIONERS } from './practice.js';
import { PROFILES } from './profiles.js';
import type { Diagnosis, Profile } from './profiles.js';
import { seededRandom } from './random.js';
import type { Random } from './random.js';
import { vitalCourse } from './vital-course.js';
import { vitalSignObservations } from './vital-signs.js';

export interface SyntheticPatientOptions {
  seed: number;
  patients?: number;
}

/** Adults' records reach this far back; children's to their birth. */
const RECORD_YEARS = 6;
const YEAR = 365.25;

/** Makes patients with years of vital signs; the same seed makes the same ones. Returns their ids. */
export function makeSyntheticPatients(store: FhirStore, options: SyntheticPatientOptions): string[] {
  const random = seededRandom(options.seed);
  const nextName = nameSource(random);
  const ids: string[] = [];
  const save = (resource: FhirResource): void => void store.update(resource);
  [PRACTICE, ...PRACTITIONERS].forEach(save);
  for (let number = 0; number < (options.patients ?? PROFILES.length); number += 1) {
    const profile = PROFILES[number % PROFILES.length];
    if (!profile) break;
    const name = nextName(profile.sex);
    const id = ids.includes(slug(name)) ? `${slug(name)}-${number}` : slug(name);
    // one generator each: a change to one patient's course leaves the others as they were
    recordOf(id, number, name, profile, seededRandom(options.seed * 1000 + number)).forEach(save);
    ids.push(id);
  }
  return ids;
}

function recordOf(
  id: string,
  number: number,
  name: PersonName,
  profile: Profile,
  random: Random,
): FhirResource[] {
  const birthDate = addDays(REFERENCE_DATE, -(profile.age + random.between(0.1, 0.9)) * YEAR);
  const practitioner = random.pick(PRACTITIONERS).id ?? '';
  const dates = visitDates(profile, birthDate, random);
  const start = dates[0] ?? REFERENCE_DATE;
  const vitalsOn = vitalCourse(profile, birthDate, start, random);
  const visits = dates.flatMap((date, index) => {
    const time = `${String(Math.floor(random.between(8, 17))).padStart(2, '0')}:${random.pick(['00', '15', '30', '45'])}`;
    const encounter = `${id}-visit-${index + 1}`;
    const dateTime = `${date}T${time}:00Z`;
    return [
      encounterOf(encounter, id, practitioner, dateTime, profile.age < 18),
      ...vitalSignObservations(
        { id: encounter, patient: id, encounter, practitioner, dateTime },
        vitalsOn(date),
      ),
    ];
  });
  const conditions = profile.diagnoses.map((diagnosis, index) =>
    conditionOf(`${id}-condition-${index + 1}`, id, practitioner, diagnosis),
  );
  return [patientOf(id, number, name, profile, birthDate, practitioner), ...conditions, ...visits];
}

function visitDates(profile: Profile, birthDate: string, random: Random): string[] {
  const isChild = profile.age < 18;
  const start = isChild ? addDays(birthDate, 14) : addDays(REFERENCE_DATE, -RECORD_YEARS * YEAR);
  const dates: string[] = [];
  let date = addDays(start, isChild ? 0 : random.between(0, 60));
  while (date <= REFERENCE_DATE) {
    dates.push(date);
    const isInfant = isChild && yearsBetween(birthDate, date) < 1.5;
    const perYear = isInfant ? 5 : profile.visitsPerYear;
    date = addDays(date, (YEAR / perYear) * random.between(0.8, 1.15));
  }
  return dates;
}

function patientOf(
  id: string,
  number: number,
  { given, family }: PersonName,
  { sex }: Profile,
  birthDate: string,
  practitioner: string,
): Patient {
  return {
    resourceType: 'Patient',
    id,
    active: true,
    identifier: [
      {
        type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }] },
        system: 'https://ehr.example/patients',
        value: String(100_001 + number),
      },
    ],
    name: [{ use: 'official', family, given: given.split(' ') }],
    gender: sex,
    birthDate,
    address: [{ line: [`${number + 3} Orchard Lane`], city: 'Hillside', country: 'US' }],
    generalPractitioner: [{ reference: `Practitioner/${practitioner}` }],
    managingOrganization: { reference: `Organization/${PRACTICE.id}` },
  };
}

function encounterOf(
  id: string,
  patient: string,
  practitioner: string,
  start: string,
  isChild: boolean,
): Encounter {
  const type = isChild
    ? { code: '410620009', display: 'Well child visit (procedure)' }
    : { code: '185349003', display: 'Encounter for check up (procedure)' };
  return {
    resourceType: 'Encounter',
    id,
    status: 'finished',
    class: {
      system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode',
      code: 'AMB',
      display: 'ambulatory',
    },
    type: [{ coding: [{ system: 'http://snomed.info/sct', ...type }], text: type.display }],
    subject: { reference: `Patient/${patient}` },
    participant: [{ individual: { reference: `Practitioner/${practitioner}` } }],
    period: {
      start,
      end: start.replace(/:(\d\d):00Z$/, (_, minute: string) => `:${Number(minute) + 14}:00Z`),
    },
    serviceProvider: { reference: `Organization/${PRACTICE.id}` },
  };
}

function conditionOf(
  id: string,
  patient: string,
  practitioner: string,
  { code, display, yearsAgo, resolvedAfterYears }: Diagnosis,
): Condition {
  const onset = addDays(REFERENCE_DATE, -yearsAgo * YEAR);
  const status = resolvedAfterYears === undefined ? 'active' : 'resolved';
  const clinical = 'http://terminology.hl7.org/CodeSystem/condition-clinical';
  const verification = 'http://terminology.hl7.org/CodeSystem/condition-ver-status';
  const category = 'http://terminology.hl7.org/CodeSystem/condition-category';
  return {
    resourceType: 'Condition',
    id,
    clinicalStatus: { coding: [{ system: clinical, code: status }] },
    verificationStatus: { coding: [{ system: verification, code: 'confirmed' }] },
    category: [{ coding: [{ system: category, code: 'problem-list-item' }] }],
    code: { coding: [{ system: 'http://snomed.info/sct', code, display }], text: display },
    subject: { reference: `Patient/${patient}` },
    onsetDateTime: onset,
    ...(resolvedAfterYears === undefined
      ? {}
      : { abatementDateTime: addDays(onset, resolvedAfterYears * YEAR) }),
    recordedDate: onset,
    recorder: { reference: `Practitioner/${practitioner}` },
  };
}
