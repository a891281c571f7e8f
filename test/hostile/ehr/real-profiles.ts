import { exportJWK, generateKeyPair } from 'jose';
import type { JWK } from 'jose';
import { EhrPresets } from 'nestjs-smart-on-fhir';
import type { ClientAuthenticationConfiguration } from 'nestjs-smart-on-fhir';
import type { Profile } from './profiles.js';

export type RealProfileName =
  | 'oracle'
  | 'athena'
  | 'eClinicalWorks'
  | 'veradigm'
  | 'webmed'
  | 'azure'
  | 'google'
  | 'blueButton'
  | 'medent'
  | 'dstu2'
  | 'dstu2Identity'
  | 'infernoPublic'
  | 'infernoKey';

/** the issuer of a server of SMART 1, which names none itself */
export const LEGACY_ISSUER = 'https://legacy.example.org/openid';

/** Entra's names of the scopes that the app asks Azure for. */
export const ENTRA_SCOPES = {
  'patient/Patient.rs': 'patient.Patient.rs',
  'patient/Observation.rs': 'patient.Observation.rs',
};

const V1_SCOPES = 'patient/Patient.read patient/Observation.read';
/** relative, since each of the many EHRs has endpoints of its own */
const ENDPOINTS = { authorization: 'authorize', token: 'token' };

/**
 * The app as it is registered with real EHRs: each with its preset, and with what the preset’s comment tells to
 * add.
 */
export async function createRealProfiles(
  basic: ClientAuthenticationConfiguration,
): Promise<Record<RealProfileName, Profile>> {
  const [es384, rs384] = await Promise.all([appKey('ES384'), appKey('RS384')]);
  const open: ClientAuthenticationConfiguration = { type: 'public' };
  return {
    oracle: {
      client: basic,
      switches: {
        ...EhrPresets.oracleHealth,
        scope: `launch openid profile online_access ${V1_SCOPES} user/Practitioner.read`,
      },
    },
    athena: {
      client: basic,
      switches: { ...EhrPresets.athenahealth, clientId: `eyJ0eXAiOiJKV1QifQ.${'x'.repeat(900)}.sig-_` },
    },
    eClinicalWorks: {
      client: withKeys(es384, rs384),
      switches: { ...EhrPresets.eClinicalWorks },
      publicJwk: rs384.publicJwk,
    },
    veradigm: {
      client: basic,
      switches: { ...EhrPresets.veradigm, scope: `launch openid fhirUser ${V1_SCOPES}` },
    },
    webmed: { client: basic, switches: { ...EhrPresets.webmed } },
    azure: {
      client: basic,
      switches: {
        ...EhrPresets.azure,
        endpoints: ENDPOINTS,
        scopeNames: ENTRA_SCOPES,
        scope: 'launch offline_access patient/Patient.rs patient/Observation.rs',
      },
    },
    google: {
      client: basic,
      switches: { ...EhrPresets.google, endpoints: ENDPOINTS, scope: `launch ${V1_SCOPES}` },
    },
    blueButton: {
      client: basic,
      switches: { ...EhrPresets.blueButton, scope: `launch openid offline_access ${V1_SCOPES}` },
    },
    medent: {
      client: basic,
      switches: { ...EhrPresets.medent, scope: `launch openid fhirUser ${V1_SCOPES}` },
    },
    dstu2: { client: basic, switches: { ...EhrPresets.dstu2, scope: `launch openid ${V1_SCOPES}` } },
    dstu2Identity: {
      client: basic,
      switches: {
        ...EhrPresets.dstu2,
        endpoints: { issuer: LEGACY_ISSUER, jwks: 'jwks' },
        scope: `launch openid fhirUser ${V1_SCOPES}`,
      },
    },
    infernoPublic: { client: open, switches: { ...EhrPresets.inferno } },
    infernoKey: {
      client: withKeys(es384),
      switches: { ...EhrPresets.inferno },
      publicJwk: es384.publicJwk,
    },
  };
}

interface AppKey {
  privateJwk: JWK;
  publicJwk: JWK;
}

async function appKey(alg: string): Promise<AppKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const own = { kid: `real-${alg}`, alg };
  return {
    privateJwk: { ...(await exportJWK(privateKey)), ...own },
    publicJwk: { ...(await exportJWK(publicKey)), ...own },
  };
}

function withKeys(...keys: AppKey[]): ClientAuthenticationConfiguration {
  const privateKey = keys.map(({ privateJwk }) => privateJwk);
  return { type: 'confidential-asymmetric', method: 'private_key_jwt', privateKey };
}
