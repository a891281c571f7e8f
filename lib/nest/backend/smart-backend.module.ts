import { Inject, Module, Optional } from '@nestjs/common';
import type { DynamicModule, OnModuleDestroy } from '@nestjs/common';
import { BackendFhirClient } from '../../backend-fhir-client.js';
import { unknownOptions } from '../../ehr/unknown-options.js';
import { configurationError } from '../../smart-runtime.js';
import { ASYNC_OPTIONS } from '../async-options.js';
import { backendFhirClientToken } from './inject-backend.decorator.js';
import {
  ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  OPTIONS_TYPE,
  SMART_BACKEND_OPTIONS,
} from './module-options.js';
import type { SmartBackendModuleExtras, SmartBackendModuleOptions } from './module-options.js';

const OPTIONS = ['client', 'options'];
const EXTRAS = ['name', 'isGlobal'];
/** This registration's client, under whatever token it is provided. */
const OWN_CLIENT = Symbol('OWN_CLIENT');

/**
 * SMART Backend Services for a Nest app: gives a {@link BackendFhirClient} as a plain singleton, for services and
 * jobs. It knows no sessions, and no session leads to it: `@FhirClient()` and `SmartClient` are of
 * `SmartOnFhirModule` and give clients of launches only. Either module works without the other.
 *
 * @example
 * SmartBackendModule.forRoot({ client: { issuer, clientId, scope: 'system/Patient.rs', privateKey } })
 */
@Module({})
export class SmartBackendModule extends ConfigurableModuleClass implements OnModuleDestroy {
  readonly #client: BackendFhirClient;

  constructor(@Optional() @Inject(OWN_CLIENT) client: BackendFhirClient | undefined) {
    super();
    if (client === undefined) {
      throw configurationError([
        'SmartBackendModule is imported as it is: import SmartBackendModule.forRoot({ … }) or forRootAsync({ … })',
      ]);
    }
    this.#client = client;
  }

  /** @throws SmartError `invalid_configuration` when the app starts, listing every mistake */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return wired(super.forRoot(options ?? {}), options ?? {});
  }

  /** As `forRoot`, with the options from a factory; `name` and `isGlobal` stand beside it. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    const mistakes = unknownOptions('forRootAsync', options, [...ASYNC_OPTIONS, ...EXTRAS]);
    if (mistakes.length) throw configurationError(mistakes);
    return wired(super.forRootAsync(options), options);
  }

  async onModuleDestroy(): Promise<void> {
    await this.#client.close();
  }
}

function wired(definition: DynamicModule, { name, isGlobal }: SmartBackendModuleExtras): DynamicModule {
  const token = backendFhirClientToken(name);
  return {
    ...definition,
    global: isGlobal ?? true,
    providers: [
      ...(definition.providers ?? []),
      { provide: OWN_CLIENT, inject: [SMART_BACKEND_OPTIONS], useFactory: backendClient },
      { provide: token, useExisting: OWN_CLIENT },
    ],
    exports: [token],
  };
}

function backendClient(given: SmartBackendModuleOptions | undefined): BackendFhirClient {
  if (typeof given !== 'object' || given === null) {
    throw configurationError([
      'the options are missing: forRoot({ client: { … } }) takes them, and the factory of forRootAsync must return them',
    ]);
  }
  const beside = Object.keys(given).filter((option) => EXTRAS.includes(option));
  const mistakes = [
    ...beside.map((option) => `${option} stands beside useFactory, not in what it returns`),
    ...unknownOptions('', given, [...OPTIONS, ...beside]),
  ];
  if (mistakes.length) throw configurationError(mistakes);
  return new BackendFhirClient(given.client, given.options);
}
