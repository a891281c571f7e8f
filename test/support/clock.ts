import { jest } from '@jest/globals';

const TIMERS = [
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'requestAnimationFrame',
  'cancelAnimationFrame',
  'requestIdleCallback',
  'cancelIdleCallback',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
] as const;

/** Only what the time is can be changed; timers and sockets run as ever. */
export function fakeClock(): { advance(ms: number): void; restore(): void } {
  jest.useFakeTimers({ now: Date.now(), doNotFake: [...TIMERS] });
  return {
    advance: (ms) => void jest.setSystemTime(Date.now() + ms),
    restore: () => void jest.useRealTimers(),
  };
}
