import { Inject, Module, Optional, Scope } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR, REQUEST } from '@nestjs/core';
import { ASYNC_OPTIONS } from './nest/async-options.js';
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
import { SmartErrorInterceptor } from './nest/smart-error.interceptor.js';
import { SmartErrorFilter } from './nest/smart-error.filter.js';
import { SmartHealth } from './nest/smart-health.js';
import { SmartSessionGuard } from './nest/smart-session.guard.js';
import { unknownOptions } from './ehr/unknown-options.js';
import { SmartClient } from './smart-client.js';
import { configurationError } from './smart-runtime.js';

/**
 * SMART App Launch for a Nest app: mounts the launch and callback routes, keeps sessions, and gives
 * `SmartSessionGuard`, `@FhirClient()` and a request-scoped `SmartClient`.
 *
 * @example
 * SmartOnFhirModule.forRoot({ client: { clientId, scope, callbackUrl, redirectUrl, knownFhirServers } })
 */
@Module({})
export class SmartOnFhirModule extends ConfigurableModuleClass {
  constructor(@Optional() @Inject(SmartClients) clients: SmartClients | undefined) {
    super();
    if (clients) return;
    throw configurationError([
      'SmartOnFhirModule is imported as it is: import SmartOnFhirModule.forRoot({ … }) or forRootAsync({ … })',
    ]);
  }

  /** @throws SmartError `invalid_configuration` when the app starts, listing every mistake */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return wired(super.forRoot(options ?? {}), options ?? {});
  }

  /** As `forRoot`, with the options from a factory; `routes` and `isGlobal` stand beside it. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    const mistakes = unknownOptions('forRootAsync', options, [...ASYNC_OPTIONS, 'isGlobal', 'routes']);
    if (mistakes.length) throw configurationError(mistakes);
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
      SmartHealth,
      SmartErrorFilter,
      { provide: APP_FILTER, useExisting: SmartErrorFilter },
      { provide: APP_INTERCEPTOR, useClass: SmartErrorInterceptor },
      {
        provide: SmartClient,
        scope: Scope.REQUEST,
        inject: [REQUEST, SmartClients],
        useFactory: (request: object, clients: SmartClients) => {
          // What such a route answers is about one user, as behind the guard.
          clients.forbidCaching(request);
          return clients.for(request);
        },
      },
    ],
    exports: [SmartClients, SmartSessionGuard, SmartHealth, SmartClient],
  };
}
