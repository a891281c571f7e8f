import { splitScopes, unconstrained } from './scope/scope.js';
import type { LaunchRecord } from './session/launch-record.js';

/** Stands for what a debugging eye must not see. */
export type Redacted = '[redacted]';

/** A launch as it may be looked at while debugging: no token, no id, no claim. */
export interface LaunchState {
  /** FHIR base of the launch */
  fhirBaseUrl: string;
  /** `name` of the known server */
  issuerName: string;
  clientId: string;
  /** granted scopes, each without its constraint (`?…`), which may name a patient */
  scopes: string[];
  /** the EHR did not say which scopes it granted; those asked for are assumed */
  scopeAssumed: boolean;
  /** null at an open server */
  tokenType: 'Bearer' | 'DPoP' | null;
  accessToken: Redacted | null;
  refreshToken: Redacted | null;
  /** epoch milliseconds */
  startedAt: number;
  /** epoch milliseconds, of the access token */
  issuedAt: number;
  /** epoch milliseconds, of the access token */
  expiresAt: number;
  /** what the launch is about: whether it is there, and no ids */
  context: {
    patient: Redacted | null;
    encounter: Redacted | null;
    tenant: Redacted | null;
    /** number of entries */
    fhirContext: number;
    intent: string | null;
    needPatientBanner: boolean;
    hasStyle: boolean;
    /** names of extension members */
    extra: string[];
  };
  /** null without a verified id_token */
  user: { iss: string; sub: Redacted; fhirUser: Redacted | null } | null;
}

export function launchState(record: LaunchRecord, issuerName: string): LaunchState {
  const { iss, clientId, scope, scopeAssumed, context, identity } = record;
  const { startedAt, issuedAt, expiresAt } = record;
  const isOpen = record.accessToken === '';
  return {
    fhirBaseUrl: iss,
    issuerName,
    clientId,
    scopes: unconstrained(splitScopes(scope)),
    scopeAssumed,
    tokenType: isOpen ? null : record.dpopKey ? 'DPoP' : 'Bearer',
    accessToken: isOpen ? null : '[redacted]',
    refreshToken: redacted(record.refreshToken),
    startedAt,
    issuedAt,
    expiresAt,
    context: {
      patient: redacted(context.patient),
      encounter: redacted(context.encounter),
      tenant: redacted(context.tenant),
      fhirContext: context.fhirContext.length,
      intent: context.intent,
      needPatientBanner: context.needPatientBanner,
      hasStyle: context.smartStyleUrl !== null,
      extra: Object.keys(context.extra),
    },
    user: identity && { iss: identity.iss, sub: '[redacted]', fhirUser: redacted(identity.fhirUser) },
  };
}

function redacted(value: string | null | undefined): Redacted | null {
  return value === undefined || value === null ? null : '[redacted]';
}
