import { age, formatDate, toDate } from './dates.js';
import { byId, element } from './dom.js';

export function showPatient(patient) {
  byId('patient-name').textContent = fullName(patient);
  byId('patient-facts').replaceChildren(
    ...facts(patient).map(([label, value]) =>
      element('div', {}, element('dt', {}, label), element('dd', {}, value)),
    ),
  );
}

export function fullName({ name: names = [] }) {
  const name = names.find(({ use }) => use === 'official') ?? names[0];
  return [...(name?.given ?? []), name?.family].filter(Boolean).join(' ') || name?.text || 'Name unknown';
}

function facts(patient) {
  const { birthDate, gender = 'unknown', deceasedDateTime, deceasedBoolean } = patient;
  const deceased = deceasedDateTime ? formatDate(deceasedDateTime) : deceasedBoolean && 'Yes';
  const years = birthDate && age(birthDate, deceasedDateTime && toDate(deceasedDateTime));
  return [
    ['Born', birthDate ? formatDate(birthDate) : 'unknown'],
    [deceased ? 'Age at death' : 'Age', deceasedBoolean ? '' : years],
    ['Deceased', deceased],
    ['Gender', gender],
    recordNumber(patient),
  ].filter(([, value]) => value);
}

function recordNumber({ identifier: identifiers = [] }) {
  const hasType = (code) => (identifier) => identifier.type?.coding?.some((coding) => coding.code === code);
  const medicalRecord = identifiers.find(hasType('MR'));
  // A social security number is nobody's business here.
  const other = identifiers.find((identifier) => !hasType('SS')(identifier));
  return medicalRecord ? ['MRN', medicalRecord.value] : ['Identifier', other?.value];
}
