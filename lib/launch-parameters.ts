import type { JsonValue } from './http/json.js';
import type { AuthorizationParameters } from './token/authorization-request.js';

/** What one launch may change or carry along. */
export type LaunchOverrides = Pick<AuthorizationParameters, 'scope' | 'extraParameters'> & {
  /**
   * path of the app to go to afterwards instead of `redirectUrl`, e.g. `/patients?tab=vitals`; anything that is
   * not a path of `redirectUrl`'s own origin is ignored
   */
  returnTo?: string | undefined;
  /**
   * data of the app's own that comes back from `callback()` and as `fhir.appData`: any JSON value of at most 4,096
   * bytes. It is kept in the store, encrypted, and never goes to the browser or to the EHR
   */
  appData?: JsonValue | undefined;
  /**
   * id of the Patient that the launch must end with. An EHR that names another one, or none, ends it with
   * `patient_changed`
   */
  patientId?: string | undefined;
  /** id of the Encounter that the launch must end with, likewise */
  encounterId?: string | undefined;
};

/** What a standalone launch may change for this one time. */
export type AuthorizeOverrides = LaunchOverrides & Pick<AuthorizationParameters, 'context'>;

/**
 * A token response as an EHR could have given it, for development without one. `id_token` are claims, taken as they
 * are. A `refresh_token` is not used.
 */
export interface FakeTokenResponse {
  access_token?: string | undefined;
  /** seconds */
  expires_in?: number | undefined;
  scope?: string | undefined;
  patient?: string | undefined;
  encounter?: string | undefined;
  id_token?: Record<string, unknown> | undefined;
  [member: string]: unknown;
}

/** A launch without an authorization server: at an open server, or in development with a token response made up. */
export type OpenLaunchParameters = Omit<LaunchOverrides, 'extraParameters'> &
  (
    | {
        /** FHIR base of a known server with `type: 'open'` (fhirclient's name) */
        fhirServiceUrl: string;
        iss?: undefined;
        fakeTokenResponse?: FakeTokenResponse | undefined;
      }
    | {
        iss: string;
        fhirServiceUrl?: undefined;
        /** refused unless `options.allowFakeTokenResponse` is set */
        fakeTokenResponse: FakeTokenResponse;
      }
  );
