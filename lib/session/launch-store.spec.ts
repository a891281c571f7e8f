import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fakeClock } from '../../test/support/clock.js';
import { launchRecord } from '../../test/support/launch-parts.js';
import { MapStorage } from '../../test/support/map-storage.js';
import { SmartError } from '../smart-error.js';
import { completeStorage } from './complete-storage.js';
import { LAUNCH_PREFIX, entryKey, randomId } from './keys.js';
import { LaunchStore } from './launch-store.js';
import { SealedBox } from './sealed-box.js';

const MINUTE = 60_000;
const ISS = 'https://ehr.example.org/fhir';
const LIFETIME = { idleTimeoutMs: 60 * MINUTE, absoluteTimeoutMs: 12 * 60 * MINUTE };
const UNAVAILABLE = { error: 'store_unavailable', status: 503 };

let clock: ReturnType<typeof fakeClock>;
let map: MapStorage;
let launches: LaunchStore;

beforeEach(() => {
  clock = fakeClock();
  map = new MapStorage();
  launches = launchesIn(map);
});
afterEach(() => clock.restore());

function launchesIn(storage: MapStorage): LaunchStore {
  const box = new SealedBox(['a secret of more than thirty-two characters']);
  return new LaunchStore(completeStorage(storage, 2_000), box, LIFETIME, 30_000);
}

const record = (changed = {}) => launchRecord(ISS, changed);
const keyOf = (id: string) => entryKey(LAUNCH_PREFIX, id);

describe('a stored launch', () => {
  it('is there for the id it was stored under, until it is removed', async () => {
    await launches.write('id-1', record());
    expect(await launches.read('id-1')).toEqual(record());
    expect(await launches.read('id-2')).toBeUndefined();
    await launches.remove('id-1');
    expect(await launches.read('id-1')).toBeUndefined();
  });

  it('C-20 shows neither its id nor a token to who sees the store', async () => {
    const id = randomId();
    await launches.write(id, record({ accessToken: 'canary-access', refreshToken: 'canary-refresh' }));
    expect(map.dump()).not.toContain(id);
    expect(map.dump()).not.toMatch(/canary|patient-1|ehr\.example/);
    expect([...map.entries.keys()]).toEqual([keyOf(id)]);
  });

  it('C-20 is not opened by a session whose entry it was put into', async () => {
    await launches.write('victim', record());
    map.entries.set(keyOf('attacker'), map.entries.get(keyOf('victim'))!);
    expect(await launches.read('attacker')).toBeUndefined();
  });

  it('C-7 is removed only as long as no later one took its place', async () => {
    const [first, later] = [record(), record({ launchId: 'launch-2' })];
    await launches.write('id-1', later);
    await launches.removeSame('id-1', first);
    expect(await launches.read('id-1')).toEqual(later);
    await launches.removeSame('id-1', later);
    expect(await launches.read('id-1')).toBeUndefined();
  });

  it('is an outage and no logout where the store is down', async () => {
    await launches.write('id-1', record());
    map.isDown = true;
    await expect(launches.read('id-1')).rejects.toMatchObject(UNAVAILABLE);
    await expect(launches.write('id-1', record())).rejects.toMatchObject(UNAVAILABLE);
    await expect(launches.remove('id-1')).rejects.toMatchObject(UNAVAILABLE);
  });
});

describe('the lifetime of a launch', () => {
  it.each([
    ['new: the idle timeout', 0, 0, 60],
    ['seen a while ago: what is left of it', 30, 20, 40],
    ['A9-11 near its absolute end: what is left of that', 710, 0, 10],
  ])('%s, given to the store', async (_what, startedAgo, seenAgo, left) => {
    const now = Date.now();
    const times = { startedAt: now - startedAgo * MINUTE, seenAt: now - seenAgo * MINUTE };
    await launches.write('id-1', record(times));
    expect(map.entries.get(keyOf('id-1'))?.ttlMs).toBe(left * MINUTE);
  });

  it('ends when nobody uses it', () => {
    const idle = record();
    clock.advance(60 * MINUTE - 1);
    expect(launches.isOver(idle)).toBe(false);
    clock.advance(1);
    expect(launches.isOver(idle)).toBe(true);
  });

  it('A9-11 ends at the absolute timeout, however busy it is', () => {
    const { startedAt } = record();
    clock.advance(12 * 60 * MINUTE - 1);
    expect(launches.isOver(record({ startedAt }))).toBe(false);
    clock.advance(1);
    expect(launches.isOver(record({ startedAt }))).toBe(true);
  });
});

