import { supports } from './ehr/smart-configuration.js';
import type { SmartConfiguration } from './ehr/smart-configuration.js';
import { SmartScopes, parseResourceScope, splitScopes } from './scope/scope.js';

/** What is odd about a launch and no reason to stop it; each is said once a server. */
export function launchWarnings(server: SmartConfiguration, scope: string, isEhrLaunch: boolean): string[] {
  const warnings: string[] = [];
  if (server.capabilities.length === 0) {
    warnings.push('its SMART configuration lists no capabilities');
  } else if (!supports(server, isEhrLaunch ? 'launch-ehr' : 'launch-standalone')) {
    warnings.push(
      `its SMART configuration does not list ${isEhrLaunch ? 'launch-ehr' : 'launch-standalone'}`,
    );
  }
  const clinical = splitScopes(scope).filter((item) => /^(patient|user|system)\//.test(item));
  const v1 = clinical.filter((item) => /\.(read|write|\*)$/.test(item));
  if (v1.length > 0 && v1.length < clinical.length) {
    warnings.push(
      'SMART v1 scopes (.read) and v2 scopes (.rs) are asked for together, which some servers refuse',
    );
  }
  return warnings;
}

const MAX_NAMED = 20;

/**
 * Fewer scopes than were asked for are usual; not a single one of FHIR data is an app that was registered for
 * others, such as those of SMART v1 (Oracle Health answers v2 scopes so).
 */
export function grantWarnings(requested: string, granted: string): string[] {
  const asked = splitScopes(requested).filter(parseResourceScope);
  if (asked.length === 0 || splitScopes(granted).some(parseResourceScope)) return [];
  const missing = new SmartScopes(granted).missing(...asked.slice(0, MAX_NAMED)).join(' ');
  return [`it granted none of the scopes for FHIR data: ${missing}; is the app registered for them?`];
}
