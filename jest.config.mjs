import { availableParallelism } from 'node:os';

/** Tests run the module system that ships: ESM, compiled by swc, with the decorator metadata Nest reads. */
export default {
  testEnvironment: 'node',
  // for machines that are slow or busy: no test is about its own speed
  testTimeout: 30_000,
  maxWorkers: Math.max(2, availableParallelism() - 1),
  roots: ['<rootDir>/lib', '<rootDir>/sample', '<rootDir>/test'],
  testPathIgnorePatterns: [
    '/node_modules/',
    '/dist/',
    // two minutes of waiting for time-outs, which another Node spends alike
    ...(process.env.FAULTS === 'skip' ? ['/test/faults/'] : []),
  ],
  testSequencer: '<rootDir>/test/support/longest-first.mjs',
  modulePathIgnorePatterns: ['/dist/'],
  extensionsToTreatAsEsm: ['.ts'],
  coverageProvider: 'v8',
  setupFiles: ['<rootDir>/test/support/jest-setup.ts'],
  moduleNameMapper: {
    '^nestjs-smart-on-fhir$': '<rootDir>/lib/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        sourceMaps: 'inline',
        module: { type: 'es6' },
        jsc: {
          target: 'es2022',
          keepClassNames: true,
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
        },
      },
    ],
  },
};
