import type { LaunchMembers } from 'nestjs-smart-on-fhir';

/** What a scripted launch is about (SMART 2.2, scopes and launch context). */
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
export function launchMembers(context: LaunchContext): LaunchMembers {
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
