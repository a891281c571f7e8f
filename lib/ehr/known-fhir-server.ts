import type { CryptoKey, JWK } from 'jose';

/** A private key for `private_key_jwt`: a private JWK (object or JSON string), a WebCrypto key, or a KMS. */
export type ClientPrivateKey = string | JWK | ClientCryptoKey | ClientSigner;

/** A WebCrypto private key; it may be non-extractable. `publicJwk` is what the JWKS route publishes. */
export interface ClientCryptoKey {
  key: CryptoKey;
  kid: string;
  /** JWS algorithm, e.g. `ES384` or `RS384` */
  alg: string;
  publicJwk?: JWK | undefined;
}

/** A key this process never sees. `sign` answers the raw JWS signature of the bytes (for ECDSA: r || s) within 10 s. */
export interface ClientSigner {
  sign(data: Uint8Array): Promise<Uint8Array>;
  kid: string;
  /** JWS algorithm, e.g. `ES384` or `RS384` */
  alg: string;
  publicJwk: JWK;
}

/** How the app proves itself at the token endpoint of one EHR. */
export type ClientAuthenticationConfiguration =
  | { type: 'public' }
  | {
      type: 'confidential-symmetric';
      method: 'client_secret_basic' | 'client_secret_post';
      clientSecret: string;
    }
  | {
      type: 'confidential-asymmetric';
      method: 'private_key_jwt';
      /** one key or several; the first that the server's advertised algorithms allow signs */
      privateKey: ClientPrivateKey | ClientPrivateKey[];
      /** for a server whose SMART configuration lists methods with a secret and not `private_key_jwt` */
      clientSecret?: string | undefined;
      /**
       * `jku` of the client assertion, for servers that want it: the URL of the app's JWK set, byte for byte as
       * registered (SMART 2.2 "Authenticating to the Token endpoint"). Left out: no `jku` is sent
       */
      clientPublicKeySetUrl?: string | undefined;
    }
  /**
   * No authorization server: everybody who reaches the FHIR server reads it (HAPI test servers). Launched by
   * `smart.authorize({ fhirServiceUrl, patientId })` only, and never assumed of a server that could not be discovered
   */
  | { type: 'open' };

/** What an app registered with one authorization server; a known server may override any of it. */
export interface ClientRegistration {
  /** `client_id` */
  clientId: string;
  /** space-separated scopes; `launch` is added for an EHR launch. SMART 2.2 "Scopes and Launch Context" */
  scope: string;
  /** `redirect_uri`, byte for byte as registered: absolute https, no fragment */
  callbackUrl: string;
  /** where the browser goes after a launch: the app's page */
  redirectUrl: string;
  /**
   * where an EHR with `endSession` sends the browser after the logout: `post_logout_redirect_uri`, byte for byte as
   * registered with the EHR, which refuses others. Left out: the browser stays at the EHR's page
   */
  postLogoutRedirectUrl?: string | undefined;
}

/** Endpoints set by hand; each beats what discovery says (Oracle Health profiles, servers without discovery). */
export interface EndpointOverrides {
  issuer?: string | undefined;
  authorization?: string | undefined;
  token?: string | undefined;
  jwks?: string | undefined;
  introspection?: string | undefined;
  revocation?: string | undefined;
  endSession?: string | undefined;
  pushedAuthorization?: string | undefined;
}

/**
 * Which `iss` belongs to this server. A RegExp is matched against the whole URL; write `[^/]+` for a part of the
 * host, since `.+` also matches the path of somebody else's.
 */
export type IssuerMatch = string | RegExp | ((iss: string) => boolean);

/**
 * PKCE at a server of SMART 1 (fhirclient's names). Left out: S256 always. `required`: no launch unless S256 is
 * advertised; `ifSupported`: only where it is; `unsafeV1`: always, whatever is advertised; `disabled`: never,
 * which public clients are refused.
 */
export type PkceMode = 'required' | 'ifSupported' | 'disabled' | 'unsafeV1';

