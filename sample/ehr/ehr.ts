import type { AuthorizationServer } from './authorization/authorization-server.js';
import type { Clinician } from './authorization/clinician.js';
import type { ClinicalRecord } from './clinical-record.js';
import type { LaunchContext } from './launch/launch-context.js';
import type { LaunchHandles } from './launch/launch-handles.js';
import { launchUrl } from './launch/launch-url.js';
import type { AppRegistry } from './registered-app.js';

export interface EhrParts {
  url: string;
  fhirBaseUrl: string;
  apps: AppRegistry;
  launches: LaunchHandles;
  record: ClinicalRecord;
  clinician: Clinician;
  authorizationServer: AuthorizationServer;
}

/** What the EHR's controllers share. */
export class Ehr {
  readonly url: string;
  readonly fhirBaseUrl: string;
  readonly apps: AppRegistry;
  readonly launches: LaunchHandles;
  readonly record: ClinicalRecord;
  readonly clinician: Clinician;
  readonly authorizationServer: AuthorizationServer;

  constructor(parts: EhrParts) {
    this.url = parts.url;
    this.fhirBaseUrl = parts.fhirBaseUrl;
    this.apps = parts.apps;
    this.launches = parts.launches;
    this.record = parts.record;
    this.clinician = parts.clinician;
    this.authorizationServer = parts.authorizationServer;
  }

  createLaunch(clientId: string, context: LaunchContext): string {
    if (!this.apps.find(clientId)) throw new Error(`No app is registered as ${clientId}`);
    return this.launches.issue(clientId, context);
  }

  launchUrl(clientId: string, context: LaunchContext): string {
    const app = this.apps.find(clientId);
    if (!app) throw new Error(`No app is registered as ${clientId}`);
    return launchUrl(app, this.fhirBaseUrl, this.createLaunch(clientId, context));
  }
}
