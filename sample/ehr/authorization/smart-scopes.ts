const IDENTITY_AND_CONTEXT = [
  'openid',
  'fhirUser',
  'profile',
  'launch',
  'launch/patient',
  'launch/encounter',
  'offline_access',
  'online_access',
];

/** Not exhaustive, as SMART allows: any scope of the grammar below is accepted. */
export const SCOPES_SUPPORTED = [
  ...IDENTITY_AND_CONTEXT,
  'patient/*.rs',
  'patient/*.cruds',
  'patient/*.read',
  'patient/*.write',
  'patient/*.*',
  'user/*.rs',
  'user/*.cruds',
  'user/*.read',
  'user/*.write',
  'user/*.*',
  'system/*.rs',
  'system/*.read',
];

const RESOURCE_SCOPE =
  /^(?<level>patient|user|system)\/(?:\*|[A-Z][A-Za-z]*)\.(?:read|write|\*|(?=[cruds])c?r?u?d?s?(?:\?\S+)?)$/;

function level(scope: string): string | undefined {
  return RESOURCE_SCOPE.exec(scope)?.groups?.['level'];
}

/** What a clinician can grant: resource scopes of v1 and v2 except `system/`, identity and launch scopes. */
export function grantableByUser(scope: string): boolean {
  const resourceLevel = level(scope);
  return IDENTITY_AND_CONTEXT.includes(scope) || resourceLevel === 'patient' || resourceLevel === 'user';
}

export function isSystemScope(scope: string): boolean {
  return level(scope) === 'system';
}
