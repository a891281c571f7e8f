import { parseFhirBaseUrl } from '../ehr/fhir-base-url.js';

/**
 * The patients that were launched in a session, ended launches included: a tab that names only the patient must
 * not be answered by another EHR whose patient has the same id, however long ago its own launch ended.
 */
export interface LaunchHistory {
  ehrs: { iss: string; patients: (string | null)[] }[];
  /** some were left out; from then on every caller names the issuer */
  isCut?: true;
}

const MAX_PATIENTS = 100;

export function withLaunch(
  history: LaunchHistory | undefined,
  { iss, patient }: { iss: string; patient: string | null },
): LaunchHistory {
  const canonical = canonicalIssuer(iss);
  const ehrs = history?.ehrs ?? [];
  const known = ehrs.find((ehr) => ehr.iss === canonical);
  if (known?.patients.includes(patient)) return history!;
  const count = ehrs.reduce((sum, { patients }) => sum + patients.length, 0);
  const isFull = count >= MAX_PATIENTS;
  const patients = [...(known?.patients ?? []), ...(isFull ? [] : [patient])];
  return {
    ehrs: [...ehrs.filter((ehr) => ehr !== known), { iss: canonical, patients }],
    ...((isFull || history?.isCut) && { isCut: true }),
  };
}

/** Whether a caller who names this patient and no issuer may mean another EHR's. */
export function isAmbiguous(history: LaunchHistory | undefined, patient: string | null): boolean {
  if (history === undefined) return false;
  const { ehrs, isCut } = history;
  return (isCut ? ehrs : ehrs.filter(({ patients }) => patients.includes(patient))).length > 1;
}

function canonicalIssuer(iss: string): string {
  return parseFhirBaseUrl(iss)?.canonical ?? iss;
}
