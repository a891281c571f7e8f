import { Module, Scope } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { APP_FILTER, REQUEST } from '@nestjs/core';
import { createLaunchController } from './nest/launch.controller.js';
import {
  ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  OPTIONS_TYPE,
  SMART_ROUTES,
} from './nest/module-definition.js';
import { resolveRoutes } from './nest/module-options.js';
import type { SmartOnFhirModuleExtras } from './nest/module-options.js';
import { SmartClients } from './nest/smart-clients.js';
import { SmartErrorFilter } from './nest/smart-error.filter.js';
import { SmartSessionGuard } from './nest/smart-session.guard.js';
import { SmartClient } from './smart-client.js';

/**
 * SMART App Launch for a Nest app: mounts the launch and callback routes, keeps sessions, and gives
 * `SmartSessionGuard`, `@FhirClient()` and a request-scoped `SmartClient`.
 *
 * @example
 * SmartOnFhirModule.forRoot({ client: { clientId, scope, callbackUrl, redirectUrl, knownFhirServers } })
 */
@Module({})
export class SmartOnFhirModule extends ConfigurableModuleClass {
  /** @throws SmartError `invalid_configuration` when the app starts, listing every mistake */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return wired(super.forRoot(options), options);
  }

  /** As `forRoot`, with the options from a factory; `routes` and `isGlobal` stand beside it. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return wired(super.forRootAsync(options), options);
  }
}

function wired(definition: DynamicModule, extras: SmartOnFhirModuleExtras): DynamicModule {
  const routes = extras.routes === false ? false : resolveRoutes(extras.routes);
  return {
    ...definition,
    global: extras.isGlobal ?? true,
    controllers: routes ? [createLaunchController(routes)] : [],
    providers: [
      ...(definition.providers ?? []),
      { provide: SMART_ROUTES, useValue: routes },
      SmartClients,
      SmartSessionGuard,
      SmartErrorFilter,
      { provide: APP_FILTER, useExisting: SmartErrorFilter },
      {
        provide: SmartClient,
        scope: Scope.REQUEST,
        inject: [REQUEST, SmartClients],
        useFactory: (request: object, clients: SmartClients) => clients.for(request),
      },
    ],
    exports: [SmartClients, SmartSessionGuard, SmartClient],
  };
}
