import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { CanActivate, Type } from '@nestjs/common';
import type { SmartStorageOption } from '../session/smart-storage.js';
import type { ClientApplication, ClientApplicationStore } from './client-application.js';
import type { LaunchMembers } from './launch-members.js';
import type { SmartAppLaunchStore } from './launch-store.js';

/** A launch, for the audit log: who, which app, which context. The handle is not in it. */
export interface SmartLaunchEvent {
  type: 'launch';
  /** id of the SmartAppLaunch; opens nothing */
  launchId: string;
  userId: string;
  application: { id: string; name: string; clientId: string };
  context: LaunchMembers;
  at: Date;
}

/** What a launch is about so far, for `launchContext`. */
export interface LaunchInPreparation {
  application: ClientApplication;
  userId: string;
  /** what the request asked for, patient and encounter checked */
  context: LaunchMembers;
}

/** A FHIR resource as far as it is read here. */
export interface ReadResource {
  resourceType: string;
  id?: string;
}

/** What `SmartLaunchModule.forRoot()` takes, and what the factory of `forRootAsync()` answers. */
export interface SmartLaunchModuleOptions {
  /** the FHIR base, exactly as apps get it in `iss` and send it back in `aud`; its path is where the operation is */
  fhirBaseUrl: string;
  /** the apps, or your registry of them */
  clientApplications: readonly ClientApplication[] | ClientApplicationStore;
  /** Nest guards that let the users of the EHR in, and nobody else; at least one */
  guards: readonly (Type<CanActivate> | CanActivate)[];
  /**
   * A resource as the user of `request` may read it; nothing where there is none, or none for this user. Asked for
   * patient and encounter, and for each resource of this server in `fhirContext`.
   *
   * @param reference `<Type>/<id>`, e.g. `Patient/ada`
   */
  readResource(
    reference: string,
    request: object,
  ): ReadResource | null | undefined | Promise<ReadResource | null | undefined>;
  /** Id of the user who launches, as the authorization server knows it. Default: `request.user`'s id, userId or sub */
  user?(request: object): string | null | undefined | Promise<string | null | undefined>;
  /** a SmartStorage, a Keyv, a cache-manager Cache or a SmartAppLaunchStore. Left out: in memory, for one process */
  storage?: SmartStorageOption | SmartAppLaunchStore;
  /**
   * Seals what `storage` holds of a launch (AES-256-GCM): at least 32 random characters, the same in all processes. Of
   * several the first seals and all open. Left out: random, for launches in memory; with another storage the start
   * fails in production. A SmartAppLaunchStore gets launches as they are
   */
  secret?: string | readonly string[];
  /**
   * Default `false`: a launch with both is refused. `true`: it is taken when the encounter's subject is the patient
   */
  allowPatientWithEncounter?: boolean;
  /**
   * Default `false`: a launch without patient and encounter is taken, and the app or the authorization server asks for
   * the patient. `true`: it is refused
   */
  requireContext?: boolean;
  /**
   * Members that a request may say itself. Default: none. Listed or not, what `launchContext` answers wins
   */
  allowFromRequest?: readonly ('tenant' | 'smart_style_url')[];
  /** What the EHR adds to a launch, e.g. `need_patient_banner` or `tenant`; it wins over what the request says */
  launchContext?(
    launch: LaunchInPreparation,
    request: object,
  ): Omit<LaunchMembers, 'patient' | 'encounter'> | Promise<Omit<LaunchMembers, 'patient' | 'encounter'>>;
  /**
   * Audit: called for each launch before the browser is sent to the app. Where it fails, there is no launch.
   */
  onLaunch?(event: SmartLaunchEvent, request: object): unknown;
  /**
   * Origins of the EHR's pages, where they are not on the host of `fhirBaseUrl`, e.g. `https://ehr.example.org`.
   * They launch by POST; links of other pages are refused
   */
  trustedOrigins?: readonly string[];
}

/** Settings that shape the module; in `forRootAsync` they stand beside the factory. */
export interface SmartLaunchModuleExtras {
  /** Default `true`: SmartLaunchService can be injected in every module without another import */
  isGlobal?: boolean;
}

/** Implemented by a class given as `useClass` or `useExisting`. */
export interface SmartLaunchOptionsFactory {
  createSmartLaunchOptions(): SmartLaunchModuleOptions | Promise<SmartLaunchModuleOptions>;
}

export const {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN: SMART_LAUNCH_OPTIONS,
  OPTIONS_TYPE,
  ASYNC_OPTIONS_TYPE,
} = new ConfigurableModuleBuilder<SmartLaunchModuleOptions>({ moduleName: 'SmartLaunch' })
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createSmartLaunchOptions')
  .setExtras<SmartLaunchModuleExtras>({ isGlobal: true }, (definition) => definition)
  .build();
