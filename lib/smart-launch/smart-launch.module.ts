import { Controller, Inject, Logger, Module, Optional, VERSION_NEUTRAL } from '@nestjs/common';
import type { DynamicModule, NestModule, Type } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import { unknownOptions } from '../ehr/unknown-options.js';
import { ASYNC_OPTIONS } from '../nest/async-options.js';
import { configurationError } from '../smart-runtime.js';
import { acceptFhirJson } from './accept-fhir-json.js';
import { ASYNC_OPTIONS_TYPE, ConfigurableModuleClass, OPTIONS_TYPE } from './module-options.js';
import type { SmartLaunchModuleExtras } from './module-options.js';
import { createSmartLaunchController } from './smart-launch.controller.js';
import { SmartLaunchService } from './smart-launch.service.js';

/** This registration's controller. */
const OWN_CONTROLLER = Symbol('OWN_CONTROLLER');

/**
 * The EHR side of SMART App Launch: `GET|POST {fhirBaseUrl}/ClientApplication/:id/$smart-launch` sends the user's
 * browser to a registered app, and {@link SmartLaunchService} hands the context to your authorization server. Import
 * it before a module that answers everything below the FHIR base.
 *
 * @example
 * SmartLaunchModule.forRoot({ fhirBaseUrl, clientApplications, guards: [EhrLoginGuard], readResource })
 */
@Module({})
export class SmartLaunchModule extends ConfigurableModuleClass implements NestModule {
  readonly #launches: SmartLaunchService;

  constructor(
    @Optional() @Inject(SmartLaunchService) launches: SmartLaunchService | undefined,
    @Optional() @Inject(OWN_CONTROLLER) private readonly controller: Type | undefined,
    @Inject(ApplicationConfig) private readonly appConfig: ApplicationConfig,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
  ) {
    super();
    if (!launches || !controller) {
      throw configurationError([
        'SmartLaunchModule is imported as it is: import SmartLaunchModule.forRoot({ … }) or forRootAsync({ … })',
      ]);
    }
    this.#launches = launches;
  }

  /** @throws SmartError `invalid_configuration` when the app starts, listing every mistake */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return wired(super.forRoot(options ?? {}), options ?? {});
  }

  /** As `forRoot`, with the options from a factory; `isGlobal` stands beside it. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    const mistakes = unknownOptions('forRootAsync', options, [...ASYNC_OPTIONS, 'isGlobal']);
    if (mistakes.length) throw configurationError(mistakes);
    return wired(super.forRootAsync(options), options);
  }

  /** Nest calls it when options and global prefix are known and no route is registered yet. */
  configure(): void {
    const { pathname } = new URL(this.#launches.fhirBaseUrl);
    const path = this.#belowPrefix(pathname.replace(/^\/+|\/+$/g, ''));
    Controller({ path, version: VERSION_NEUTRAL })(this.controller!);
    acceptFhirJson(this.adapterHost.httpAdapter);
  }

  /** A global prefix comes before every route, and is part of the FHIR base as browsers see it. */
  #belowPrefix(path: string): string {
    const prefix = this.appConfig.getGlobalPrefix().replace(/^\/+|\/+$/g, '');
    if (prefix === '') return path;
    if (path === prefix) return '';
    if (path.startsWith(`${prefix}/`)) return path.slice(prefix.length + 1);
    if (!this.appConfig.getGlobalPrefixOptions().exclude) {
      new Logger('SmartLaunch').warn(
        `fhirBaseUrl has the path /${path}, but the global prefix puts the operation at /${prefix}/${path}`,
      );
    }
    return path;
  }
}

function wired(definition: DynamicModule, { isGlobal }: SmartLaunchModuleExtras): DynamicModule {
  const controller = createSmartLaunchController();
  return {
    ...definition,
    global: isGlobal ?? true,
    controllers: [controller],
    providers: [
      ...(definition.providers ?? []),
      { provide: OWN_CONTROLLER, useValue: controller },
      SmartLaunchService,
    ],
    exports: [SmartLaunchService],
  };
}
