import { errors } from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { LaunchHandles } from '../launch/launch-handles.js';

type ParameterCheck = (ctx: KoaContextWithOIDC, value: string | undefined) => void;

/** The two parameters SMART adds to an authorization request, checked before anything is shown or granted. */
export function smartParameters(
  fhirBaseUrl: string,
  launches: LaunchHandles,
): Record<string, ParameterCheck> {
  return {
    aud(_ctx, value) {
      if (value?.replace(/\/$/, '') !== fhirBaseUrl) {
        throw new errors.InvalidRequest(`aud must be ${fhirBaseUrl}`);
      }
    },
    launch(ctx, value) {
      if (value === undefined) {
        if (ctx.oidc.requestParamScopes.has('launch')) {
          throw new errors.InvalidRequest('the launch scope needs the launch parameter');
        }
        return;
      }
      const clientId = ctx.oidc.client?.clientId;
      if (clientId === undefined || !launches.redeem(value, clientId)) {
        throw new errors.InvalidRequest('launch is unknown, expired or already used');
      }
    },
  };
}

/**
 * OpenID Connect gives offline access only after prompt=consent, which no SMART app sends.
 * Our clinician consents in every interaction, so the prompt is added here.
 */
export function withConsentPrompt(query: NodeJS.Dict<string | string[]>): NodeJS.Dict<string | string[]> {
  const { scope, prompt } = query;
  const wantsOfflineAccess = typeof scope === 'string' && scope.split(' ').includes('offline_access');
  if (!wantsOfflineAccess || Array.isArray(prompt) || prompt === 'none') return query;
  const prompts = new Set(prompt?.split(' ').filter(Boolean)).add('consent');
  return { ...query, prompt: [...prompts].join(' ') };
}
