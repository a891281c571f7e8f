import { randomBytes } from 'node:crypto';
import { interactionPolicy } from 'oidc-provider';
import type { Configuration } from 'oidc-provider';
import { errorPage } from '../pages/error.page.js';
import { setPageHeaders } from '../pages/layout.js';
import { loggedOutPage, logoutPage } from '../pages/logout.page.js';
import type { AppRegistry } from '../registered-app.js';
import { smartParameters } from './authorization-request.js';
import { checkClientAssertion } from './client-assertion.js';
import { clientMetadata } from './client-metadata.js';
import { clinicianAccount } from './clinician.js';
import type { Clinician } from './clinician.js';
import { memoryAdapter } from './memory-adapter.js';
import { generateSigningKeys } from './signing-keys.js';
import { SCOPES_SUPPORTED } from './smart-scopes.js';

const MINUTE = 60;
const DAY = 24 * 60 * MINUTE;

export const CLIENT_SIGNING_ALGORITHMS = [
  'RS384',
  'ES384',
  'RS256',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES512',
] as const;

export const CLIENT_AUTHENTICATION_METHODS = [
  'private_key_jwt',
  'client_secret_basic',
  'client_secret_post',
  'none',
] as const;

export interface AuthorizationServerOptions {
  issuer: string;
  fhirBaseUrl: string;
  apps: AppRegistry;
  clinician: Clinician;
  accessTokenTtlSeconds: number;
  /** pushed authorization requests (RFC 9126); left out: none */
  pushedRequests?: PushedRequests | undefined;
  /** tokens can be bound to a key (DPoP, RFC 9449), with a nonce of ours in each proof */
  dpop?: boolean | undefined;
  /** the end of a session here may be asked for by a form of another site */
  postedLogout?: boolean | undefined;
}

export type PushedRequests = 'offered' | 'required';

export const DPOP_ALGORITHMS = ['ES256'] as const;

export async function providerConfiguration(options: AuthorizationServerOptions): Promise<Configuration> {
  const { apps, clinician, pushedRequests, dpop = false, postedLogout = false } = options;
  return {
    adapter: memoryAdapter((clientId) => {
      const app = apps.find(clientId);
      return app && clientMetadata(app);
    }),
    jwks: await generateSigningKeys(),
    cookies: {
      keys: [randomBytes(32).toString('base64url')],
      names: cookieNames(options.issuer),
      // A browser sends no Lax cookie along with a form of another site.
      ...(postedLogout && { long: { httpOnly: true, sameSite: 'none' } }),
    },
    enableHttpPostMethods: postedLogout,
    findAccount: (_ctx, sub) => (sub === clinician.id ? clinicianAccount(clinician) : undefined),
    claims: { openid: ['sub'], fhirUser: ['fhirUser'], profile: ['name', 'fhirUser'] },
    // SMART apps read fhirUser from the id_token, not from userinfo.
    conformIdTokenClaims: false,
    scopes: SCOPES_SUPPORTED,
    responseTypes: ['code'],
    pkce: { required: () => true },
    extraParams: smartParameters(options.fhirBaseUrl),
    clientAuthMethods: [...CLIENT_AUTHENTICATION_METHODS],
    enabledJWA: {
      clientAuthSigningAlgValues: [...CLIENT_SIGNING_ALGORITHMS],
      idTokenSigningAlgValues: ['RS256', 'ES384'],
      dPoPSigningAlgValues: [...DPOP_ALGORITHMS],
    },
    assertJwtClientAuthClaimsAndHeader: checkClientAssertion,
    clientBasedCORS: (_ctx, origin, client) =>
      client.redirectUris?.some((uri) => new URL(uri).origin === origin) ?? false,
    // Without its dispatcher, which refuses the loopback addresses a demo app's JWKS lives at.
    fetch: (url, request) => fetch(url, { ...request, dispatcher: undefined }),
    interactions: { policy: everyRequestIsDecided(), url: (_ctx, { uid }) => `/interaction/${uid}` },
    loadExistingGrant: async (ctx) => {
      // Never the grant of an earlier launch: it is about another patient.
      const grantId = ctx.oidc.result?.consent?.grantId;
      return grantId === undefined ? undefined : ctx.oidc.provider.Grant.find(grantId);
    },
    // A second launch in the same browser must not end the tokens of the first one.
    expiresWithSession: () => false,
    issueRefreshToken: (_ctx, client, source) =>
      client.grantTypeAllowed('refresh_token') &&
      (source.scopes.has('offline_access') || source.scopes.has('online_access')),
    rotateRefreshToken: () => true,
    ttl: {
      AccessToken: options.accessTokenTtlSeconds,
      ClientCredentials: options.accessTokenTtlSeconds,
      AuthorizationCode: MINUTE,
      IdToken: 60 * MINUTE,
      Interaction: 10 * MINUTE,
      RefreshToken: 14 * DAY,
      Session: 14 * DAY,
      Grant: 14 * DAY,
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => void (ctx.body = logoutPage(form)),
        postLogoutSuccessSource: (ctx) => void (ctx.body = loggedOutPage()),
      },
      pushedAuthorizationRequests: {
        enabled: pushedRequests !== undefined,
        requirePushedAuthorizationRequests: pushedRequests === 'required',
      },
      dPoP: { enabled: dpop, ...(dpop && { nonceSecret: randomBytes(32), requireNonce: () => true }) },
      resourceIndicators: { enabled: false },
    },
    renderError: (ctx, out) => {
      setPageHeaders(ctx.res);
      ctx.body = errorPage(out.error, out.error_description);
    },
  };
}

/** Cookies know no ports: two EHRs on one host would take each other's sessions. */
function cookieNames(issuer: string): { session: string; interaction: string; resume: string } {
  const port = new URL(issuer).port || 'default';
  return {
    session: `ehr_session_${port}`,
    interaction: `ehr_interaction_${port}`,
    resume: `ehr_resume_${port}`,
  };
}

/** Each authorization request is its own decision with its own launch context, whatever was granted before. */
function everyRequestIsDecided(): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  const undecided = new interactionPolicy.Check(
    'new_launch',
    'each launch is granted by itself',
    (ctx) => ctx.oidc.result?.consent === undefined,
  );
  policy.get('consent')?.checks.add(undecided);
  return policy;
}
