import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { GrantedContexts } from '../launch/granted-contexts.js';
import type { AppAuthentication } from '../registered-app.js';
import { withConsentPrompt } from './authorization-request.js';
import type { TokenRequestLog } from './token-requests.js';

/** What SMART App Launch adds to an OpenID provider's answers. */
export function addSmartExtensions(
  provider: Provider,
  contexts: GrantedContexts,
  tokenRequests: TokenRequestLog,
  fhirUser: string,
): void {
  // The provider knows scopes by a fixed list; the SMART scope language is not finite.
  Object.defineProperty(provider.OIDCContext.prototype, 'requestParamOIDCScopes', {
    get(this: KoaContextWithOIDC['oidc']) {
      return this.requestParamScopes;
    },
  });

  Object.defineProperty(provider.OIDCContext.prototype, 'prompts', {
    get(this: KoaContextWithOIDC['oidc']) {
      return withConsentPrompt(this.params ?? {});
    },
  });

  provider.use(async (ctx, next) => {
    await next();
    const smart = ctx as unknown as KoaContextWithOIDC;
    const route = (smart.oidc as KoaContextWithOIDC['oidc'] | undefined)?.route;
    if (route === 'token') {
      addTokenContext(smart, contexts);
      record(smart, 'token', tokenRequests);
    }
    if (route === 'revocation') record(smart, 'revocation', tokenRequests);
    if (route === 'introspection') addIntrospectionContext(smart, contexts, fhirUser);
  });
}

function addTokenContext(ctx: KoaContextWithOIDC, contexts: GrantedContexts): void {
  if (ctx.status !== 200) return;
  const context = contexts.of(ctx.oidc.entities.AccessToken?.grantId);
  ctx.body = { ...context, ...(ctx.body as object) };
  ctx.set('Pragma', 'no-cache');
}

function addIntrospectionContext(ctx: KoaContextWithOIDC, contexts: GrantedContexts, fhirUser: string): void {
  const body = ctx.body as Record<string, unknown>;
  if (body['active'] !== true) return;
  const token = ctx.oidc.entities.AccessToken ?? ctx.oidc.entities.RefreshToken;
  const identity = token?.scopes.has('fhirUser') ? { fhirUser } : {};
  ctx.body = { ...contexts.of(token?.grantId), ...identity, ...body };
}

function record(ctx: KoaContextWithOIDC, endpoint: 'token' | 'revocation', log: TokenRequestLog): void {
  const sent = ctx.oidc.body ?? {};
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  const { error } = (ctx.body ?? {}) as { error?: unknown };
  log.record({
    endpoint,
    grantType: text(sent['grant_type']),
    clientId: ctx.oidc.client?.clientId ?? text(sent['client_id']),
    authMethod: authenticationSeen(ctx.get('authorization'), sent),
    at: Date.now(),
    status: ctx.status,
    error: text(error),
  });
}

function authenticationSeen(authorization: string, body: Record<string, unknown>): AppAuthentication {
  if (/^basic /i.test(authorization)) return 'client_secret_basic';
  if ('client_assertion' in body) return 'private_key_jwt';
  return 'client_secret' in body ? 'client_secret_post' : 'none';
}
