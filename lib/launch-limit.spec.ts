import { describe, expect, it } from '@jest/globals';
import { LaunchLimit } from './launch-limit.js';

const NOON = Date.UTC(2026, 0, 1, 12);

describe('the limit of launches', () => {
  it('C-26 refuses the launch after the last one of a minute, and says when to come back', () => {
    const limit = new LaunchLimit(2);

    expect([limit.take(NOON), limit.take(NOON + 1_000)]).toEqual([undefined, undefined]);
    expect(limit.take(NOON + 15_000)).toMatchObject({
      error: 'too_many_launches',
      status: 429,
      retryAfterMs: 45_000,
    });
    expect(limit.take(NOON + 60_000)).toBeUndefined();
  });

  it('C-26 a clock that is set back stops nobody', () => {
    const limit = new LaunchLimit(1);
    limit.take(NOON);

    expect(limit.take(NOON - 3_600_000)).toBeUndefined();
  });
});
