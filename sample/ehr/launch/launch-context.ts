/** What the EHR tells an app about the place it was launched from (SMART 2.2, scopes and launch context). */
export interface LaunchContext {
  patient?: string;
  encounter?: string;
  intent?: string;
  needPatientBanner?: boolean;
  smartStyleUrl?: string;
  fhirContext?: unknown[];
  /** Further token response parameters: `tenant`, full URIs, vendor keys. */
  extra?: Record<string, unknown>;
}

/** The context as parameters of the token response. */
export function tokenResponseParameters(context: LaunchContext): Record<string, unknown> {
  const parameters: Record<string, unknown> = {
    ...context.extra,
    patient: context.patient,
    encounter: context.encounter,
    intent: context.intent,
    need_patient_banner: context.needPatientBanner,
    smart_style_url: context.smartStyleUrl,
    fhirContext: context.fhirContext,
  };
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
}

/** Only what the granted scopes allow the app to know. */
export function releasedContext(context: LaunchContext, scopes: ReadonlySet<string>): LaunchContext {
  if (scopes.has('launch')) return context;
  return {
    ...(scopes.has('launch/patient') && context.patient ? { patient: context.patient } : {}),
    ...(scopes.has('launch/encounter') && context.encounter ? { encounter: context.encounter } : {}),
  };
}
