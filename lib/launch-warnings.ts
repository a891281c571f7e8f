import { supports } from './ehr/smart-configuration.js';
import type { SmartConfiguration } from './ehr/smart-configuration.js';
import { splitScopes } from './scope/scope.js';

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
