import { describe, expect, it } from '@jest/globals';
import { KeyedMutex } from './keyed-mutex.js';

function gate(): { open: () => void; opened: Promise<void> } {
  let open = () => undefined as void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

describe('KeyedMutex', () => {
  it('lets one in at a time, in order of arrival', async () => {
    const mutex = new KeyedMutex();
    const log: string[] = [];
    const gates = [gate(), gate(), gate()];
    const runs = gates.map(({ opened }, index) =>
      mutex.run('key', async () => {
        log.push(`in ${index}`);
        await opened;
        log.push(`out ${index}`);
        return index;
      }),
    );
    [...gates].reverse().forEach(({ open }) => open());
    expect(await Promise.all(runs)).toEqual([0, 1, 2]);
    expect(log).toEqual(['in 0', 'out 0', 'in 1', 'out 1', 'in 2', 'out 2']);
  });

  it('lets nobody in who comes while others still wait', async () => {
    const mutex = new KeyedMutex();
    const log: string[] = [];
    const { open, opened } = gate();
    const first = mutex.run('key', async () => 'first');
    const second = mutex.run('key', async () => {
      await opened;
      log.push('second out');
    });
    await first;
    const third = mutex.run('key', async () => void log.push('third in'));
    open();
    await Promise.all([second, third]);
    expect(log).toEqual(['second out', 'third in']);
  });

  it('lets holders of other keys go on', async () => {
    const mutex = new KeyedMutex();
    const { open, opened } = gate();
    const waiting = mutex.run('a', () => opened);
    expect(await mutex.run('b', async () => 'done')).toBe('done');
    open();
    await waiting;
  });

  it('lets the next one in when a holder fails, whatever way it fails', async () => {
    const mutex = new KeyedMutex();
    const rejects = mutex.run('key', () => Promise.reject(new Error('rejected')));
    const throws = mutex.run('key', () => {
      throw new Error('thrown');
    });
    const next = mutex.run('key', async () => 'next');
    await expect(rejects).rejects.toThrow('rejected');
    await expect(throws).rejects.toThrow('thrown');
    expect(await next).toBe('next');
  });

  it('lets one in again after it was empty', async () => {
    const mutex = new KeyedMutex();
    expect(await mutex.run('key', async () => 1)).toBe(1);
    expect(await mutex.run('key', async () => 2)).toBe(2);
  });
});
