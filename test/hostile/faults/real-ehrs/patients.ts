import type { Answer, Json } from '../../ehr/exchange.js';
import { ACCEPTED, refused } from '../../ehr/fault.js';
import type { Fault } from '../../ehr/fault.js';
import { fhir, outcome } from '../../ehr/fhir-data.js';
import { DUE, EXPIRED, GRANT_OVER } from './shared.js';

/** A searchset of these patients. */
function found(ids: string[], members: Json = {}): Answer {
  const entry = ids.map((id) => ({ resource: { resourceType: 'Patient', id } }));
  return fhir(200, { resourceType: 'Bundle', type: 'searchset', entry, ...members } as Parameters<
    typeof fhir
  >[1]);
}

export function patients(): Fault[] {
  const blueButton = {
    profile: 'blueButton',
    token: (body: Json): Json => ({ ...body, patient: undefined }),
  } as const;
  const medent = { ...blueButton, profile: 'medent' } as const;
  const search = (answer: Answer): Pick<Fault, 'instead'> => ({
    instead: { fhir: (_ehr, { path }) => (path === '/fhir/Patient' ? answer : undefined) },
  });
  const NO_PATIENT = refused('missing_patient_context', 502, { token: 1, fhir: 1 });
  const isPatient = (fhirUser: string): Pick<Fault, 'claims'> => ({
    claims: (claims) => ({ ...claims, fhirUser }),
  });
  const next = [{ relation: 'next', url: '?page=2' }];
  return [
    {
      id: 'E-MISC-4',
      name: 'no patient is named, and the token finds one',
      ...blueButton,
      expect: { ...ACCEPTED, calls: { token: 1, fhir: 2 } },
    },
    {
      id: 'E-MISC-4',
      name: 'no patient is named at first, and the refresh names the same',
      ...blueButton,
      later: EXPIRED,
      expect: { ...ACCEPTED, calls: { token: 2, fhir: 2 } },
    },
    {
      id: 'E-MISC-4 A9-6',
      name: 'no patient is named at first, and the refresh names another',
      ...blueButton,
      refresh: (body) => ({ ...body, patient: 'p2' }),
      later: DUE,
      expect: { ...GRANT_OVER, error: 'patient_changed', calls: { token: 2, fhir: 1 } },
    },
    ...(
      [
        ['none', found([])],
        ['two', found(['p1', 'p2'])],
        ['one of two', found(['p1'], { total: 2 })],
        ['one on the first page', found(['p1'], { link: next })],
        ['one whose id is a path', found(['../Binary/1'])],
        ['no Bundle', fhir(200, { resourceType: 'Patient', id: 'p1' })],
        ['a refusal', outcome(403, 'forbidden')],
        ['a 401', outcome(401, 'login')],
      ] as const
    ).map(([name, answer]): Fault => ({
      id: 'E-MISC-4 A7-9',
      name: `no patient is named, and the token finds ${name}`,
      ...blueButton,
      ...search(answer),
      expect: NO_PATIENT,
    })),
    {
      id: 'E-MISC-4 A7-9',
      name: 'no patient is named to a clinician, whose token finds one',
      ...blueButton,
      token: (body) => ({ ...body, scope: `${String(body.scope)} user/Patient.read`, patient: undefined }),
      expect: { ...NO_PATIENT, calls: { token: 1, fhir: 0 } },
    },
    {
      id: 'E-MISC-4 A7-9',
      name: 'no patient is named, and nobody said to search',
      token: blueButton.token,
      // refused before any key is fetched
      expect: { ...NO_PATIENT, calls: { token: 1, jwks: 0, fhir: 0 } },
    },
    {
      id: 'E-MISC-4',
      name: 'no patient is named, the user is another, and nobody said that it counts',
      ...blueButton,
      ...isPatient('Patient/p9'),
      expect: { ...ACCEPTED, calls: { token: 1, fhir: 2 } },
    },
    {
      id: 'E-MISC-5',
      name: 'the patient is the user',
      ...medent,
      ...isPatient('Patient/p1'),
      expect: { ...ACCEPTED, calls: { fhir: 1 } },
    },
    ...(
      [
        ['a practitioner', 'Practitioner/p1'],
        ['a relative', 'RelatedPerson/p1'],
        ['a patient of another server', 'https://other.example.org/fhir/Patient/p1'],
      ] as const
    ).map(([name, fhirUser]): Fault => ({
      id: 'E-MISC-5 A7-9',
      name: `no patient is named, and the user is ${name}`,
      ...medent,
      ...isPatient(fhirUser),
      expect: { ...NO_PATIENT, calls: { token: 1, fhir: 0 } },
    })),
    {
      id: 'E-MISC-5 A7-9',
      name: 'the patient is the user, and nobody said so',
      token: medent.token,
      ...isPatient('Patient/p1'),
      expect: { ...NO_PATIENT, calls: { token: 1, fhir: 0 } },
    },
  ];
}
