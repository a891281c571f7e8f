import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fakeClock } from '../test/support/clock.js';
import { CONTEXT, launchRecord } from '../test/support/launch-parts.js';
import { MapStorage } from '../test/support/map-storage.js';
import { describeWithRedis } from '../test/support/redis.js';
import { activeLaunch } from './active-launch.js';
import { addLaunch } from './add-launch.js';
import { completeStorage } from './session/complete-storage.js';
import { LAUNCH_PREFIX } from './session/keys.js';
import { LaunchStore } from './session/launch-store.js';
import { SealedBox } from './session/sealed-box.js';
import { SessionIndex } from './session/session-index.js';
import type { SmartStorageOption } from './session/smart-storage.js';
import { resolveOptions } from './smart-client-options.js';

const A = 'https://ehr-a.example.org/fhir';
const B = 'https://ehr-b.example.org/fhir';
const MINUTE = 60_000;
const options = resolveOptions({ enableMultiLaunch: true });

let map: MapStorage;
let clock: ReturnType<typeof fakeClock>;
let parts: ReturnType<typeof partsOn>;
let launched = 0;

function partsOn(storage: SmartStorageOption) {
  const complete = completeStorage(storage, 2_000);
  const box = new SealedBox(['a secret of more than thirty-two characters']);
  return {
    options,
    launches: new LaunchStore(complete, box, options, 30_000),
    sessions: new SessionIndex(complete, box, options, 5_000),
    severalIssuers: true,
  };
}

beforeEach(() => {
  clock = fakeClock();
  map = new MapStorage();
  parts = partsOn(map);
});
afterEach(() => clock.restore());

/** A callback of one browser, sent with one session id and answered with another. */
async function callback(
  [before, sessionId]: [string | null, string],
  patient: string,
  given: { iss?: string; user?: string | null; browserId?: string; arrivedAt?: number } = {},
) {
  const { iss = A, user = 'user-1', browserId = 'browser-1', arrivedAt = Date.now() } = given;
  const identity = user === null ? null : { iss: new URL(iss).origin, sub: user, fhirUser: null, claims: {} };
  const record = launchRecord(iss, { context: { ...CONTEXT, patient }, identity });
  return addLaunch(
    parts,
    { id: `launch-${++launched}`, record },
    { before, sessionId, browserId, arrivedAt },
  );
}

async function patientsOf(sessionId: string): Promise<(string | null)[]> {
  const session = await parts.sessions.read(sessionId);
  const found: (string | null)[] = [];
  for (const { patient, iss } of session?.launches ?? []) {
    const active = await activeLaunch(parts, { sessionId, activePatient: patient, activeIssuer: iss });
    if ('record' in active) found.push(active.record.context.patient);
  }
  return found.sort();
}

describe('callbacks of one browser at the same moment', () => {
  it.each([
    ['in a session that was there', 'old'],
    ['in a browser without a session', null],
  ])('A3-5 E-NO-3 lose no launch, whichever cookie the browser keeps: %s', async (_where, before) => {
    if (before !== null) await callback([null, before], 'p0');
    const earlier = before === null ? [] : ['p0'];

    await Promise.all([
      callback([before, 'new-1'], 'p1'),
      callback([before, 'new-2'], 'p2'),
      callback([before, 'new-3'], 'p3'),
    ]);

    for (const sessionId of ['new-1', 'new-2', 'new-3']) {
      expect(await patientsOf(sessionId)).toEqual([...earlier, 'p1', 'p2', 'p3']);
    }
  });

  it('C-7 leave only what it showed before under the old id, and that for a minute', async () => {
    await callback([null, 'old'], 'p0');
    await Promise.all([callback(['old', 'new-1'], 'p1'), callback(['old', 'new-2'], 'p2')]);
    expect(await patientsOf('old')).toEqual(['p0']);
    clock.advance(MINUTE);
    expect(await patientsOf('old')).toEqual([]);
    expect(await patientsOf('new-1')).toEqual(['p0', 'p1', 'p2']);
  });

  it('C-7 end, all their ids, with the next callback', async () => {
    await Promise.all([callback([null, 'new-1'], 'p1'), callback([null, 'new-2'], 'p2')]);
    await callback(['new-1', 'newest'], 'p3');
    clock.advance(MINUTE);
    expect(await patientsOf('newest')).toEqual(['p1', 'p2', 'p3']);
    expect([await patientsOf('new-1'), await patientsOf('new-2')]).toEqual([[], []]);
  });

  it('G-5 of one patient leave the newer launch', async () => {
    await Promise.all([callback([null, 'new-1'], 'p1'), callback([null, 'new-2'], 'p1')]);
    expect(await patientsOf('new-1')).toEqual(['p1']);
    const session = await parts.sessions.read('new-2');
    expect(session?.launches.map(({ id }) => id)).toEqual([`launch-${launched}`]);
    expect(await parts.launches.read(`launch-${launched - 1}`)).toBeUndefined();
  });
});