describe('a launch that must not be lost', () => {
  const renewed = () => record({ accessToken: 'access-2', refreshToken: 'refresh-2' });

  it('A9-4 is served from memory while the store is down, and stored as soon as it is back', async () => {
    await launches.write('id-1', record());
    map.isDown = true;
    await launches.writeSurely('id-1', renewed());
    expect(await launches.read('id-1')).toEqual(renewed());
    await map.tried();
    expect(await launches.read('id-1')).toEqual(renewed());
    map.isDown = false;
    await map.stored();
    expect(await launchesIn(map).read('id-1')).toEqual(renewed());
  });

  it('A9-4 is stored at the end of the process, and not tried again after it', async () => {
    await launches.write('id-1', record());
    map.isDown = true;
    await launches.writeSurely('id-1', renewed());
    map.isDown = false;
    await launches.close();
    expect(await launchesIn(map).read('id-1')).toEqual(renewed());
  });

  it('A9-4 is waited for at the end of the process, while its task is under way', async () => {
    const log: string[] = [];
    let [enter, leave] = [() => {}, () => {}];
    const isIn = new Promise<void>((resolve) => (enter = resolve));
    const mayLeave = new Promise<void>((resolve) => (leave = resolve));
    const task = launches.exclusive('id-1', async () => {
      enter();
      await mayLeave;
      await launches.writeSurely('id-1', renewed());
      log.push('stored');
    });
    await isIn;
    const closing = launches.close().then(() => log.push('closed'));
    leave();
    await Promise.all([task, closing]);
    expect(log).toEqual(['stored', 'closed']);
  });

  it('is stored at once while the store is up, and memory keeps nothing', async () => {
    await launches.writeSurely('id-1', renewed());
    expect(map.calls).toEqual(['set']);
    await launchesIn(map).write('id-1', record({ accessToken: 'access-3' }));
    expect((await launches.read('id-1'))?.accessToken).toBe('access-3');
  });

  it('A9-8 does not come back when its session ended meanwhile, nor over a newer one', async () => {
    const ids = ['ended', 'ended elsewhere', 'newer', 'last'];
    for (const id of ids) await launches.write(id, record());
    map.isDown = true;
    for (const id of ids) await launches.writeSurely(id, renewed());
    map.isDown = false;
    await launches.remove('ended');
    await launchesIn(map).remove('ended elsewhere');
    await launches.write('newer', record({ accessToken: 'access-3' }));
    // saved in the order in which they failed: when the last one is there, the others had their turn
    await map.stored();
    expect([...map.entries.keys()].sort()).toEqual([keyOf('newer'), keyOf('last')].sort());
    expect((await launches.read('newer'))?.accessToken).toBe('access-3');
    expect(await launches.read('ended')).toBeUndefined();
    expect(await launches.read('ended elsewhere')).toBeUndefined();
  });
});

describe('a launch that must not be lost, and another process that still reaches the store', () => {
  /** Stores what it is given, but the answer does not come back while `isCutOff`. */
  class CutOffStorage extends MapStorage {
    isCutOff = false;
    override async set(key: string, value: string, ttlMs?: number): Promise<void> {
      await super.set(key, value, ttlMs);
      if (this.isCutOff) throw new Error('the connection broke');
    }
  }
  let mine: CutOffStorage;
  let other: LaunchStore;
  const renewed = (n: number) =>
    record({ accessToken: `access-${n}`, refreshToken: `refresh-${n}`, issuedAt: Date.now() });

  beforeEach(async () => {
    mine = new CutOffStorage();
    launches = launchesIn(mine);
    // the same entries, over a connection that holds
    const theirs = Object.assign(new MapStorage(), { entries: mine.entries });
    other = launchesIn(theirs);
    await launches.write('id-1', record());
    mine.isCutOff = true;
    await launches.writeSurely('id-1', renewed(2));
    clock.advance(5 * MINUTE);
    await other.write('id-1', renewed(3));
    mine.isCutOff = false;
  });

  it('A9-3 A9-4 is not stored over the tokens of a later refresh', async () => {
    await mine.tried();
    await setImmediate();
    expect((await other.read('id-1'))?.refreshToken).toBe('refresh-3');
    expect((await launches.read('id-1'))?.refreshToken).toBe('refresh-3');
  });

  it('A9-4 is not what the next refresh starts from', async () => {
    const seen = await launches.exclusive('id-1', () => launches.read('id-1'));
    expect(seen?.refreshToken).toBe('refresh-3');
  });
});

describe('a launch that must not be lost and is to end', () => {
  it('A9-3 does not fall back to what is stored while the store cannot let go of it', async () => {
    await launches.write('id-1', record());
    map.isDown = true;
    await launches.writeSurely('id-1', record({ refreshToken: 'refresh-2' }));
    await expect(launches.remove('id-1')).rejects.toMatchObject(UNAVAILABLE);
    map.isDown = false;
    expect((await launches.read('id-1'))?.refreshToken).toBe('refresh-2');
    await launches.remove('id-1');
    expect(await launches.read('id-1')).toBeUndefined();
  });
});

describe('a task that has a launch for itself', () => {
  it('A9-4 runs while no other does', async () => {
    const log: string[] = [];
    const task = (name: string) => async () => {
      log.push(`${name} in`);
      await launches.read('id-1');
      log.push(`${name} out`);
      return name;
    };
    const both = [launches.exclusive('id-1', task('a')), launches.exclusive('id-1', task('b'))];
    expect(await Promise.all(both)).toEqual(['a', 'b']);
    expect(log).toEqual(['a in', 'a out', 'b in', 'b out']);
  });

  it('locks the entry for longer than the task may take', async () => {
    const locks: [string, number][] = [];
    const storage = Object.assign(new MapStorage(), {
      lock: <T>(key: string, ttlMs: number, run: () => Promise<T>) => (locks.push([key, ttlMs]), run()),
    });
    expect(await launchesIn(storage).exclusive('id-1', async () => 'done')).toBe('done');
    expect(locks).toEqual([[keyOf('id-1'), 35_000]]);
  });

  it('does not run where the lock cannot be had, which is an outage', async () => {
    const storage = Object.assign(new MapStorage(), {
      lock: () => Promise.reject(new Error('the store is down')),
    });
    let ran = false;
    const task = async () => void (ran = true);
    await expect(launchesIn(storage).exclusive('id-1', task)).rejects.toMatchObject(UNAVAILABLE);
    expect(ran).toBe(false);
  });

  it('fails with its own error, and the next one runs', async () => {
    const error = new SmartError('session_expired', 'over');
    await expect(launches.exclusive('id-1', () => Promise.reject(error))).rejects.toBe(error);
    expect(await launches.exclusive('id-1', async () => 'next')).toBe('next');
  });
});
