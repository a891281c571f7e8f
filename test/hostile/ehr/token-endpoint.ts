import { createHash } from 'node:crypto';
import { importJWK, jwtVerify } from 'jose';
import { issueIdToken } from './id-tokens.js';
import { oauthError, ok } from './exchange.js';
import type { Answer, Json, Seen } from './exchange.js';
import { CLIENT_SECRET } from './profiles.js';
import type { CodeGrant, Tenant } from './tenant.js';

export async function answerToken(ehr: Tenant, request: Seen): Promise<Answer> {
  if (request.method !== 'POST') return oauthError('invalid_request', 405);
  if (!(await isClient(ehr, request))) return oauthError('invalid_client', 401);
  switch (request.form.get('grant_type')) {
    case 'authorization_code':
      return codeGrant(ehr, request);
    case 'refresh_token':
      return refreshGrant(ehr, request);
    default:
      return oauthError('unsupported_grant_type');
  }
}

export async function answerRevocation(ehr: Tenant, request: Seen): Promise<Answer> {
  if (!(await isClient(ehr, request))) return oauthError('invalid_client', 401);
  const token = request.form.get('token') ?? '';
  ehr.accessTokens.delete(token);
  ehr.refreshTokens.delete(token);
  return { status: 200 };
}

async function codeGrant(ehr: Tenant, request: Seen): Promise<Answer> {
  const { form } = request;
  const code = form.get('code') ?? '';
  const grant = ehr.codes.get(code);
  ehr.codes.delete(code);
  const isProven = grant && grant.challenge === s256(form.get('code_verifier') ?? '');
  if (!isProven || form.get('redirect_uri') !== grant.redirectUri) return oauthError('invalid_grant');
  const body = await tokens(ehr, grant);
  if (grant.scope.includes('openid')) {
    const { claims } = ehr.misbehaviour;
    body.id_token = await issueIdToken(ehr, String(body.access_token), grant.nonce, claims);
  }
  return ok(await (ehr.misbehaviour.token?.(body, ehr, request) ?? body));
}

async function refreshGrant(ehr: Tenant, request: Seen): Promise<Answer> {
  const token = request.form.get('refresh_token') ?? '';
  const grant = ehr.refreshTokens.get(token);
  ehr.refreshTokens.delete(token);
  if (!grant) return oauthError('invalid_grant');
  const body = await tokens(ehr, grant);
  const { refreshClaims, refresh } = ehr.misbehaviour;
  if (refreshClaims) {
    body.id_token = await issueIdToken(ehr, String(body.access_token), undefined, refreshClaims);
  }
  return ok(await (refresh?.(body, ehr, request) ?? body));
}

async function tokens(ehr: Tenant, grant: CodeGrant): Promise<Json> {
  const accessToken = ehr.secret('access');
  ehr.accessTokens.add(accessToken);
  const body: Json = {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: 300,
    scope: grant.scope,
    patient: ehr.patient,
    encounter: 'e1',
    need_patient_banner: false,
    smart_style_url: `${ehr.url}/style`,
  };
  if (/\b(offline|online)_access\b/.test(grant.scope)) {
    const refreshToken = ehr.secret('refresh');
    ehr.refreshTokens.set(refreshToken, grant);
    body.refresh_token = refreshToken;
  }
  return body;
}

async function isClient(ehr: Tenant, { headers, form }: Seen): Promise<boolean> {
  const { client, publicJwk } = ehr.profile;
  if (client.type === 'public') return form.get('client_id') === ehr.clientId && !headers.authorization;
  if (client.type === 'confidential-symmetric') {
    const credentials = Buffer.from(`${ehr.clientId}:${CLIENT_SECRET}`).toString('base64');
    return headers.authorization === `Basic ${credentials}`;
  }
  const assertion = form.get('client_assertion') ?? '';
  if (!publicJwk || ehr.assertions.has(assertion)) return false;
  ehr.assertions.add(assertion);
  try {
    const audience = `${ehr.url}/token`;
    await jwtVerify(assertion, await importJWK(publicJwk), {
      issuer: ehr.clientId,
      subject: ehr.clientId,
      audience,
    });
    return true;
  } catch {
    return false;
  }
}

function s256(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}
