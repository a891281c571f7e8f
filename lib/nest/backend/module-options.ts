import { ConfigurableModuleBuilder } from '@nestjs/common';
import type {
  BackendFhirClientConfiguration,
  BackendFhirClientOptions,
} from '../../backend-configuration.js';

/** What `SmartBackendModule.forRoot()` takes, and what the factory of `forRootAsync()` answers. */
export interface SmartBackendModuleOptions {
  /** the FHIR server, and what the service registered there */
  client: BackendFhirClientConfiguration;
  options?: BackendFhirClientOptions;
}

/** Settings that shape the module; in `forRootAsync` they stand beside the factory. */
export interface SmartBackendModuleExtras {
  /**
   * Of several backends each but one needs a name: import the module once for each, and inject
   * `@InjectBackendFhirClient(name)`
   */
  name?: string;
  /** Default `true`: the client can be injected in every module without another import */
  isGlobal?: boolean;
}

/** Implemented by a class given as `useClass` or `useExisting`. */
export interface SmartBackendOptionsFactory {
  createSmartBackendOptions(): SmartBackendModuleOptions | Promise<SmartBackendModuleOptions>;
}

export const {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN: SMART_BACKEND_OPTIONS,
  OPTIONS_TYPE,
  ASYNC_OPTIONS_TYPE,
} = new ConfigurableModuleBuilder<SmartBackendModuleOptions>({ moduleName: 'SmartBackend' })
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createSmartBackendOptions')
  .setExtras<SmartBackendModuleExtras>({ isGlobal: true, name: undefined }, (definition) => definition)
  .build();
