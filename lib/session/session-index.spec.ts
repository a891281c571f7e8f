import { beforeEach, describe, expect, it } from '@jest/globals';
import { MapStorage } from '../../test/support/map-storage.js';
import { completeStorage } from './complete-storage.js';
import { INDEX_PREFIX, entryKey } from './keys.js';
import { SealedBox } from './sealed-box.js';
import { SessionIndex } from './session-index.js';
import type { IndexedLaunch } from './session-index.js';

const LIFETIME = { idleTimeoutMs: 1_000, absoluteTimeoutMs: 43_200_000 };
const LAUNCHES: IndexedLaunch[] = [
  { id: 'canary-1', iss: 'https://ehr.example.org/fhir', patient: 'canary-patient', user: null },
  { id: 'canary-2', iss: 'https://ehr.example.org/fhir', patient: null, user: 'https://ehr user-1' },
];

let map: MapStorage;
let index: SessionIndex;

beforeEach(() => {
  map = new MapStorage();
  index = new SessionIndex(completeStorage(map, 2_000), new SealedBox(['one secret']), LIFETIME);
});

const keyOf = (id: string) => entryKey(INDEX_PREFIX, id);

describe('the launches of a session', () => {
  it('are there for the session, until they are removed', async () => {
    expect(await index.read('session-1')).toEqual([]);
    await index.write('session-1', LAUNCHES);
    expect(await index.read('session-1')).toEqual(LAUNCHES);
    expect(await index.read('session-2')).toEqual([]);
    await index.remove('session-1');
    expect(await index.read('session-1')).toEqual([]);
  });

  it('live as long as a session may, or as long as is said', async () => {
    await index.write('session-1', LAUNCHES);
    await index.write('session-2', LAUNCHES, 60_000);
    const ttl = (id: string) => map.entries.get(keyOf(id))?.ttlMs;
    expect([ttl('session-1'), ttl('session-2')]).toEqual([43_200_000, 60_000]);
  });

  it('C-20 cannot be read in the store, nor from a session they were moved to', async () => {
    await index.write('victim', LAUNCHES);
    expect(map.dump()).not.toMatch(/canary|victim|ehr\.example/);
    map.entries.set(keyOf('attacker'), map.entries.get(keyOf('victim'))!);
    expect(await index.read('attacker')).toEqual([]);
  });

  it('C-20 are none when somebody changed the entry', async () => {
    await index.write('session-1', LAUNCHES);
    const { value, ttlMs } = map.entries.get(keyOf('session-1'))!;
    map.entries.set(keyOf('session-1'), { value: `${value.slice(0, -8)}AAAAAAAA`, ttlMs });
    expect(await index.read('session-1')).toEqual([]);
  });

  it('are an outage and not none where the store is down', async () => {
    map.isDown = true;
    const unavailable = { error: 'store_unavailable', status: 503 };
    await expect(index.read('session-1')).rejects.toMatchObject(unavailable);
    await expect(index.write('session-1', [])).rejects.toMatchObject(unavailable);
    await expect(index.remove('session-1')).rejects.toMatchObject(unavailable);
  });
});