/** Where a launch goes on that begins in a frame of the EHR: in it, in the whole window, or in a new one. */
export type LaunchTarget = '_self' | '_top' | '_blank' | 'popup';

/**
 * Pushed authorization requests (RFC 9126): the app sends its request to the EHR itself, and the browser carries
 * nothing but a reference to it. `ifRequired`: where the SMART configuration says
 * `require_pushed_authorization_requests`; `true`: always; `false`: never.
 */
export type PushedAuthorizationRequests = 'ifRequired' | boolean;

/** Per-server switches. Left out, each has the safe, standard behaviour. */
export interface KnownFhirServerSwitches {
  /** static endpoints; with `authorization` and `token` set no discovery is done */
  endpoints?: EndpointOverrides | undefined;
  /** value of `aud` where it is not the FHIR base (athenaFlex) */
  aud?: string | undefined;
  /** `false`: no nonce is sent, for servers that never return it (Inferno's reference server). Default `true` */
  sendNonce?: boolean | undefined;
  /** `true`: `client_id` in the token request's body although the client authenticates (Keycloak set-ups) */
  sendClientId?: boolean | undefined;
  /** `true`: form-encode id and secret before Basic (RFC 6749 2.3.1); Epic, Medplum and most compare raw */
  encodeBasic?: boolean | undefined;
  /** `aud` of the client assertion where it is not the token endpoint's URL */
  assertionAudience?: string | undefined;
  /** `typ: client-authentication+jwt` and `aud` = issuer, for Duende IdentityServer. Default `false` */
  strictAudienceValidation?: boolean | undefined;
  /** further exact `iss` values an id_token may carry (issuer moved, slash differs) */
  issuerAliases?: string[] | undefined;
  /** the id_token's `fhirUser` may come as the v1 `profile` claim (Oracle Health DSTU2). Default `false` */
  profileClaim?: boolean | undefined;
  /** resource type of a bare `fhirUser` id such as `"123"` (WebMed) */
  bareFhirUserType?: 'Practitioner' | 'Patient' | undefined;
  /** refresh requests repeat `redirect_uri` (athenaFlex) */
  refreshWithRedirectUri?: boolean | undefined;
  /** PKCE at a server of SMART 1; left out, `options.pkceMode` holds */
  pkceMode?: PkceMode | undefined;
  /** `true`: a token response without `token_type` is taken as Bearer. Default `false` */
  assumeBearer?: boolean | undefined;
  /** `true`: `patient` and `encounter` may come as `Patient/123`. Default `false` */
  contextReferences?: boolean | undefined;
  /**
   * `true`: where there is no SMART configuration, endpoints are read from the capability statement (`/metadata`)
   * as in SMART 1 (DSTU2 and STU3 servers, older R4 ones). Such a server says nothing of its issuer: give
   * `endpoints.issuer` and `endpoints.jwks` for id_tokens. Default `false`
   */
  legacyMetadata?: boolean | undefined;
  /**
   * For EHRs that open the app in a frame but let no frame show their login: a launch in a frame is answered with
   * a page that opens it in `_top`, in a new tab or in a `popup`, where it is completed (fhirclient's `target`).
   * Default `_self`
   */
  target?: LaunchTarget | undefined;
  /** media type of FHIR requests: `application/json+fhir` for DSTU2. Default `application/fhir+json` */
  fhirMediaType?: 'application/fhir+json' | 'application/json+fhir' | undefined;
  /**
   * The server's own names of SMART scopes, `{ 'patient/Patient.rs': 'patient.Patient.rs' }` (Microsoft Entra): they
   * are sent in place of SMART's and read back as them. Scopes it does not name stay as they are
   */
  scopeNames?: Readonly<Record<string, string>> | undefined;
  /**
   * `true`: where patient-level scopes, and no others, were granted without a patient, the patient is the one that
   * `GET Patient` finds with the new token; none or several end the launch (Blue Button). Default `false`
   */
  discoverPatient?: boolean | undefined;
  /**
   * `true`: where patient-level scopes were granted without a patient, it is the `fhirUser` of the verified id_token
   * if that is a Patient of this server (MEDENT). Not for apps that parents use for a child. Default `false`
   */
  patientFromFhirUser?: boolean | undefined;
  /** `iss` may arrive with a query, which is ignored when matching and cut off (navikt). Default `false` */
  stripIssQuery?: boolean | undefined;
  /** whether authorization requests are pushed (RFC 9126; Norway's HelseID). Default `'ifRequired'` */
  pushedAuthorizationRequests?: PushedAuthorizationRequests | undefined;
  /**
   * `true`: tokens are bound to a key of each launch (DPoP, RFC 9449; Norway's HelseID), so that a stolen one is of
   * no use. The SMART configuration must list ES256, ES384 or ES512 in `dpop_signing_alg_values_supported` (with
   * static `endpoints` it is ES256), and Bearer tokens are refused. Default `false`
   */
  dpop?: boolean | undefined;
  /**
   * A browser that logs out goes on to the EHR's `end_session_endpoint`, which ends the user's whole session there
   * (OpenID Connect RP-Initiated Logout 1.0). `true`: by a form with the id_token, which the session keeps for it.
   * `'redirect'`: by a redirect without it, whereupon the EHR asks the user; for EHRs whose own cookie is
   * `SameSite=Lax`, which browsers do not send along with a form of another site. `endpoints.endSession` names the
   * endpoint where the SMART configuration does not. Not for apps in a frame of the EHR. Default `false`
   */
  endSession?: boolean | 'redirect' | undefined;
  /** `true`: the FHIR base is sent as `resource` too (RFC 8707), besides `aud`. Default `false` */
  resource?: boolean | undefined;
}

