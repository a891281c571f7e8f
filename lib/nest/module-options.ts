import type { SmartClientConfiguration } from '../ehr/known-fhir-server.js';
import type { SmartStorageOption } from '../session/smart-storage.js';
import type { SmartClientOptions, SmartSessionLifetimeOptions } from '../smart-client-options.js';

/** The session: its encryption, its lifetime, its cookie. */
export interface SmartSessionOptions extends SmartSessionLifetimeOptions {
  /** name of the session cookie, without the `__Host-` prefix it gets over https. Default `smart-session` */
  cookieName?: string;
  /**
   * The app is shown in an EHR's iframe: cookies become `SameSite=None; Secure; Partitioned`, and unsafe
   * methods need a proof that the request comes from the app itself. `frameAncestors` are the origins of the
   * EHRs that may show it. Default `false`
   */
  embedded?: boolean | { frameAncestors: string[] };
  /** where a multi-launch caller names the patient and the EHR of its tab */
  active?: {
    /** Default `x-smart-patient` */
    patientHeader?: string;
    /** Default `patient`; only read in multi-launch mode */
    patientQuery?: string;
    /** Default `x-smart-issuer` */
    issuerHeader?: string;
    /** Default `iss`; only read in multi-launch mode */
    issuerQuery?: string;
  };
}

/** Paths of the routes the module mounts, below `path`. */
export interface SmartRoutes {
  /** Default `fhir` */
  path?: string;
  /** Default `launch`; register `https://<app>/<path>/launch` as launch URL */
  launch?: string;
  /** Default `callback`; register it as redirect URL and configure it as `client.callbackUrl` */
  callback?: string;
  /** Default `standalone` */
  standalone?: string;
  /**
   * One route for launch, standalone launch and callback (fhirclient's `init`): register its URL as launch URL and as
   * redirect URL, and configure it as `client.callbackUrl`. Left out: none
   */
  init?: string;
  /** Default `logout` */
  logout?: string;
  /** Default `jwks.json` */
  jwks?: string;
}

/** What `SmartOnFhirModule.forRoot()` takes, and what the factory of `forRootAsync()` answers. */
export interface SmartOnFhirModuleOptions {
  /** which EHRs may launch this app, and as whom */
  client: SmartClientConfiguration;
  options?: Omit<SmartClientOptions, 'session'>;
  /** a SmartStorage, a Keyv or a cache-manager Cache. Left out: in memory, for one process */
  storage?: SmartStorageOption;
  session?: SmartSessionOptions;
}

/** Settings that shape the module; in `forRootAsync` they stand beside the factory. */
export interface SmartOnFhirModuleExtras {
  /** Default `true`: the guard resolves in every feature module without another import */
  isGlobal?: boolean;
  /** paths of the module's routes; `false` mounts none, and you call SmartClient from a controller of your own */
  routes?: SmartRoutes | false;
}

/** Implemented by a class given as `useClass` or `useExisting`. */
export interface SmartOnFhirOptionsFactory {
  createSmartOnFhirOptions(): SmartOnFhirModuleOptions | Promise<SmartOnFhirModuleOptions>;
}

export const DEFAULT_ROUTES = {
  path: 'fhir',
  launch: 'launch',
  callback: 'callback',
  standalone: 'standalone',
  logout: 'logout',
  jwks: 'jwks.json',
} as const satisfies Required<Omit<SmartRoutes, 'init'>>;

export type ResolvedRoutes = Required<Omit<SmartRoutes, 'init'>> & Pick<SmartRoutes, 'init'>;

export function resolveRoutes(routes: SmartRoutes | undefined): ResolvedRoutes {
  const given = Object.entries(routes ?? {}).filter(([, value]) => value !== undefined) as [string, string][];
  const trimmed = given.map(([name, value]) => [name, value.replace(/^\/+|\/+$/g, '')]);
  return { ...DEFAULT_ROUTES, ...(Object.fromEntries(trimmed) as SmartRoutes) };
}
