import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fakeClock } from '../../test/support/clock.js';
import { MapStorage } from '../../test/support/map-storage.js';
import { completeStorage } from './complete-storage.js';
import { INDEX_PREFIX, RECENT_PREFIX, entryKey } from './keys.js';
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
let clock: ReturnType<typeof fakeClock>;

beforeEach(() => {
  clock = fakeClock();
  map = new MapStorage();
  index = new SessionIndex(completeStorage(map, 2_000), new SealedBox(['one secret']), LIFETIME, 5_000);
});
afterEach(() => clock.restore());

const SESSION = { launches: LAUNCHES };

const keyOf = (id: string) => entryKey(INDEX_PREFIX, id);

describe('the launches of a session', () => {
  it('are there for the session, until they are removed', async () => {
    expect(await index.read('session-1')).toBeUndefined();
    await index.write('session-1', SESSION);
    expect(await index.read('session-1')).toMatchObject(SESSION);
    expect(await index.read('session-2')).toBeUndefined();
    await index.remove('session-1');
    expect(await index.read('session-1')).toBeUndefined();
  });

  it('live as long as a session may, or a minute under an id that was replaced', async () => {
    await index.write('session-1', SESSION);
    await index.retire('session-2', SESSION);
    const ttl = (id: string) => map.entries.get(keyOf(id))?.ttlMs;
    expect([ttl('session-1'), ttl('session-2')]).toEqual([43_200_000, 60_000]);
    expect(await index.read('session-2')).toMatchObject({ isReplaced: true });
  });

  it('A9-11 end when their time is over, though the store keeps them', async () => {
    await index.write('session-1', SESSION);
    await index.retire('session-2', SESSION);
    clock.advance(59_999);
    expect(await index.read('session-2')).toMatchObject(SESSION);
    clock.advance(1);
    expect(await index.read('session-2')).toBeUndefined();
    clock.advance(43_200_000 - 60_001);
    expect(await index.read('session-1')).toMatchObject(SESSION);
    clock.advance(1);
    expect(await index.read('session-1')).toBeUndefined();
    expect(map.entries.size).toBe(2);
  });

  it('know for a minute which ids a browser was given', async () => {
    expect(await index.recentOf('browser-1')).toBeUndefined();
    await index.rememberRecent('browser-1', ['session-1', 'session-2']);
    const recent = { sessionIds: ['session-1', 'session-2'], at: Date.now() };
    expect(await index.recentOf('browser-1')).toMatchObject(recent);
    expect(await index.recentOf('session-1')).toBeUndefined();
    expect([...map.entries.keys()]).toEqual([entryKey(RECENT_PREFIX, 'browser-1')]);
    expect(map.dump()).not.toMatch(/browser-1|session-1/);
    clock.advance(60_000);
    expect(await index.recentOf('browser-1')).toBeUndefined();
  });

  it('C-20 cannot be read in the store, nor from a session they were moved to', async () => {
    await index.write('victim', SESSION);
    expect(map.dump()).not.toMatch(/canary|victim|ehr\.example/);
    map.entries.set(keyOf('attacker'), map.entries.get(keyOf('victim'))!);
    expect(await index.read('attacker')).toBeUndefined();
  });

  it('C-20 are none when somebody changed the entry', async () => {
    await index.write('session-1', SESSION);
    const { value, ttlMs } = map.entries.get(keyOf('session-1'))!;
    map.entries.set(keyOf('session-1'), { value: `${value.slice(0, -8)}AAAAAAAA`, ttlMs });
    expect(await index.read('session-1')).toBeUndefined();
  });

  it('are an outage and not none where the store is down', async () => {
    map.isDown = true;
    const unavailable = { error: 'store_unavailable', status: 503 };
    await expect(index.read('session-1')).rejects.toMatchObject(unavailable);
    await expect(index.write('session-1', SESSION)).rejects.toMatchObject(unavailable);
    await expect(index.remove('session-1')).rejects.toMatchObject(unavailable);
  });
});
