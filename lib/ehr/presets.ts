import type { KnownFhirServerSwitches } from './known-fhir-server.js';

/**
 * What known EHRs need otherwise than SMART 2.2 says, as switches of a known server: plain data, spread in before
 * your own settings. An empty preset says that the EHR works without a switch; what else it wants of a
 * registration is said there, and in docs/ehrs.md. The ids are rows of docs/conformance.md.
 *
 * @example
 * { name: 'Hospital A', issuer: 'https://ehr-a.example.org/fhir', ...EhrPresets.epic, type: 'public' }
 */
export const EhrPresets = {
  /**
   * Epic needs no switch. Ask for the version of scopes that the app is registered for (E-EPIC-9); a public
   * client gets no refresh token (E-EPIC-3). Basic goes out unencoded by default (E-EPIC-1).
   *
   * Sources: community.fhir.org/t/invalid-client-error-from-epic/4312; fhir.epic.com, docId=oauth2; jwilleke/yourphr
   * issue 408.
   */
  epic: {},

  /**
   * Oracle Health (Cerner): the user may come as the claim `profile` (E-ORA-8). Set `endpoints.authorization` where
   * the app needs another SMART profile than discovery names (E-ORA-4), and register v1 or v2 scopes (E-ORA-6).
   *
   * Sources: fhir.cerner.com, dstu2/authorization; forums.oracle.com, smart-v2-scopes-are-not-returned (2985);
   * jwilleke/yourphr issue 338. E-ORA-8 rests on notes of integrators.
   */
  oracleHealth: { profileClaim: true },

  /**
   * athenahealth (athenaFlex): a refresh repeats `redirect_uri` (E-ATH-3). Where the server wants its root for
   * `aud`, set `aud` (E-ATH-1); ask for `offline_access` by name (E-ATH-4).
   *
   * Source: athenaFlex issues 27, 38, 156, 267 and 313.
   */
  athenahealth: { refreshWithRedirectUri: true },

  /**
   * Meditech needs no switch: a standalone launch asks for `launch/patient` by itself (E-MED-1).
   *
   * Source: SMARTerFHIR pull request 34.
   */
  meditech: {},

  /**
   * Veradigm (Allscripts) needs no switch. Give v1 scopes alone in `scope`: mixed with v2 ones they fail (E-VER-1).
   *
   * Source: jwilleke/yourphr pull request 79.
   */
  veradigm: {},

  /**
   * eClinicalWorks needs no switch. Sign with an RS384 key; a client with several chooses it by itself (E-ECW-1).
   *
   * Source: app2.doordoc.com/docs.
   */
  eClinicalWorks: {},

  /**
   * Medplum needs no switch. Its issuer ends with a slash, and refresh tokens rotate (E-MPL-1); `patient` may be an
   * identifier that no resource has (E-MPL-2).
   *
   * Source: medplum/medplum, pull request 8325 and the code of its token endpoint.
   */
  medplum: {},

  /**
   * Aidbox needs no switch: a launch handle that is a JWT and relative links of Bundles are understood (E-AID-1).
   *
   * Sources: Health Samurai's documentation; fhir-py issue 54.
   */
  aidbox: {},

  /**
   * Microsoft Azure needs none that is the same everywhere: where discovery is missing give `endpoints`, and where
   * Entra names the scopes otherwise `scopeNames` (E-AZ-1).
   *
   * Sources: microsoft/fhir-server issue 2138; microsoft/fhir-proxy, set-up of SMART on FHIR; learn.microsoft.com,
   * smart-on-fhir.
   */
  azure: {},

  /**
   * Google Cloud Healthcare needs none that is the same everywhere: launch standalone, with `endpoints` and v1 scopes
   * (E-GOO-1).
   *
   * Source: docs.cloud.google.com, smart-on-fhir.
   */
  google: {},

  /**
   * InterSystems needs no switch. Results that scopes filter are no error (E-ISC-1).
   *
   * Source: learning.intersystems.com 2867.
   */
  interSystems: {},

  /**
   * WebMed (Norway): `fhirUser` is an id without its type (E-NO-1).
   *
   * Source: navikt/smart-on-fhir-validator, RefetchSidebar.tsx.
   */
  webmed: { bareFhirUserType: 'Practitioner' },

  /**
   * CMS Blue Button: the first token response names no patient (E-MISC-4).
   *
   * Source: jwilleke/yourphr issue 293.
   */
  blueButton: { discoverPatient: true },

  /**
   * MEDENT: the patient is named by `fhirUser` alone (E-MISC-5).
   *
   * Source: HealthClawGuardrails pull request 21.
   */
  medent: { patientFromFhirUser: true },

  /**
   * A server of SMART 1 and DSTU2: endpoints in the capability statement (E-LEG-1), the media type of that time
   * (E-LEG-2). Give `endpoints.issuer` and `endpoints.jwks` for id_tokens (E-LEG-3).
   *
   * Sources: smart-on-fhir/client-js, getSecurityExtensions; hl7.org/fhir/DSTU2, http.
   */
  dstu2: { legacyMetadata: true, fhirMediaType: 'application/json+fhir' },

  /**
   * The SMART launcher (launch.smarthealthit.org) needs no switch. Its FHIR base for a standalone launch is
   * `/v/r4/sim/…/fhir` (E-LCH-1).
   *
   * Source: smart-on-fhir/smart-launcher-v2, token.ts and LaunchOptions.
   */
  smartLauncher: {},

  /**
   * Inferno's simulated server for client tests: its id_tokens repeat no nonce (section D of the checklist: D-b, D-c).
   *
   * Source: inferno-framework/smart-app-launch-test-kit, client suites.
   */
  inferno: { sendNonce: false },
} as const satisfies Record<string, KnownFhirServerSwitches>;