describe('a callback that is sent with an id that was replaced', () => {
  const refused = { error: 'invalid_state', status: 400 };

  const somebodyElse: [string, { iss?: string; user?: string | null }][] = [
    ['another user', { user: 'user-2' }],
    ['no user', { user: null }],
    ['a user of another EHR', { iss: B }],
  ];

  it.each(somebodyElse)('C-6 ends the newer session where it came after it: %s', async (_who, given) => {
    await callback([null, 'old'], 'p0');
    await callback(['old', 'unheard'], 'p1');
    clock.advance(1);

    expect(await callback(['old', 'mine'], 'p2', given)).toBeUndefined();

    expect(await patientsOf('mine')).toEqual(['p2']);
    for (const sessionId of ['unheard', 'old']) expect(await patientsOf(sessionId)).toEqual([]);
    expect([...map.entries.keys()].filter((key) => key.startsWith(LAUNCH_PREFIX))).toHaveLength(1);
  });

  it.each(somebodyElse)(
    'C-6 C-7 does not join one that was made at the same time: %s',
    async (_who, given) => {
      await callback([null, 'old'], 'p0');
      await callback(['old', 'new'], 'p1');

      expect(await callback(['old', 'mine'], 'p2', given)).toMatchObject(refused);

      expect(await patientsOf('new')).toEqual(['p0', 'p1']);
      expect(await patientsOf('mine')).toEqual([]);
      expect(await patientsOf('old')).toEqual(['p0']);
      expect(await parts.launches.read(`launch-${launched}`)).toBeUndefined();
    },
  );

  it('C-7 does not join a session that was planted and then used by somebody else', async () => {
    await callback([null, 'planted'], 'p0', { user: 'attacker', iss: B });
    await callback(['planted', 'victim'], 'p1');
    expect(await callback(['planted', 'attacker'], 'p2', { user: 'attacker', iss: B })).toMatchObject(
      refused,
    );
    expect(await patientsOf('attacker')).toEqual([]);
  });

  it('C-7 takes nothing along to a browser that is not the one that went on', async () => {
    await callback([null, 'old'], 'p0');
    await callback(['old', 'new'], 'p1');
    await callback(['old', 'thief'], 'p9', { browserId: 'browser-2', iss: B });
    expect(await patientsOf('thief')).toEqual(['p9']);
    clock.advance(MINUTE);
    expect(await patientsOf('old')).toEqual([]);
    expect(await patientsOf('new')).toEqual(['p0', 'p1']);
  });

  it('starts a session of its own after a minute, and after a logout', async () => {
    await callback([null, 'old'], 'p0');
    await callback(['old', 'new'], 'p1');
    clock.advance(MINUTE);
    expect(await callback(['old', 'own'], 'p2', { user: 'user-2' })).toBeUndefined();
    expect(await patientsOf('own')).toEqual(['p2']);

    await parts.sessions.remove('own');
    expect(await callback([null, 'next'], 'p3', { user: 'user-3' })).toBeUndefined();
    expect(await patientsOf('next')).toEqual(['p3']);
  });
});

it('stores no launch where the session cannot be read', async () => {
  map.isDown = true;
  await expect(callback(['old', 'new'], 'p1')).rejects.toMatchObject({ error: 'store_unavailable' });
  expect(map.entries.size).toBe(0);
});

await describeWithRedis('callbacks at the same moment in two processes with one Redis', (redis) => {
  it('A3-5 E-NO-3 lose no launch', async () => {
    const processes = [partsOn(redis.keyv()), partsOn(redis.keyv())];
    const names = Array.from({ length: 10 }, (_, index) => `${index}`);

    await Promise.all(
      names.map((name, index) => {
        parts = processes[index % 2]!;
        return callback([null, `new-${name}`], `p${name}`);
      }),
    );

    for (parts of processes) {
      for (const name of names) {
        expect(await patientsOf(`new-${name}`)).toEqual(names.map((other) => `p${other}`));
      }
    }
  });
});
