import { createHash } from 'node:crypto';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import type { JSONWebKeySet } from 'jose';
import type { Seen } from './exchange.js';
import { CLIENT_SECRET } from './profiles.js';
import type { Tenant } from './tenant.js';

/** What Inferno knows of the app and of the session when it looks back at it. */
export interface InfernoSession {
  ehr: Tenant;
  redirectUris: string[];
  /** what the app publishes */
  jwks: JSONWebKeySet;
}

/** Every check that did not hold, by its name. */
type Findings = Record<string, boolean>;

function failed(findings: Findings): string[] {
  return Object.entries(findings).flatMap(([name, holds]) => (holds ? [] : [name]));
}

/** 5.05 to 5.07, for one authorization request by GET or POST. */
export function authorizationFindings(
  { ehr, redirectUris }: InfernoSession,
  { method, query, form }: Seen,
): string[] {
  const sent = method === 'POST' ? form : query;
  const launch = sent.get('launch');
  return failed({
    response_type: sent.get('response_type') === 'code',
    client_id: sent.get('client_id') === ehr.clientId,
    redirect_uri: redirectUris.includes(sent.get('redirect_uri')!),
    launch: launch === null || launch === ehr.launch,
    state: !!sent.get('state'),
    aud: sent.get('aud') === ehr.fhirBaseUrl,
    code_challenge: !!sent.get('code_challenge'),
    code_challenge_method: sent.get('code_challenge_method') === 'S256',
    scope: !!sent.get('scope'),
  });
}

/** 5.08 to 5.10, for all token requests of a session in their order. */
export async function tokenFindings(session: InfernoSession, requests: Seen[]): Promise<string[]> {
  const [authorization] = session.ehr.to('authorize');
  const asked = authorization!.method === 'POST' ? authorization!.form : authorization!.query;
  const jtis = new Set<unknown>();
  const all: string[] = [];
  for (const request of requests) {
    const { form } = request;
    const isExchange = form.get('grant_type') === 'authorization_code';
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    all.push(
      ...failed({
        grant_type: isExchange || form.get('grant_type') === 'refresh_token',
        ...(isExchange
          ? {
              code: session.ehr.secrets.has(form.get('code')!),
              redirect_uri: form.get('redirect_uri') === asked.get('redirect_uri'),
              pkce: challenge === asked.get('code_challenge'),
            }
          : { refresh_token: session.ehr.secrets.has(form.get('refresh_token')!) }),
      }),
      ...(await clientFindings(session, request, jtis)),
    );
  }
  return all;
}

async function clientFindings(
  { ehr, jwks }: InfernoSession,
  { form, headers }: Seen,
  jtis: Set<unknown>,
): Promise<string[]> {
  const { client } = ehr.profile;
  if (client.type === 'public') return failed({ client_id: form.get('client_id') === ehr.clientId });
  if (client.type === 'confidential-symmetric') {
    const [, encoded = ''] = /^Basic (.+)$/.exec(headers.authorization ?? '') ?? [];
    const decoded = Buffer.from(encoded, 'base64').toString();
    // strict base64: what it decodes to encodes to the very same
    const isStrict = Buffer.from(decoded).toString('base64') === encoded;
    return failed({ basic: isStrict && decoded === `${ehr.clientId}:${CLIENT_SECRET}` });
  }
  const assertion = form.get('client_assertion') ?? '';
  const { typ, alg, kid } = decodeProtectedHeader(assertion);
  const { payload } = await jwtVerify(assertion, createLocalJWKSet(jwks), {
    // how old it is when Inferno looks back is no matter
    currentDate: new Date(0),
  });
  const isNew = !jtis.has(payload.jti);
  jtis.add(payload.jti);
  return failed({
    client_assertion_type:
      form.get('client_assertion_type') === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    typ: typ === 'JWT',
    alg: typeof alg === 'string',
    kid: jwks.keys.some((key) => key.kid === kid),
    iss: payload.iss === ehr.clientId,
    sub: payload.sub === ehr.clientId,
    // a list of audiences fails there, even of one
    aud: payload.aud === `${ehr.url}/token`,
    exp: typeof payload.exp === 'number',
    jti: typeof payload.jti === 'string' && isNew,
  });
}

/** 5.12: requests to the FHIR server with a token that was issued, and that were not answered with 401. */
export function tokenUses({ accessTokens, requests }: Tenant): number {
  const used = requests.filter(({ endpoint, headers }) => {
    const [, token] = /^Bearer (.+)$/.exec(headers.authorization ?? '') ?? [];
    return endpoint === 'fhir' && token !== undefined && accessTokens.has(token);
  });
  return used.length;
}
