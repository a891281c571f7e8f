/**
 * The scopes of one authorization request (SMART 2.2 "Scopes and Launch Context"): `launch` belongs to an EHR
 * launch and to nothing else, `online_access` needs the EHR's own session, and a standalone launch with
 * patient-level scopes asks for the patient.
 */
export function requestedScope(
  configured: string,
  { launch, context = [] }: { launch?: string; context?: readonly string[] },
): string {
  const scopes = new Set(configured.split(/\s+/).filter((scope) => scope !== ''));
  for (const name of context) scopes.add(`launch/${name.toLowerCase()}`);
  if (launch !== undefined) {
    scopes.add('launch');
    return [...scopes].join(' ');
  }
  scopes.delete('launch');
  scopes.delete('online_access');
  const needsPatient = [...scopes].some((scope) => scope.startsWith('patient/'));
  if (needsPatient && ![...scopes].some((scope) => scope.startsWith('launch/patient'))) {
    scopes.add('launch/patient');
  }
  return [...scopes].join(' ');
}
