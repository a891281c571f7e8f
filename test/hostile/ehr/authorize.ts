import type { Answer, Seen } from './exchange.js';
import type { Tenant } from './tenant.js';

/** Grants at once, as an EHR does whose user is logged in and asked nothing. */
export function answerAuthorize(ehr: Tenant, request: Seen): Answer {
  const parameters = request.method === 'POST' ? request.form : request.query;
  const { fhirBaseUrl, issuer, misbehaviour } = ehr;
  const get = (name: string) => parameters.get(name) ?? undefined;
  const redirectUri = get('redirect_uri');
  if (redirectUri === undefined || !/^http:\/\/localhost:\d+\/fhir\/callback/.test(redirectUri)) {
    return { status: 400, body: 'Invalid OAuth 2.0 request' };
  }
  const state = get('state') ?? '';
  const isGood =
    get('response_type') === 'code' &&
    get('aud') === fhirBaseUrl &&
    get('code_challenge_method') === 'S256' &&
    get('launch') === (ehr.launch ?? undefined);
  const code = ehr.secret('code');
  ehr.codes.set(code, {
    scope: get('scope') ?? '',
    redirectUri,
    challenge: get('code_challenge'),
    nonce: get('nonce'),
  });
  const good: Record<string, string> = isGood
    ? { code, state, iss: issuer }
    : { error: 'invalid_request', state, iss: issuer };
  const response = new URLSearchParams(misbehaviour.callback?.(good, ehr) ?? good);
  return { status: 302, headers: { location: `${redirectUri}?${response.toString()}` } };
}
