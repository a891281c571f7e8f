import { exportJWK, generateKeyPair } from 'jose';
import type { JWK } from 'jose';
import { createRealProfiles } from './real-profiles.js';
import type { RealProfileName } from './real-profiles.js';
import type { ClientAuthenticationConfiguration, KnownFhirServerSwitches } from 'nestjs-smart-on-fhir';

export const CLIENT_ID = 'growth-chart';
export const CLIENT_SECRET = 'a-client-secret.with_every~safe-character-123';
export const SCOPE =
  'launch openid fhirUser offline_access patient/Patient.rs patient/Observation.cruds user/Practitioner.rs';

/** A scope too long for a URL, with what an attacker would like to see on a page. */
export const LONG_SCOPE = [
  SCOPE,
  '__"><script>alert(1)</script>',
  ...Array.from(
    { length: 60 },
    (_, n) => `patient/Observation.rs?category=http://terminology.example/${n}|lab`,
  ),
].join(' ');

export type ProfileName =
  | RealProfileName
  | 'basic'
  | 'public'
  | 'asymmetric'
  | 'inferno'
  | 'long'
  | 'anonymous'
  | 'pkce'
  | 'aliased'
  | 'noRefresh'
  | 'endSession';

/** One registration of the app at the EHR; the EHR’s URL holds its name, so that one app may have all of them. */
export interface Profile {
  client: ClientAuthenticationConfiguration;
  switches: KnownFhirServerSwitches & { scope?: string; clientId?: string };
  /** what verifies the app’s assertions */
  publicJwk?: JWK;
}

export type Profiles = Record<ProfileName, Profile>;

/** @param alias an issuer that `aliased` takes for the EHR’s own */
export async function createProfiles(alias: string): Promise<Profiles> {
  const { privateKey, publicKey } = await generateKeyPair('ES384', { extractable: true });
  const own = { kid: 'app-key', alg: 'ES384' };
  const basic: ClientAuthenticationConfiguration = {
    type: 'confidential-symmetric',
    method: 'client_secret_basic',
    clientSecret: CLIENT_SECRET,
  };
  return {
    ...(await createRealProfiles(basic)),
    basic: { client: basic, switches: {} },
    public: { client: { type: 'public' }, switches: {} },
    asymmetric: {
      client: {
        type: 'confidential-asymmetric',
        method: 'private_key_jwt',
        privateKey: { ...(await exportJWK(privateKey)), ...own },
      },
      switches: {},
      publicJwk: { ...(await exportJWK(publicKey)), ...own },
    },
    inferno: { client: basic, switches: { sendNonce: false } },
    long: { client: basic, switches: { scope: LONG_SCOPE } },
    anonymous: { client: basic, switches: { scope: 'launch patient/Patient.rs' } },
    pkce: { client: basic, switches: { pkceMode: 'required' } },
    aliased: { client: basic, switches: { issuerAliases: [alias] } },
    endSession: { client: basic, switches: { endSession: true } },
    noRefresh: { client: basic, switches: { scope: 'launch openid patient/Patient.rs' } },
  };
}
