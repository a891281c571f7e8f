import { afterEach, describe, expect, it } from '@jest/globals';
import { Keyv } from 'keyv';
import { MapStorage } from '../../test/support/map-storage.js';
import { describeWithRedis } from '../../test/support/redis.js';
import { launchStore } from './launch-store.js';
import { LAUNCH_LIFETIME_MS, issueSmartAppLaunch, launchIdOf } from './smart-app-launch.js';

const PARTS = {
  application: { id: 'growth-chart', name: 'Growth Chart', clientId: 'growth-client' },
  userId: 'dr-grey',
  iss: 'https://ehr.example.org/fhir',
  context: { patient: 'ada', __ward: { name: 'b' } },
};

describe('issueSmartAppLaunch', () => {
  it('F-4 makes a handle of 256 random bits, and a launch that has only its hash', () => {
    const issued = [issueSmartAppLaunch(PARTS), issueSmartAppLaunch(PARTS)];
    expect(issued[0]!.handle).not.toBe(issued[1]!.handle);
    for (const { handle, launch } of issued) {
      expect(Buffer.from(handle, 'base64url')).toHaveLength(32);
      expect(launch.id).toBe(launchIdOf(handle));
      expect(JSON.stringify(launch)).not.toContain(handle);
      expect(launch).toMatchObject({ clientId: 'growth-client', userId: 'dr-grey', iss: PARTS.iss });
      expect(launch.expiresAt - launch.createdAt).toBe(10 * 60_000);
    }
  });
});

describe('launchStore', () => {
  it.each([
    ['in memory', undefined],
    ['in a Keyv', new Keyv()],
    ['in a Map behind a Keyv', new Keyv({ store: new Map() })],
  ])('F-14 keeps launches %s, to be read and taken once', async (_where, option) => {
    const { store } = launchStore(option);
    const { launch } = issueSmartAppLaunch(PARTS);
    await store.save(launch, LAUNCH_LIFETIME_MS);

    expect(await store.findById(launch.id)).toEqual(launch);
    const taken = await Promise.all([1, 2, 3].map(() => store.take(launch.id)));
    expect(taken.filter(Boolean)).toEqual([launch]);
    expect(await store.findById(launch.id)).toBeUndefined();
  });

  it('F-14 seals launches under the first secret, opens them with each, and with no other', async () => {
    const storage = new MapStorage();
    const [old, next, other] = ['old', 'new', 'other'].map((name) => name.padEnd(32, '-')) as [
      string,
      string,
      string,
    ];
    let unknown = 0;
    const open = (...secrets: string[]) => launchStore(storage, secrets, () => (unknown += 1)).store;
    const { launch } = issueSmartAppLaunch(PARTS);
    await open(old).save(launch, LAUNCH_LIFETIME_MS);

    expect(await open(other).findById(launch.id)).toBeUndefined();
    expect(unknown).toBe(1);
    expect(await open(next, old).findById(launch.id)).toEqual(launch);
    expect(storage.dump()).toContain(launch.id);
    for (const told of ['ada', 'dr-grey', 'growth', 'ehr.example'])
      expect(storage.dump()).not.toContain(told);
  });

  it('F-14 F-4 an entry that was moved to another launch opens nothing', async () => {
    const storage = new MapStorage();
    const { store } = launchStore(storage, ['s'.repeat(32)]);
    const [one, other] = [issueSmartAppLaunch(PARTS).launch, issueSmartAppLaunch(PARTS).launch];
    await store.save(one, LAUNCH_LIFETIME_MS);
    const [[key, entry]] = [...storage.entries] as [[string, { value: string; ttlMs: number }]];
    storage.entries.set(key.replace(one.id, other.id), entry);
    expect(await store.take(other.id)).toBeUndefined();
  });

  it('F-14 takes a store of the user’s own, and says when it is down', async () => {
    const kept = new Map<string, unknown>();
    const own = {
      findById: async () => Promise.reject(new Error('no database')),
      save: async (launch: { id: string }) => kept.set(launch.id, launch),
      take: async () => null,
    };
    const { store, storage } = launchStore(own);
    const { launch } = issueSmartAppLaunch(PARTS);
    await store.save(launch, LAUNCH_LIFETIME_MS);

    expect(storage).toBeUndefined();
    expect(kept.get(launch.id)).toBe(launch);
    await expect(store.findById(launch.id)).rejects.toMatchObject({ error: 'store_unavailable' });
  });
});

await describeWithRedis('launchStore in Redis', (redis) => {
  afterEach(() => redis.clear());

  it('F-14 F-4 of two processes one takes it, and Redis holds no handle and forgets the launch', async () => {
    const secrets = ['s'.repeat(32)];
    const [here, there] = [
      launchStore(redis.keyv(), secrets).store,
      launchStore(redis.keyv(), secrets).store,
    ];
    const { handle, launch } = issueSmartAppLaunch(PARTS);
    await here.save(launch, LAUNCH_LIFETIME_MS);
    expect(await there.findById(launch.id)).toEqual(launch);

    const entries = await redis.entries();
    expect(entries).toHaveLength(1);
    for (const told of [handle, 'ada', 'dr-grey']) expect(JSON.stringify(entries)).not.toContain(told);
    expect(entries[0]!.ttlMs).toBeGreaterThan(LAUNCH_LIFETIME_MS - 60_000);
    expect(entries[0]!.ttlMs).toBeLessThanOrEqual(LAUNCH_LIFETIME_MS);

    const takers = [here, there, here, there].map((store) => store.take(launch.id));
    expect((await Promise.all(takers)).filter(Boolean)).toEqual([launch]);
  });
});
