import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { SmartOnFhirModuleExtras, SmartOnFhirModuleOptions } from './module-options.js';

export const {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN: SMART_ON_FHIR_OPTIONS,
  OPTIONS_TYPE,
  ASYNC_OPTIONS_TYPE,
} = new ConfigurableModuleBuilder<SmartOnFhirModuleOptions>({ moduleName: 'SmartOnFhir' })
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createSmartOnFhirOptions')
  .setExtras<SmartOnFhirModuleExtras>({ isGlobal: true, routes: {} }, (definition) => definition)
  .build();

/** The routes of this registration, resolved; `false` when none are mounted. */
export const SMART_ROUTES = Symbol('SMART_ROUTES');
