import { supports } from './ehr/smart-configuration.js';
import type { SmartConfiguration } from './ehr/smart-configuration.js';
import type { JsonObject } from './http/json.js';
import { SmartScopes, parseResourceScope, splitScopes } from './scope/scope.js';
import type { LaunchRecord } from './session/launch-record.js';
import type { PendingLaunch } from './session/pending-launches.js';
import { lifetimeInSeconds } from './token/token-response.js';
import type { TokenResponse } from './token/token-response.js';

/** What a launch found odd: `warning` also goes to the log, once a server; `info` was expected or is harmless. */
const FINDINGS = {
  no_capabilities: ['warning', 'A2-4', 'its SMART configuration lists no capabilities'],
  no_launch_ehr: ['warning', 'A3-8', 'its SMART configuration does not list launch-ehr'],
  no_launch_standalone: ['warning', 'A3-8', 'its SMART configuration does not list launch-standalone'],
  no_pkce_methods: ['info', 'A2-5', 'its SMART configuration does not say that it takes PKCE; S256 was sent'],
  pkce_off: ['info', 'A5-5', 'PKCE was not used (pkceMode)'],
  nonce_off: ['info', 'B-10', 'no nonce was sent (sendNonce)'],
  mixed_scopes: [
    'warning',
    'A17-7',
    'SMART v1 scopes (.read) and v2 scopes (.rs) are asked for together, which some servers refuse',
  ],
  token_type_assumed: ['info', 'A7-4', 'its token response has no token_type (assumeBearer)'],
  expires_in_missing: ['info', 'A7-5', 'its token response has no expires_in; 300 s are assumed'],
  expires_in_malformed: [
    'warning',
    'A7-5',
    'expires_in of its token response is no lifetime; 300 s are assumed',
  ],
  context_reference: ['info', 'A7-8', 'its token response has references for ids (contextReferences)'],
  patient_found: ['info', 'A7-9', 'its token response names no patient; it was found by a switch'],
  fhir_context_dropped: [
    'warning',
    'A7-10',
    'fhirContext of its token response has entries that SMART does not allow; they are left out',
  ],
  banner_is_text: ['info', 'A7-12', 'need_patient_banner of its token response is text, not true or false'],
  no_id_token: ['warning', 'A7-18', 'it granted openid and sent no id_token, so the user is not known'],
} as const;

/** One of the odd things that a launch may find: short, since it is stored with the launch. */
export type LaunchFinding = keyof typeof FINDINGS;

/** Those that this version knows: another one may have stored the launch. */
export function describeFindings(findings: readonly string[]) {
  return findings
    .filter((finding): finding is LaunchFinding => Object.hasOwn(FINDINGS, finding))
    .map((finding) => {
      const [level, row, message] = FINDINGS[finding];
      return { level, row, message };
    });
}

/** What an operator should read of the findings. */
export function warningsOf(findings: readonly LaunchFinding[]): string[] {
  return describeFindings(findings)
    .filter(({ level }) => level === 'warning')
    .map(({ message }) => message);
}

/** What is odd about a server and the request to it, and no reason to stop the launch. */
export function requestFindings(
  server: SmartConfiguration,
  { scope, codeVerifier, nonce }: Pick<PendingLaunch, 'scope' | 'codeVerifier' | 'nonce'>,
  isEhrLaunch: boolean,
): LaunchFinding[] {
  const findings: LaunchFinding[] = [];
  if (server.capabilities.length === 0) {
    findings.push('no_capabilities');
  } else if (!supports(server, isEhrLaunch ? 'launch-ehr' : 'launch-standalone')) {
    findings.push(isEhrLaunch ? 'no_launch_ehr' : 'no_launch_standalone');
  }
  if (codeVerifier === undefined) findings.push('pkce_off');
  else if (!server.code_challenge_methods_supported) findings.push('no_pkce_methods');
  const scopes = splitScopes(scope);
  if (nonce === undefined && scopes.includes('openid')) findings.push('nonce_off');
  const clinical = scopes.filter((item) => /^(patient|user|system)\//.test(item));
  const v1 = clinical.filter((item) => /\.(read|write|\*)$/.test(item));
  if (v1.length > 0 && v1.length < clinical.length) findings.push('mixed_scopes');
  return findings;
}

/** What is odd about a token response that was taken all the same. */
export function tokenFindings(response: JsonObject, tokens: TokenResponse): LaunchFinding[] {
  const { expires_in: expiresIn, fhirContext, patient, encounter } = response;
  const findings: LaunchFinding[] = [];
  if (isAbsent(response.token_type)) findings.push('token_type_assumed');
  if (isAbsent(expiresIn)) findings.push('expires_in_missing');
  else if (lifetimeInSeconds(expiresIn) === undefined) findings.push('expires_in_malformed');
  if ([patient, encounter].some((id) => typeof id === 'string' && id.includes('/'))) {
    findings.push('context_reference');
  }
  if (tokens.context.fhirContext.length < [fhirContext ?? []].flat().length) {
    findings.push('fhir_context_dropped');
  }
  if (typeof response.need_patient_banner === 'string') findings.push('banner_is_text');
  return findings;
}

/** What came of a launch: who, and about whom. */
export function outcomeFindings(
  tokens: TokenResponse,
  { scope: asked }: Pick<PendingLaunch, 'scope'>,
  { context, identity }: Pick<LaunchRecord, 'context' | 'identity'>,
): LaunchFinding[] {
  const findings: LaunchFinding[] = [];
  if (context.patient !== tokens.context.patient) findings.push('patient_found');
  const isOpenid = [asked, tokens.scope].every((scope) => splitScopes(scope).includes('openid'));
  if (isOpenid && identity === null) findings.push('no_id_token');
  return findings;
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

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}
