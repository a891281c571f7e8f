import { decodeProtectedHeader } from 'jose';
import { oauthError } from '../../ehr/exchange.js';
import { ACCEPTED } from '../../ehr/fault.js';
import type { Fault } from '../../ehr/fault.js';
import { NOT_AUTHORIZED, isNotV2, takesScopes } from './shared.js';

export function portals(): Fault[] {
  return [
    {
      id: 'E-ECW-1',
      name: 'assertions are signed with RS384 or refused, PKCE is required, aud is iss',
      profile: 'eClinicalWorks',
      discovery: (document) => ({
        ...document,
        token_endpoint_auth_methods_supported: ['private_key_jwt'],
        token_endpoint_auth_signing_alg_values_supported: ['RS384'],
      }),
      instead: {
        token: (_ehr, { form }) => {
          const { alg } = decodeProtectedHeader(form.get('client_assertion')!);
          const isGood = alg === 'RS384' && form.has('code_verifier');
          return isGood ? undefined : oauthError('invalid_client', 401);
        },
      },
      expect: ACCEPTED,
    },
    {
      id: 'E-VER-1',
      name: 'scopes of v1 alone are taken, below a deep base path',
      profile: 'veradigm',
      ...takesScopes(isNotV2),
      expect: { ...ACCEPTED, calls: { discovery: 1, fhir: 1 } },
    },
    {
      id: 'E-VER-1',
      name: 'scopes of v1 alone are taken, and v2 scopes are asked for',
      ...takesScopes(isNotV2),
      expect: NOT_AUTHORIZED,
    },
    {
      id: 'E-MED-1',
      name: 'a standalone launch asks for the patient, or gets none',
      launch: null,
      token: (body) =>
        String(body.scope).includes('launch/patient') ? body : { ...body, patient: undefined },
      expect: ACCEPTED,
    },
  ];
}
