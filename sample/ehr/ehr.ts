import type { SmartLaunchEvent } from 'nestjs-smart-on-fhir';
import type { AuthorizationServer } from './authorization/authorization-server.js';
import type { Clinician } from './authorization/clinician.js';
import type { ClinicalRecord } from './clinical-record.js';
import type { WaitingLaunches } from './launch/waiting-launches.js';
import type { AppRegistry } from './registered-app.js';

export interface EhrParts {
  url: string;
  fhirBaseUrl: string;
  /** The FHIR base as apps are told it, with or without a slash at the end. */
  iss: string;
  apps: AppRegistry;
  launches: WaitingLaunches;
  record: ClinicalRecord;
  clinician: Clinician;
  authorizationServer: AuthorizationServer;
}

/** What the EHR's controllers share. */
export class Ehr {
  readonly url: string;
  readonly fhirBaseUrl: string;
  readonly iss: string;
  readonly apps: AppRegistry;
  readonly launches: WaitingLaunches;
  readonly record: ClinicalRecord;
  readonly clinician: Clinician;
  readonly authorizationServer: AuthorizationServer;
  /** Who launched what for whom, oldest first. */
  readonly auditLog: SmartLaunchEvent[] = [];

  constructor(parts: EhrParts) {
    this.url = parts.url;
    this.fhirBaseUrl = parts.fhirBaseUrl;
    this.iss = parts.iss;
    this.apps = parts.apps;
    this.launches = parts.launches;
    this.record = parts.record;
    this.clinician = parts.clinician;
    this.authorizationServer = parts.authorizationServer;
  }
}
