/** SMART 2.2 "Appendix: URI representation of scopes" */
const SMART = 'http://smarthealthit.org/fhir/scopes/';
const OPENID = 'http://openid.net/specs/openid-connect-core-1_0#';
/** the scopes that OpenID Connect Core defines and SMART does not define anew */
const OPENID_SCOPES = ['openid', 'profile', 'email', 'address', 'phone'];

/** A scope as a URI; one that is a URI already stays as it is. */
export function scopeToUri(scope: string): string {
  if (/^[a-z][a-z0-9+.-]*:/i.test(scope)) return scope;
  return `${OPENID_SCOPES.includes(scope) ? OPENID : SMART}${scope}`;
}

/** The scope that a URI stands for; every other scope stays as it is. */
export function scopeFromUri(scope: string): string {
  const prefix = [SMART, OPENID].find((start) => scope.startsWith(start));
  return prefix === undefined || scope === prefix ? scope : scope.slice(prefix.length);
}