/**
 * One EHR this app is registered with.
 *
 * @example
 * { name: 'Hospital A', issuer: 'https://ehr-a.example.org/fhir', type: 'public' }
 */
export type KnownFhirServer = {
  /** shown in logs; not sent anywhere */
  name: string;
} & ({ issuer?: string | undefined; issMatch: IssuerMatch } | { issuer: string; issMatch?: undefined }) &
  ClientAuthenticationConfiguration & {
    [Name in keyof ClientRegistration]?: ClientRegistration[Name] | undefined;
  } & KnownFhirServerSwitches;

/**
 * Finds a registration at run time, e.g. in a database of hospitals, for an issuer that is not in
 * `knownFhirServers`. It is given the FHIR base in its canonical form (lower-case host, no slash at the end) and
 * answers the server with that `issuer`, or null where there is none. An answer is remembered for a minute; one
 * that takes longer than `storeTimeoutMs`, or throws, is answered with 503.
 */
export type LookUpRegistration = (
  issuer: string,
) => KnownFhirServer | null | undefined | Promise<KnownFhirServer | null | undefined>;

/**
 * Which EHRs may launch this app, and as whom. With `allowAnyIssuer` every other https FHIR server on a
 * public address may launch it as a public client: no secret ever goes to a server you did not name.
 */
export type SmartClientConfiguration = ClientRegistration & {
  /**
   * Keys that servers of `registrations` sign with: they are published at the JWKS route, beside those of
   * `knownFhirServers`. Which of them signs for a server is said by the `privateKey` of that server
   */
  privateKey?: ClientPrivateKey | ClientPrivateKey[] | undefined;
} &
  // the usual one last: the compiler's message for a mistake names the last
  (
    | {
        knownFhirServers?: KnownFhirServer[] | undefined;
        allowAnyIssuer: true;
        registrations?: LookUpRegistration | undefined;
      }
    | {
        knownFhirServers?: KnownFhirServer[] | undefined;
        allowAnyIssuer?: boolean | undefined;
        registrations: LookUpRegistration;
      }
    | {
        knownFhirServers: KnownFhirServer[];
        allowAnyIssuer?: boolean | undefined;
        registrations?: LookUpRegistration | undefined;
      }
  );
