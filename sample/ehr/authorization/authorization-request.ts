import { errors } from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';

type ParameterCheck = (ctx: KoaContextWithOIDC, value: string | undefined) => void;

/** The two parameters SMART adds to an authorization request, checked before anything is shown or granted; the launch is taken once the user is known. */
export function smartParameters(fhirBaseUrl: string): Record<string, ParameterCheck> {
  return {
    aud(ctx, value) {
      if (wasPushed(ctx)) return;
      if (value?.replace(/\/$/, '') !== fhirBaseUrl) {
        throw new errors.InvalidRequest(`aud must be ${fhirBaseUrl}`);
      }
    },
    launch(ctx, value) {
      if (wasPushed(ctx)) return;
      if (value === undefined && ctx.oidc.requestParamScopes.has('launch')) {
        throw new errors.InvalidRequest('the launch scope needs the launch parameter');
      }
    },
  };
}

/**
 * Whether the browser brings a request that was checked when it was pushed. The provider
 * keeps it as a JWT, whose own `aud` has taken the place of ours.
 */
function wasPushed({ oidc }: KoaContextWithOIDC): boolean {
  return oidc.entities.PushedAuthorizationRequest !== undefined;
}

/**
 * OpenID Connect gives offline access only after prompt=consent, which no SMART app sends.
 * Our clinician consents in every interaction, so the prompt is added here.
 */
export function withConsentPrompt({
  scope,
  prompt,
}: {
  scope?: string | undefined;
  prompt?: string | undefined;
}): Set<string> {
  const prompts = new Set(prompt?.split(' ').filter(Boolean));
  const wantsOfflineAccess = scope?.split(' ').includes('offline_access') === true;
  return wantsOfflineAccess && !prompts.has('none') ? prompts.add('consent') : prompts;
}
