import type { Encounter, HumanName, Patient, Practitioner } from 'fhir/r4.js';
import type { FhirStore } from './fhir/index.js';

export interface PatientSummary {
  id: string;
  name: string;
  /** `YYYY-MM-DD`, or what part of it is known. */
  birthDate: string;
  gender: string;
  observations: number;
}

/** What the EHR's own page shows of a patient. */
export interface PatientChart {
  name: string;
  birthDate: string;
  gender: string;
  /** Names of conditions. */
  conditions: string[];
  /** Dates, newest first. */
  visits: string[];
}

const LATEST_VISITS = 5;

const DEMO_CLINICIAN: Practitioner = {
  resourceType: 'Practitioner',
  id: 'demo-clinician',
  active: true,
  name: [{ family: 'Ærøskøbing', given: ['Ingrid'], prefix: ['Dr.'] }],
};

/** The questions the EHR's own pages ask of the FHIR store. */
export class ClinicalRecord {
  constructor(private readonly store: FhirStore) {}

  patients(search = ''): PatientSummary[] {
    const words = searchable(search).split(/\s+/).filter(Boolean);
    const observations = this.#observationCounts();
    return this.store
      .list('Patient')
      .map((patient) => summary(patient, observations.get(`Patient/${patient.id}`) ?? 0))
      .filter(({ id, name, birthDate }) => {
        const text = searchable(`${name} ${birthDate} ${id}`);
        return words.every((word) => text.includes(word));
      })
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  hasPatient(id: string): boolean {
    return this.store.find('Patient', id) !== undefined;
  }

  chart(patientId: string): PatientChart | undefined {
    const patient = this.store.find('Patient', patientId);
    if (!patient) return undefined;
    const { name, birthDate, gender } = summary(patient, 0);
    const conditions = this.store
      .list('Condition')
      .filter(({ subject }) => subject.reference === `Patient/${patientId}`)
      .map(({ code }) => code?.text ?? code?.coding?.at(0)?.display ?? 'Unnamed condition');
    const visits = this.#encounters(patientId)
      .map(({ period }) => period?.start?.slice(0, 10) ?? '')
      .filter((date) => date !== '');
    return {
      name,
      birthDate,
      gender,
      conditions: [...new Set(conditions)],
      visits: visits.slice(0, LATEST_VISITS),
    };
  }

  latestEncounter(patientId: string): string | undefined {
    return this.#encounters(patientId).at(0)?.id;
  }

  #encounters(patientId: string): Encounter[] {
    return this.store
      .list('Encounter')
      .filter(({ subject }) => subject?.reference === `Patient/${patientId}`)
      .sort((a, b) => (b.period?.start ?? '').localeCompare(a.period?.start ?? ''));
  }

  /** The practitioner who uses this EHR; made up when the data has none. */
  clinician(): { id: string; name: string } {
    const practitioner = this.store.list('Practitioner').at(0) ?? this.store.update(DEMO_CLINICIAN).resource;
    return { id: practitioner.id ?? '', name: spokenName(practitioner.name) };
  }

  #observationCounts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { subject } of this.store.list('Observation')) {
      const reference = subject?.reference;
      if (reference) counts.set(reference, (counts.get(reference) ?? 0) + 1);
    }
    return counts;
  }
}

function summary(patient: Patient, observations: number): PatientSummary {
  return {
    id: patient.id ?? '',
    name: humanName(patient.name),
    birthDate: patient.birthDate ?? '',
    gender: patient.gender ?? '',
    observations,
  };
}

/** As in a list: family name first. */
function humanName(names: HumanName[] | undefined): string {
  const name = officialName(names);
  const inOrder = [name?.family, name?.given?.join(' ')].filter(Boolean).join(', ');
  return inOrder || name?.text || 'Name unknown';
}

function spokenName(names: HumanName[] | undefined): string {
  const name = officialName(names);
  const inOrder = [...(name?.prefix ?? []), ...(name?.given ?? []), name?.family].filter(Boolean).join(' ');
  return inOrder || name?.text || 'Name unknown';
}

function officialName(names: HumanName[] | undefined): HumanName | undefined {
  return names?.find(({ use }) => use === 'official') ?? names?.at(0);
}

/** Letters that Unicode does not take apart into a base letter and a mark. */
const PLAIN_LETTERS: Record<string, string> = {
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  æ: 'ae',
  œ: 'oe',
  ß: 'ss',
};

/** Finds "Åse Østergård" by "ase ostergard" too. */
function searchable(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{Diacritic}/gu, '')
    .toLowerCase()
    .replace(/[øłđðþæœß]/g, (letter) => PLAIN_LETTERS[letter] ?? letter);
}
