/** What Nest's ConfigurableModuleBuilder reads of the argument of `forRootAsync`. */
export const ASYNC_OPTIONS = [
  'imports',
  'inject',
  'useFactory',
  'useClass',
  'useExisting',
  'provideInjectionTokensFrom',
];
