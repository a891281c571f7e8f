import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { DEFAULTS, resolveOptions } from './smart-client-options.js';
import type { SmartClientOptions } from './smart-client-options.js';

describe('the options of a client', () => {
  it.each([[undefined], [null], [{}]])('have a safe default each: %j', (options) => {
    const resolved = resolveOptions(options);
    expect(resolved).toMatchObject({
      autoRefresh: true,
      enableMultiLaunch: false,
      allowNonHttpsLaunch: false,
      httpTimeoutMs: 10_000,
      maxResponseBytes: 1024 * 1024,
      storeTimeoutMs: 2_000,
      clockToleranceMs: 30_000,
      idleTimeoutMs: 3_600_000,
      absoluteTimeoutMs: 43_200_000,
      secrets: [],
    });
  });

  it('A9-9 refresh a token at least a minute before it expires', () => {
    expect(resolveOptions({}).refreshSkewMs).toBeGreaterThanOrEqual(60_000);
  });

  it('B-7 C-17 keep the defaults within what the checklist allows', () => {
    expect(DEFAULTS.clockToleranceMs).toBeLessThanOrEqual(60_000);
    expect(DEFAULTS.httpTimeoutMs).toBeLessThanOrEqual(10_000);
    expect(DEFAULTS.maxResponseBytes).toBeLessThanOrEqual(1024 * 1024);
  });

  it('are taken as given', () => {
    const given: SmartClientOptions = { autoRefresh: false, refreshSkewMs: 0, httpTimeoutMs: 1 };
    expect(resolveOptions(given)).toMatchObject(given);
  });

  it('keep the default where one is given as undefined', () => {
    const options: SmartClientOptions = {
      autoRefresh: undefined,
      httpTimeoutMs: undefined,
      logger: undefined,
      session: { idleTimeoutMs: undefined, secret: undefined },
    };
    expect(resolveOptions(options)).toMatchObject({
      autoRefresh: true,
      httpTimeoutMs: DEFAULTS.httpTimeoutMs,
      idleTimeoutMs: DEFAULTS.idleTimeoutMs,
      secrets: [],
    });
  });

  it.each<[string | string[], string[]]>([
    ['one', ['one']],
    [
      ['new', 'old'],
      ['new', 'old'],
    ],
  ])('C-20 take one secret or several, in order: %j', (secret, secrets) => {
    expect(resolveOptions({ session: { secret } }).secrets).toEqual(secrets);
  });

  it('take the lifetime of sessions', () => {
    const session = { idleTimeoutMs: 1_000, absoluteTimeoutMs: 2_000 };
    expect(resolveOptions({ session })).toMatchObject(session);
  });

  it('G-6 C-19 let no event handler end the process, whether it throws or rejects', async () => {
    const lines: string[] = [];
    const logger = { warn: (line: string) => void lines.push(line), error: () => undefined };
    const handlers: (() => unknown)[] = [
      () => Promise.reject(new TypeError('CANARY')),
      () => {
        throw new RangeError('CANARY');
      },
    ];
    for (const onEvent of handlers) {
      resolveOptions({ onEvent, logger }).onEvent({ type: 'login', server: 'Hospital' });
    }
    await setImmediate();
    expect(lines.sort()).toEqual([
      'options.onEvent threw RangeError at login',
      'options.onEvent threw TypeError at login',
    ]);
  });

  it('C-19 log nothing unless a logger is given', () => {
    const lines: string[] = [];
    const logger = { warn: (line: string) => void lines.push(line), error: () => undefined };
    resolveOptions({}).logger.warn('unheard');
    resolveOptions({ logger }).logger.warn('heard');
    expect(lines).toEqual(['heard']);
  });
});

describe('options.onEvent', () => {
  const warnings: string[] = [];
  const logger = { warn: (message: string) => void warnings.push(message), error: () => undefined };

  it('G-6 C-19 may throw: a warning says so without its words, and nothing else changes', () => {
    const { onEvent } = resolveOptions({
      logger,
      onEvent: () => {
        throw new TypeError('patient-1');
      },
    });

    expect(() => onEvent({ type: 'login', server: 'Hospital A' })).not.toThrow();
    expect(warnings).toEqual(['options.onEvent threw TypeError at login']);
  });
});
