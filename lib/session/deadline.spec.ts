import { describe, expect, it } from '@jest/globals';
import { SmartError } from '../smart-error.js';
import { storeUnavailable, withinDeadline } from './deadline.js';

const UNAVAILABLE = { error: 'store_unavailable', status: 503 };

describe('withinDeadline', () => {
  it('answers what the work answers', async () => {
    expect(await withinDeadline(Promise.resolve('value'), 1_000)).toBe('value');
  });

  it('C-17 does not wait for work that never ends', async () => {
    await expect(withinDeadline(new Promise(() => undefined), 10)).rejects.toMatchObject(UNAVAILABLE);
  });

  it('makes every failure an outage', async () => {
    await expect(withinDeadline(Promise.reject(new Error('lost')), 1_000)).rejects.toMatchObject(UNAVAILABLE);
  });

  it('does not mind work that fails when nobody waits for it any more', async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', listener);
    let fail = (_error: Error) => undefined as void;
    const work = new Promise((_resolve, reject) => (fail = reject));
    await expect(withinDeadline(work, 1)).rejects.toMatchObject(UNAVAILABLE);
    fail(new Error('late'));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', listener);
    expect(unhandled).toEqual([]);
  });
});

describe('storeUnavailable', () => {
  it('leaves an error that says what it is alone', () => {
    const error = new SmartError('session_expired', 'over');
    expect(storeUnavailable(error)).toBe(error);
  });

  it('C-19 keeps of another error what names it, not what it quotes', () => {
    const cause = Object.assign(new Error('SET canary-key canary-value'), { code: 'WRONGTYPE' });
    const { message, cause: kept } = storeUnavailable(cause);
    expect(kept).toMatchObject({ name: 'Error', code: 'WRONGTYPE' });
    expect(message + String(kept)).not.toContain('canary');
  });
});
